//! What people are told at once: one alert, or all that came up together. Pure.

use super::{Notice, Status};
use crate::event::Severity;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Alerts that a message tells in words; the others it counts.
const LISTED: usize = 100;
/// Alerts that its title names.
const NAMED: usize = 3;

/// A message to people. Of one alert it is what its [`Notice`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same for each try to tell the same.
    pub id: String,
    /// Firing if one of them is.
    pub status: Status,
    /// Of the one that matters most.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// What is so: of several a line each.
    pub text: String,
    /// All that is known, in lines.
    pub body: String,
    /// The message that this one tells the end of.
    pub answers: Option<String>,
}

impl Message {
    /// Of one alert or several; none of none.
    pub fn of(notices: &[Notice]) -> Option<Message> {
        let first = notices.first()?;
        if notices.len() == 1 {
            return Some(Message {
                id: first.id.clone(),
                status: first.status,
                severity: first.severity,
                title: first.title(),
                text: first.text.clone(),
                body: first.body(),
                answers: (first.status == Status::Resolved).then(|| first.first_id()),
            });
        }
        let (fire, over): (Vec<&Notice>, Vec<&Notice>) =
            notices.iter().partition(|notice| notice.status != Status::Resolved);
        let counts = match (fire.len(), over.len()) {
            (fire, 0) => format!("{fire} alerts"),
            (0, over) => format!("{over} alerts are over"),
            (fire, over) => format!("{fire} alerts, {over} over"),
        };
        let beyond = |shown: usize| notices.len().checked_sub(shown).filter(|more| *more > 0);
        let names: Vec<String> = notices.iter().take(NAMED).map(Notice::title).collect();
        let more = beyond(NAMED).map(|more| format!(" and {more} more")).unwrap_or_default();
        let line = |notice: &&Notice| match notice.text.is_empty() {
            true => notice.title(),
            false => format!("{}: {}", notice.title(), notice.text),
        };
        let (mut lines, mut body) = (Vec::new(), String::new());
        for notice in fire.iter().chain(&over).take(LISTED) {
            lines.push(line(notice));
            let _ = writeln!(body, "{}\n{}", notice.title(), notice.body());
        }
        if let Some(more) = beyond(LISTED) {
            let more = format!("and {more} more: pxelator alerts has all");
            let _ = writeln!(body, "{more}");
            lines.push(more);
        }
        let ids = notices.iter().fold(Sha256::new(), |all, notice| all.chain_update(&notice.id).chain_update("\n"));
        let matters = if fire.is_empty() { &over } else { &fire };
        Some(Message {
            id: hex::encode(&ids.finalize()[..12]),
            status: if fire.is_empty() { Status::Resolved } else { Status::Firing },
            severity: matters.iter().map(|notice| notice.severity).min().unwrap_or(first.severity),
            title: format!("{counts}: {}{more}", names.join(", ")),
            text: lines.join("\n"),
            body,
            answers: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn notice(name: &str, status: Status, severity: Severity) -> Notice {
        let test = Notice::test([10, 77, 0, 1].into(), Timestamp::UNIX_EPOCH);
        let (rule, id) = ("down".to_owned(), format!("id-{name}"));
        Notice { hostname: Some(name.into()), status, severity, rule, id, text: "no answer".into(), ..test }
    }

    #[test]
    fn one_and_several() {
        let of = |all: &[(&str, Status, Severity)]| {
            let notices: Vec<Notice> =
                all.iter().map(|(name, status, severity)| notice(name, *status, *severity)).collect();
            Message::of(&notices)
        };
        let (firing, over, crit, warning) = (Status::Firing, Status::Resolved, Severity::Crit, Severity::Warning);
        assert_eq!(of(&[]), None);
        let one = of(&[("web1", over, crit)]).unwrap();
        assert_eq!(
            (one.title.as_str(), one.text.as_str(), one.id.as_str()),
            ("over: web1: down", "no answer", "id-web1")
        );
        assert!(one.answers.is_some());
        for (all, title, status, severity) in [
            (&[("a", firing, warning), ("b", firing, crit)][..], "2 alerts: a: down, b: down", firing, crit),
            (&[("a", over, crit), ("b", over, warning)], "2 alerts are over: over: a: down, over: b: down", over, crit),
            (
                &[("a", over, crit), ("b", firing, warning), ("c", firing, warning), ("d", firing, warning)],
                "3 alerts, 1 over: over: a: down, b: down, c: down and 1 more",
                firing,
                warning,
            ),
        ] {
            let message = of(all).unwrap();
            assert_eq!((message.title.as_str(), message.status, message.severity), (title, status, severity));
            assert_eq!((message.text.lines().count(), &message.answers), (all.len(), &None));
            assert!(all.iter().all(|(name, ..)| message.text.contains(&format!("{name}: down: no answer"))));
        }
        assert_ne!(
            of(&[("a", firing, crit), ("b", firing, crit)]).unwrap().id,
            of(&[("a", firing, crit), ("c", firing, crit)]).unwrap().id
        );
    }

    #[test]
    fn not_all_is_said() {
        let notices: Vec<Notice> = (0..250).map(|n| notice(&format!("m{n}"), Status::Firing, Severity::Crit)).collect();
        let message = Message::of(&notices).unwrap();
        assert_eq!(message.text.lines().last(), Some("and 150 more: pxelator alerts has all"));
        assert!(message.body.ends_with("and 150 more: pxelator alerts has all\n"));
    }
}
