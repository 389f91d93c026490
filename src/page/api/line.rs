//! A line: a stream of what comes of the commands that name it, an event a line, as the socket of the run folder has it.

use super::{Actor, Problem, Site, problem};
use crate::{
    command::{Command, Interest},
    event::{Asker, Event},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;
use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};
use tokio::{sync::broadcast, time::timeout};
use tokio_util::sync::CancellationToken;

/// Lines at the same time: of one user, and of all.
const OF_ONE: usize = 16;
const OF_ALL: usize = 64;
/// An empty line is sent so often: who is gone is found out, and what lies between does not close it.
const BEAT: Duration = Duration::from_secs(15);

/// Those that are open.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<HashMap<String, Open>>>);

struct Open {
    by: Asker,
    interest: Arc<Mutex<Interest>>,
}

/// One of them; it is closed when this is dropped.
struct Line {
    lines: Lines,
    name: String,
    interest: Arc<Mutex<Interest>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.lines.0.lock().remove(&self.name);
    }
}

impl Lines {
    fn open(&self, by: &Asker) -> Option<Line> {
        let name = crate::page::sessions::random().ok()?;
        let mut lines = self.0.lock();
        let own = lines.values().filter(|line| line.by == *by).count();
        if own >= OF_ONE || lines.len() >= OF_ALL {
            return None;
        }
        let interest = Arc::<Mutex<Interest>>::default();
        lines.insert(name.clone(), Open { by: by.clone(), interest: interest.clone() });
        Some(Line { lines: self.clone(), name, interest })
    }

    /// The line is told of this command from now on; false where the user has no such line.
    pub fn note(&self, name: &str, by: &Asker, command: &Command) -> bool {
        let lines = self.0.lock();
        let line = lines.get(name).filter(|line| line.by == *by);
        line.inspect(|line| line.interest.lock().note(command)).is_some()
    }
}

fn text(line: &impl Serialize) -> Bytes {
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

/// The next that is told; none at the end.
async fn next(
    events: &mut broadcast::Receiver<Arc<Event>>,
    line: &Line,
    shutdown: &CancellationToken,
) -> Option<Bytes> {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return None,
            event = timeout(BEAT, events.recv()) => match event {
                Err(_) => return Some(Bytes::from_static(b"\n")),
                Ok(Ok(event)) if line.interest.lock().wants(&event) => return Some(text(&*event)),
                Ok(Ok(_)) => {}
                Ok(Err(broadcast::error::RecvError::Lagged(missed))) => return Some(text(&json!({ "missed": missed }))),
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
            },
        }
    }
}

/// Opens a line: its first object names it, then come events. It is open until who asks closes it
#[utoipa::path(
    get,
    path = "/line",
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = "4XX", body = Problem)),
    security(("token" = []))
)]
pub async fn line(actor: Actor, State(site): State<Site>) -> Result<Response, Response> {
    let events = site.source.events.subscribe();
    let line = site.lines.open(&actor.by).ok_or_else(|| {
        problem(StatusCode::TOO_MANY_REQUESTS, "too many lines are open", "try again when one of them was closed")
    })?;
    let about = json!({ "version": env!("CARGO_PKG_VERSION"), "process": std::process::id() });
    let first = text(&json!({ "program": about, "line": line.name }));
    let shutdown = site.source.shutdown.clone();
    let rest = futures_util::stream::unfold((events, line, shutdown), |(mut events, line, shutdown)| async move {
        let told = next(&mut events, &line, &shutdown).await?;
        Some((Ok::<_, Infallible>(told), (events, line, shutdown)))
    });
    let first = futures_util::stream::once(async { Ok::<_, Infallible>(first) });
    let stream = futures_util::StreamExt::chain(first, rest);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(stream)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_users() {
        let (lines, anna, ben) = (Lines::default(), Asker::User("anna".into()), Asker::User("ben".into()));
        let fetch = Command::Fetch { profile: "debian".into() };
        let line = lines.open(&anna).unwrap();
        assert!(lines.note(&line.name, &anna, &fetch) && !line.interest.lock().is_empty());
        assert!(!lines.note(&line.name, &ben, &fetch) && !lines.note("", &anna, &fetch));
        let all: Vec<_> = (0..OF_ALL).filter_map(|_| lines.open(&anna)).collect();
        assert_eq!(all.len(), OF_ONE - 1);
        assert!(lines.open(&ben).is_some());
        let name = line.name.clone();
        drop(line);
        assert!(!lines.note(&name, &anna, &fetch), "it is closed");
    }
}
