//! How far CouchDB is behind, in the frame of the audit.

use super::{Scene, words::span};
use crate::state::Replica;
use jiff::{SignedDuration, Timestamp};
use ratatui::text::{Line, Span};

/// What is younger is on its way.
const PROMPT: SignedDuration = SignedDuration::from_secs(2);

/// A word for each database; nothing where there is none.
pub fn line<'a>(scene: Scene<'_>) -> Line<'a> {
    let theme = scene.theme;
    let several = scene.replicas.len() > 1;
    let words = scene.replicas.values().map(|replica| {
        let name = if several { replica.database.clone() } else { "couchdb".to_owned() };
        match (&replica.trouble, late(replica, scene.now)) {
            (Some((error, _)), late) => {
                let late = late.map_or(String::new(), |late| format!("{late} behind: "));
                Span::styled(format!(" {} {name}: {late}{error} ", theme.marks.bad), theme.bad)
            }
            (None, Some(late)) => Span::styled(format!(" {name}: {late} behind "), theme.busy),
            (None, None) => Span::styled(format!(" {name}: up to date "), theme.good),
        }
    });
    Line::from(words.collect::<Vec<_>>())
}

/// `12345 events, 3m12`; none where it is up to date.
fn late(replica: &Replica, now: Timestamp) -> Option<String> {
    let oldest = replica.oldest.filter(|oldest| now.duration_since(*oldest) > PROMPT)?;
    Some(format!("{} events, {}", replica.behind, span(oldest, now)))
}
