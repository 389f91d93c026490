//! Words of checks, alerts and the page, and their sentences.

use super::Fact;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a host showed itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sighting {
    /// It asked or answered for an address (RFC 826).
    Arp,
    /// It asked for an address, of whatever server.
    Dhcp,
    /// It told its name and services (RFC 6762).
    Mdns,
    /// It told what it is and which port this is (IEEE 802.1AB).
    Lldp,
}

/// Why an alert is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// What it is about is no longer so.
    Cleared,
    /// The rule says that it is over after a time.
    Expired,
    /// The rule, the machine or the segment is gone from conf.
    Removed,
    /// What it depends on fires, or the rule's `unless` holds.
    Explained,
}

/// How an alert is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// A command of the operator's own.
    Command,
    /// A message by SMTP (RFC 5321).
    Email,
    /// An HTTP request.
    Webhook,
    /// A notification on the operator's desktop.
    Desktop,
    /// The terminal's bell.
    Bell,
}

impl Sighting {
    /// As in events.
    pub fn name(self) -> &'static str {
        match self {
            Sighting::Arp => "ARP",
            Sighting::Dhcp => "DHCP",
            Sighting::Mdns => "mDNS",
            Sighting::Lldp => "LLDP",
        }
    }
}

impl Means {
    /// As in events and in `receivers`.
    pub fn name(self) -> &'static str {
        match self {
            Means::Command => "command",
            Means::Email => "email",
            Means::Webhook => "webhook",
            Means::Desktop => "desktop",
            Means::Bell => "bell",
        }
    }
}

/// `web1: ` has been said before it, where it is about a machine.
pub fn sentence(fact: &Fact, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match fact {
        Fact::CheckPassed { check, said } => write!(f, "{check} comes through: {said}"),
        Fact::CheckFailed { check, said, times } => match times {
            0 | 1 => write!(f, "{check} fails: {said}"),
            more => write!(f, "{check} fails: {said} ({more} times in a row)"),
        },
        Fact::CheckRecovered { check, said, millis } => {
            write!(f, "{check} comes through again after {} s: {said}", millis / 1000)
        }
        Fact::CheckPaused { check, reason } => write!(f, "{check} is not checked: {reason}"),
        Fact::HostSeen { by, vendor, name } => {
            write!(f, "a host was seen by {}", by.name())?;
            name.as_ref().map_or(Ok(()), |name| write!(f, ", calls itself {name}"))?;
            vendor.as_ref().map_or(Ok(()), |vendor| write!(f, ", made by {vendor}"))
        }
        Fact::LinkTold { system, port } => write!(f, "it is {system}, and this cable is at its port {port}"),
        Fact::RivalFound { server, vendor, offered } => {
            write!(f, "another DHCP server answers: {server}")?;
            vendor.as_ref().map_or(Ok(()), |vendor| write!(f, ", made by {vendor}"))?;
            offered.map_or(Ok(()), |offered| write!(f, "; it offered {offered}"))
        }
        Fact::RivalGone { server } => write!(f, "the other DHCP server {server} answers no longer"),
        Fact::AddressContested { address, macs } => {
            let macs: Vec<String> = macs.iter().map(ToString::to_string).collect();
            write!(f, "{address} is claimed by {}", macs.join(" and "))
        }
        Fact::AddressSettled { address } => write!(f, "{address} is claimed by one only"),
        Fact::AlertPending { rule, subject, text, .. } => write!(f, "{}{text}: waits", of(rule, subject)),
        Fact::AlertWithdrawn { rule, subject, millis } => {
            write!(f, "{}over after {} s, before it was told", of(rule, subject), millis / 1000)
        }
        Fact::AlertFired { rule, subject, text, .. } => write!(f, "{}{text}", of(rule, subject)),
        Fact::AlertResolved { rule, subject, cause, millis } => {
            let words = match cause {
                Cause::Cleared => "over",
                Cause::Expired => "over, as the rule says",
                Cause::Removed => "over: it is no longer in conf",
                Cause::Explained => "over: something else explains it",
            };
            write!(f, "{}{words} after {} s", of(rule, subject), millis / 1000)
        }
        Fact::AlertAcknowledged { rule, subject, by, note } => {
            write!(f, "{}acknowledged by {by}", of(rule, subject))?;
            note.as_ref().map_or(Ok(()), |note| write!(f, ": {note}"))
        }
        Fact::AlertSilenced { rule, subject, until, by } => {
            write!(f, "{} not told until {until:.0}, says {by}", which(rule.as_ref(), subject.as_ref()))
        }
        Fact::AlertUnsilenced { rule, subject, by } => {
            write!(f, "{} told again, says {by}", which(rule.as_ref(), subject.as_ref()))
        }
        Fact::AlertDamped { rule, subject, times } => {
            write!(f, "{}comes and goes, {times} times within an hour; told when it is quiet", of(rule, subject))
        }
        Fact::AlertDelivered { rule, subject, receiver, means, over, tries } => {
            let what = if *over { "its end " } else { "" };
            write!(f, "{}{what}told to {receiver} by {}", of(rule, subject), means.name())?;
            if *tries > 1 { write!(f, ", try {tries}") } else { Ok(()) }
        }
        Fact::AlertUndelivered { rule, subject, receiver, means, error, next_step, retry, .. } => {
            let word = of(rule, subject);
            write!(f, "{word}cannot be told to {receiver} by {}: {error}; {next_step}", means.name())?;
            match retry {
                Some(millis) => write!(f, " (again in {} s)", millis.div_ceil(1000)),
                None => write!(f, " (given up)"),
            }
        }
        Fact::TrendFailed { error, next_step } => write!(f, "trends are not written: {error}; {next_step}"),
        Fact::TrendRecovered { lost } => write!(f, "trends are written again; {lost} values are lost"),
        Fact::PageEntered { user, address } => write!(f, "{user} logged in from {address}"),
        Fact::PageRefused { address, wanted, reason, count } => {
            write!(f, "{address} was refused ({wanted}): {reason}")?;
            if *count > 1 { write!(f, ", {count} times") } else { Ok(()) }
        }
        Fact::PageActed { user, address, what } => write!(f, "{user} from {address}: {what}"),
        _ => Ok(()),
    }
}

/// `down: `, `check tcp 22: `.
fn of(rule: &str, subject: &str) -> String {
    if subject.is_empty() { format!("{rule}: ") } else { format!("{rule} {subject}: ") }
}

fn which(rule: Option<&String>, subject: Option<&String>) -> String {
    match (rule, subject) {
        (Some(rule), Some(subject)) if !subject.is_empty() => format!("{rule} {subject} is"),
        (Some(rule), _) => format!("{rule} is"),
        _ => "all alerts are".to_owned(),
    }
}
