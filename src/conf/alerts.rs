//! The folders `alerts/` (rules) and `receivers/` (who is told, and how) of a segment.

use super::{model::Secret, value::Expected};
use crate::event::Severity;
use std::time::Duration;

/// When an alert is raised: `alerts/NAME`. The filters are text here; they are in the language of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `off`: the rule of this name that is there by default is not wanted.
    pub off: bool,
    /// `when FILTER`: an event that raises it.
    pub when: String,
    /// `clear FILTER`: an event that ends it.
    pub clear: Option<String>,
    /// `after 1h`: it ends by itself then.
    pub after: Option<Duration>,
    /// `for 2m`: it is so for so long before it fires.
    pub wait: Duration,
    /// `unless FILTER`: an event of the same machine that explains it, not longer ago than `within`.
    pub unless: Option<String>,
    /// `within 10m`: how long `unless` looks back, and in which time `count` is counted.
    pub within: Duration,
    /// `count 3`: so many events within that time raise it.
    pub count: u32,
    /// `by check`: a field of the event's details; there is an alert for each of its values.
    pub by: Option<String>,
    /// `depends switch1`, machines by name or address: while one of these has an alert that fires, this one is explained.
    pub depends: Vec<String>,
    /// `severity err`.
    pub severity: Severity,
    /// `to mail chat`: names of `receivers`; all where none is given.
    pub to: Vec<String>,
    /// `text TEMPLATE`: what is said; the event's own line where it is not given.
    pub text: Option<String>,
}

/// Who is told, and how: `receivers/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// How.
    pub way: Way,
    /// `severity warning`: alerts that matter less are not told.
    pub severity: Severity,
    /// `repeat 4h`: told again while it fires and nobody acknowledged it; never unless given.
    pub repeat: Option<Duration>,
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// `command WORDS`: run as the operator, with the alert in its environment and as JSON on standard input.
    Command(Vec<String>),
    /// `email smtp://host:port ADDRESS…`, also `smtps://` and `smtp+starttls://`.
    Email {
        /// Where the mail is handed over.
        server: String,
        /// `from ADDRESS`.
        from: String,
        /// To whom.
        to: Vec<String>,
        /// `NAME.secret`, `user:password`: who hands it over.
        login: Option<Secret>,
    },
    /// `webhook FORM URL`.
    Webhook {
        /// What the request is like.
        form: Form,
        /// Where it goes; with the text of `NAME.secret` in the place of `{secret}`.
        url: String,
        /// `NAME.secret`: a bearer token, where the URL has no `{secret}`.
        secret: Option<Secret>,
    },
    /// `desktop`: notify-send(1) as the operator.
    Desktop,
    /// `bell`: the console's terminal rings.
    Bell,
}

/// What a webhook is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The alert as JSON.
    Json,
    /// ntfy: a text with headers.
    Ntfy,
    /// Slack and Mattermost: an incoming webhook.
    Slack,
    /// Matrix: a message into a room.
    Matrix,
    /// Prometheus Alertmanager, version 2 of its interface.
    Alertmanager,
}

/// A rule's lines.
pub fn rule(_text: &str) -> Result<Rule, Expected> {
    Err("not read yet".to_owned())
}

/// A receiver's lines.
pub fn receiver(_text: &str) -> Result<Receiver, Expected> {
    Err("not read yet".to_owned())
}
