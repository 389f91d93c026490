//! What is told of an alert, in words and as JSON. Pure.

use super::rules::Rules;
use crate::{command::AlertKey, event::Severity, net::Mac, state::alerts::Alert};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, net::Ipv4Addr};

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
    /// Nothing: whether it comes is tried.
    Test,
}

/// One alert as a receiver is told of it. As JSON it is what a webhook and a command get.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// The same for each try to tell the same thing, so that who was told twice can know it.
    pub id: String,
    /// Whether it fires.
    pub status: Status,
    /// The rule's name.
    pub rule: String,
    /// What of the machine; empty for the whole of it.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is so, in words.
    pub text: String,
    /// The segment's server address.
    pub segment: Option<Ipv4Addr>,
    /// The machine's address.
    pub machine: Option<Ipv4Addr>,
    /// Its name.
    pub hostname: Option<String>,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// Since when it is so.
    pub since: Timestamp,
    /// When it fired.
    pub fired: Option<Timestamp>,
    /// When it was over.
    pub resolved: Option<Timestamp>,
    /// It comes and goes: the next is told when it is quiet.
    pub damped: bool,
    /// It was told before.
    pub again: bool,
}

impl Notice {
    /// Of an alert.
    /// `told` is when the receiver was told of it before.
    pub fn of(key: &AlertKey, alert: &Alert, rules: &Rules, told: Option<Timestamp>) -> Notice {
        let known = rules.machine(key.segment, key.mac);
        let status = if alert.resolved.is_some() { Status::Resolved } else { Status::Firing };
        let mut notice = Notice {
            id: String::new(),
            status,
            rule: key.rule.clone(),
            subject: key.subject.clone(),
            severity: alert.severity,
            text: alert.text.clone(),
            segment: key.segment,
            machine: alert.machine.or(known.map(|(_, address)| address)),
            hostname: known.map(|(name, _)| name.to_owned()),
            mac: key.mac,
            since: alert.since,
            fired: alert.fired,
            resolved: alert.resolved,
            damped: alert.damped,
            again: told.is_some(),
        };
        notice.id = notice.first_id();
        if status == Status::Resolved {
            notice.id.push_str("-over");
        } else if let Some(told) = told {
            notice.id = format!("{}-{}", notice.id, told.as_second());
        }
        notice
    }

    /// One that says nothing.
    pub fn test(segment: Ipv4Addr, now: Timestamp) -> Notice {
        let mut notice = Notice {
            id: String::new(),
            status: Status::Test,
            rule: "test".to_owned(),
            subject: String::new(),
            severity: Severity::Info,
            text: "this is a test: alerts of this segment come here".to_owned(),
            segment: Some(segment),
            machine: None,
            hostname: None,
            mac: None,
            since: now,
            fired: None,
            resolved: None,
            damped: false,
            again: false,
        };
        notice.id = notice.first_id();
        notice
    }

    /// What its first telling is called.
    pub fn first_id(&self) -> String {
        let Notice { rule, subject, segment, mac, since, fired, .. } = self;
        let made = format!("{rule}\0{subject}\0{segment:?}\0{mac:?}\0{since}\0{fired:?}");
        hex::encode(&Sha256::digest(made)[..12])
    }

    /// Of the machine, or of the segment, or of the program.
    pub fn place(&self) -> String {
        match (&self.hostname, self.machine, self.mac, self.segment) {
            (Some(name), ..) => name.clone(),
            (None, Some(address), ..) => address.to_string(),
            (None, None, Some(mac), _) => mac.to_string(),
            (None, None, None, Some(segment)) => format!("segment {segment}"),
            _ => "PXElator".to_owned(),
        }
    }

    /// `web1: down` and what follows, one line.
    pub fn title(&self) -> String {
        let what = if self.subject.is_empty() { self.rule.clone() } else { format!("{} {}", self.rule, self.subject) };
        let word = match self.status {
            Status::Firing if self.again => "STILL ",
            Status::Firing => "",
            Status::Resolved => "over: ",
            Status::Test => "test: ",
        };
        format!("{word}{}: {what}", self.place())
    }

    /// All of it, in lines.
    pub fn body(&self) -> String {
        let mut body = format!("{}: {}\n\n", self.place(), self.text);
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                let _ = writeln!(body, "{name:<10}{value}");
            }
        };
        line("Rule", Some(format!("{} {}", self.rule, self.subject).trim_end().to_owned()));
        line("Severity", Some(self.severity.to_string()));
        line("Machine", self.machine.map(|address| address.to_string()));
        line("MAC", self.mac.map(|mac| mac.to_string()));
        line("Segment", self.segment.map(|segment| segment.to_string()));
        line("Since", Some(format!("{:.0}", self.since)));
        line("Over", self.resolved.map(|at| format!("{at:.0}, after {} s", at.duration_since(self.since).as_secs())));
        if self.damped && self.resolved.is_none() {
            body.push_str("\nIt comes and goes; its end is told when it was quiet for ten minutes.\n");
        }
        body
    }

    /// What a word of the status is in interfaces.
    pub fn status_name(&self) -> &'static str {
        match self.status {
            Status::Firing => "firing",
            Status::Resolved => "resolved",
            Status::Test => "test",
        }
    }
}
