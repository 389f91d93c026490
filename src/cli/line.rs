//! An event as a line of text, the same for `run --headless` and `log`.

use crate::event::{Event, Severity};
use crossterm::style::{Color, Stylize};
use std::{env, io::IsTerminal};

/// How lines are written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// An event as a JSON object.
    pub json: bool,
    /// With colours by severity.
    pub colours: bool,
}

impl Style {
    /// Colours where `stream` is a terminal and NO_COLOR is not set.
    pub fn of(stream: &impl IsTerminal, json: bool) -> Style {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Style { json, colours: stream.is_terminal() && !unwanted }
    }

    /// `2026-11-24T09:20:05.123Z info dhcp 10.77.0.60 offered …`
    pub fn line(self, event: &Event) -> String {
        if self.json {
            return serde_json::to_string(event).unwrap_or_default();
        }
        let who = event.machine.map(|m| m.to_string()).or(event.mac.map(|m| m.to_string())).unwrap_or("-".into());
        let (severity, service) = (event.severity(), event.service());
        let (begin, rest) = (format!("{:.3} {severity:7} ", event.time), format!("{service:7} {who} {}", event.fact));
        match colour(severity).filter(|_| self.colours) {
            Some(colour) => format!("{begin}{}", rest.with(colour)),
            None => begin + &rest,
        }
    }
}

fn colour(severity: Severity) -> Option<Color> {
    match severity {
        Severity::Emerg | Severity::Alert | Severity::Crit | Severity::Err => Some(Color::Red),
        Severity::Warning => Some(Color::Yellow),
        Severity::Notice => Some(Color::Cyan),
        Severity::Info => None,
        Severity::Debug => Some(Color::DarkGrey),
    }
}
