//! The folders `alerts/` (rules) and `receivers/` (who is told, and how) of a segment.

mod folder;
mod receiver;
mod rule;
#[cfg(test)]
mod tests;
mod usual;

pub use folder::{across, names};
pub use receiver::{is_clear, receiver};
pub use rule::{rule, span};
pub use usual::{USUAL, usual};

use super::{Login, Machine, Segment, model::Secret};
use crate::event::Severity;
use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

/// When an alert is raised: `alerts/NAME`. The filters are text here; they are in the language of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `off`: the rule of this name that is there by default is not wanted.
    pub off: bool,
    /// `when FILTER`: an event that raises it. Several lines are alternatives.
    pub when: String,
    /// `clear FILTER`: an event that ends it.
    pub clear: Option<String>,
    /// `after 1h`: it ends by itself so long after the last event that raised it.
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
    /// `repeat 4h`: told again while it fires and nobody acknowledged it; unless given never, or as often as who
    /// [keeps alerts](Receiver::keeps) needs it.
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
        /// `NAME.secret`, `user:password`: who hands it over. Not in the clear, but on this host.
        login: Option<Login>,
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

impl Form {
    /// All of them.
    pub const ALL: [Form; 5] = [Form::Json, Form::Ntfy, Form::Slack, Form::Matrix, Form::Alertmanager];

    /// As in the file.
    pub fn name(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::Ntfy => "ntfy",
            Form::Slack => "slack",
            Form::Matrix => "matrix",
            Form::Alertmanager => "alertmanager",
        }
    }
}

impl Receiver {
    /// Where it is told, fit to be shown: no secret is in it.
    pub fn place(&self) -> String {
        match &self.way {
            Way::Command(words) => words.join(" "),
            Way::Email { server, to, .. } => format!("{} by {server}", to.join(" ")),
            Way::Webhook { form, url, .. } => format!("{} {url}", form.name()),
            Way::Desktop => "the operator's desktop".to_owned(),
            Way::Bell => "the console's terminal".to_owned(),
        }
    }

    /// It keeps alerts itself, and takes one for over that it is not told of again: also one that somebody looks after.
    pub fn keeps(&self) -> bool {
        matches!(self.way, Way::Webhook { form: Form::Alertmanager, .. })
    }
}

impl Segment {
    /// The rules that are in force: those that are there by default, and its own over them.
    pub fn rules(&self) -> BTreeMap<String, Rule> {
        let mut rules: BTreeMap<String, Rule> =
            USUAL.iter().filter_map(|(name, _)| Some(((*name).to_owned(), usual(name)?))).collect();
        rules.extend(self.alerts.iter().map(|(name, rule)| (name.clone(), rule.clone())));
        rules.retain(|_, rule| !rule.off);
        rules
    }

    /// A machine of it, by name or address.
    pub fn machine_called(&self, name: &str) -> Option<&Machine> {
        let by_address = name.parse::<Ipv4Addr>().ok().and_then(|address| self.machines.get(&address));
        let named = || self.machines.values().find(|machine| machine.hostname.eq_ignore_ascii_case(name));
        by_address.or_else(named).map(AsRef::as_ref)
    }
}
