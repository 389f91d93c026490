//! Carries a recipe through on one machine, over one ssh(1).

use super::{
    Loaded, Outcome, Report, Trouble,
    payload::{UNPACK, payload},
    report::AGAIN,
};
use crate::{
    event::RecipeManner,
    reach::{Line, Reach},
};
use parking_lot::Mutex;
use std::{fs::File, io::Read, time::Duration};
use tokio::{sync::Notify, time::sleep};

/// What is still on its way when the harness has ended; what a service that the recipe began holds open is not waited for.
const LINGER: Duration = Duration::from_millis(500);

/// Does it; each line of the recipe's output is handed to `said` as it comes.
pub async fn carry(
    reach: &Reach,
    loaded: &Loaded,
    environment: &[(String, String)],
    manner: RecipeManner,
    mut said: impl FnMut(Line),
) -> Result<Outcome, Trouble> {
    let broken = |error: String| Trouble {
        is_away: false,
        is_changed: false,
        error,
        next_step: "see the rights and the room of this host".to_owned(),
    };
    let marker = marker().map_err(|error| broken(format!("/dev/urandom: {error}")))?;
    let archive = payload(loaded, environment, &marker).map_err(|error| broken(format!("cannot pack it: {error}")))?;
    let mode = match manner {
        RecipeManner::Enforce => "apply",
        other => other.name(),
    };
    let report = Mutex::new(Report::default());
    let over = Notify::new();
    let hear = |line: Line| {
        // A recipe may have printed something without an end of line before it.
        let (text, told) = match line.text.split_once(&marker) {
            Some((text, told)) if !line.error => (text, Some(told)),
            _ => (line.text.as_str(), None),
        };
        if told.is_none() || !text.is_empty() {
            report.lock().said(text);
            said(Line { text: text.to_owned(), error: line.error });
        }
        if let Some(told) = told {
            report.lock().tell(told.trim_start());
            if report.lock().is_over() {
                over.notify_one();
            }
        }
    };
    let script = format!("{UNPACK}{mode}");
    let ran = tokio::select! {
        ran = reach.run(&script, &archive, hear) => Some(ran),
        () = async { over.notified().await; sleep(LINGER).await } => None,
        () = sleep(loaded.recipe.limit) => {
            let limit = loaded.recipe.limit.as_secs();
            let is_changed = report.lock().is_going();
            let error = format!("it was not done within {limit} s");
            return Err(Trouble { is_away: false, is_changed, error, next_step: "give it more time: # limit: 2h".to_owned() });
        }
    };
    let report = report.into_inner();
    match ran {
        Some(Err(error)) if !report.is_over() => {
            if report.is_going() {
                let error = format!("the connection broke, and how far it came is not known: {error}");
                return Err(Trouble { is_away: false, is_changed: true, error, next_step: AGAIN.to_owned() });
            }
            Err(Trouble { is_away: error.is_away, is_changed: false, error: error.error, next_step: error.next_step })
        }
        _ => report.outcome(&loaded.recipe.name, &loaded.recipe.files, manner),
    }
}

/// A word that no recipe prints by chance.
fn marker() -> std::io::Result<String> {
    let mut bytes = [0; 12];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("pxelator-{}", hex::encode(bytes)))
}
