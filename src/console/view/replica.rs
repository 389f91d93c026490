//! How far CouchDB is behind, in the frame of the audit.

use super::{Scene, words::span};
use crate::state::Replica;
use jiff::{SignedDuration, Timestamp};
use ratatui::{
    style::Style,
    text::{Line, Span},
};

/// What is younger is on its way.
const PROMPT: SignedDuration = SignedDuration::from_secs(2);

/// A word for each database; nothing where there is none.
pub fn line<'a>(scene: Scene<'_>) -> Line<'a> {
    let several = scene.replicas.len() > 1;
    let words = scene.replicas.values().map(|replica| {
        let (text, style) = words(scene, replica, several);
        Span::styled(format!(" {text} "), style)
    });
    Line::from(words.collect::<Vec<_>>())
}

/// How far a database is; by its URL where there are several.
pub fn words(scene: Scene<'_>, replica: &Replica, several: bool) -> (String, Style) {
    let theme = scene.theme;
    let name = if several { replica.database.clone() } else { "couchdb".to_owned() };
    match (&replica.trouble, late(replica, scene.now)) {
        (Some((error, _)), late) => {
            let late = late.map_or(String::new(), |late| format!("{late} behind: "));
            (format!("{} {name}: {late}{error}", theme.marks.bad), theme.bad)
        }
        (None, Some(late)) => (format!("{name}: {late} behind"), theme.busy),
        (None, None) => (format!("{name}: up to date"), theme.good),
    }
}

/// `12345 events, 3m12`; none where it is up to date.
fn late(replica: &Replica, now: Timestamp) -> Option<String> {
    let oldest = replica.oldest.filter(|oldest| now.duration_since(*oldest) > PROMPT)?;
    Some(format!("{} events, {}", replica.behind, span(oldest, now)))
}
