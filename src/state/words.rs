//! Numbers and states as the few words that fit a column, the same on the screen and on the page. Pure.

use super::{Boot, Lease, Machine, Outcome, Press, PressStage, Segment, Stage, Underway, Verdict};
use crate::event::{Event, LeaseSource, Manner, PowerState, Tried};
use jiff::Timestamp;
use std::fmt;

/// What a machine's stage column says, and how it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A word: `up`, `kernel 40%`.
    pub word: String,
    /// How it is meant.
    pub mood: Mood,
    /// Since when it stands so.
    pub since: Option<Timestamp>,
}

/// How good a state is for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Nothing goes on.
    Idle,
    /// Something is under way.
    Busy,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
}

/// How a machine stands.
pub fn standing(machine: &Machine) -> Standing {
    // What is on its way, or stands still on it, is told as such.
    let is_still = machine.boot().is_none_or(|boot| matches!(boot.outcome, Outcome::Up(_) | Outcome::Ended));
    if let Some(since) = machine.silent_since().filter(|_| is_still && machine.power != Some(PowerState::Off)) {
        return Standing { word: "down".to_owned(), mood: Mood::Bad, since: Some(since) };
    }
    let Some(boot) = machine.boot() else {
        let word = match (machine.in_conf, machine.power) {
            (false, _) => "seen",
            (true, Some(PowerState::Off)) => "off",
            (true, _) => "idle",
        };
        return Standing { word: word.to_owned(), mood: Mood::Idle, since: machine.last_seen };
    };
    let stage = boot.stage();
    let reached = stage.and_then(|stage| boot.milestones.get(&stage)).map(|milestone| milestone.at);
    match &boot.outcome {
        Outcome::Up(since) => {
            let since = boot.milestones.get(&Stage::Up).map_or(*since, |up| up.at);
            Standing { word: Stage::Up.to_string(), mood: Mood::Good, since: Some(since) }
        }
        // Since its last stage: a machine may ask for the missing file again and again.
        Outcome::Stalled(_) => {
            Standing { word: "stalled".to_owned(), mood: Mood::Bad, since: reached.or(Some(boot.began)) }
        }
        Outcome::Ended => {
            let word = if machine.power == Some(PowerState::Off) { "off" } else { "ended" };
            Standing { word: word.to_owned(), mood: Mood::Idle, since: Some(boot.last_heard) }
        }
        Outcome::Underway => match fetching(&boot.transfers, stage) {
            Some((next, transfer)) => Standing {
                word: percent(transfer).map_or_else(|| next.to_string(), |percent| format!("{next} {percent}%")),
                mood: Mood::Busy,
                since: Some(transfer.asked),
            },
            None => Standing {
                word: stage.map_or_else(|| "begins".to_owned(), |stage| stage.to_string()),
                mood: if stage == Some(Stage::Up) { Mood::Good } else { Mood::Busy },
                since: reached,
            },
        },
    }
}

/// The file that is on its way to the next stage. One for a stage that was reached is left over: firmware opens a
/// transfer for its size alone, and of several initrds each is the stage anew.
pub fn fetching(transfers: &[Underway], reached: Option<Stage>) -> Option<(Stage, &Underway)> {
    let is_next = |stage: Stage| Some(stage) > reached || stage == Stage::Initrd;
    let mut under_way = transfers.iter().rev().filter(|transfer| transfer.ended.is_none());
    under_way.find_map(|transfer| Some((transfer.stage.filter(|stage| is_next(*stage))?, transfer)))
}

/// How much of a file is sent.
pub fn percent(transfer: &Underway) -> Option<u64> {
    let size = transfer.size.filter(|size| *size > 0)?;
    Some((transfer.bytes.min(size) * 100) / size)
}

/// What matters most of a machine.
pub enum Heard<'a> {
    /// A change of power that was asked for.
    Asked(String),
    /// Its boot stands still.
    Verdict(&'a Verdict),
    /// What was heard last.
    Last(&'a Event),
}

/// What matters most of a machine; none where nothing was heard.
pub fn heard(machine: &Machine) -> Option<Heard<'_>> {
    if let Some(word) = switching(machine) {
        return Some(Heard::Asked(word));
    }
    match machine.boot().map(|boot| &boot.outcome) {
        Some(Outcome::Stalled(verdict)) => Some(Heard::Verdict(verdict)),
        _ => machine.last_word.as_deref().map(Heard::Last),
    }
}

impl fmt::Display for Heard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Heard::Asked(word) => f.write_str(word),
            Heard::Verdict(verdict) => f.write_str(&verdict.cause),
            Heard::Last(event) => event.fact.fmt(f),
        }
    }
}

/// What the power column says, and how it is meant: how far a change is, else whether the machine has power.
pub fn power_column(machine: &Machine) -> (&'static str, Mood) {
    match machine.press.as_ref().filter(|press| press.is_underway()).map(|press| &press.stage) {
        Some(PressStage::Asked) => return ("asked", Mood::Busy),
        Some(PressStage::Accepted(Manner::Gently)) => return ("shutting", Mood::Busy),
        Some(PressStage::Accepted(_)) => return ("accepted", Mood::Busy),
        Some(PressStage::Failed) => return ("next way", Mood::Busy),
        _ => {}
    }
    match (machine.power, &machine.power_method) {
        (Some(PowerState::On), _) => ("on", Mood::Good),
        (Some(PowerState::Off), _) => ("off", Mood::Idle),
        (None, Some(_)) => ("?", if machine.power_trouble.is_some() { Mood::Busy } else { Mood::Idle }),
        (None, None) => ("", Mood::Idle),
    }
}

/// A change that is under way, in words; none where there is none.
pub fn switching(machine: &Machine) -> Option<String> {
    let press = machine.press.as_ref().filter(|press| press.is_underway())?;
    let Press { action, method, stage, tried, .. } = press;
    let action = action.name();
    Some(match stage {
        PressStage::Accepted(Manner::Gently) => {
            format!("power {action}: its system shuts down, as {method} asked it to")
        }
        PressStage::Accepted(_) => format!("power {action} accepted by {method}; not seen yet"),
        PressStage::Failed => {
            let said = tried.last().map(|tried| tried.said.as_str()).unwrap_or_default();
            format!("power {action}: {method}: {said}")
        }
        _ => format!("power {action} asked of {method}"),
    })
}

/// Whether a machine has power, and why that is not known.
pub fn power_state(machine: &Machine) -> String {
    match (machine.power, &machine.power_trouble, &machine.power_method) {
        (Some(state), _, _) => state.name().to_owned(),
        (None, Some(trouble), _) => format!("not known: {trouble}"),
        (None, None, Some(method)) if method == "wol" => "not known: wol cannot tell it".to_owned(),
        (None, None, Some(_)) => "not known yet".to_owned(),
        (None, None, None) => "not known".to_owned(),
    }
}

/// How a boot ended, in words.
pub fn ended(boot: &Boot) -> String {
    match &boot.outcome {
        Outcome::Up(since) => {
            let up = boot.milestones.get(&Stage::Up).map_or(*since, |milestone| milestone.at);
            format!("up after {}", span(boot.began, up))
        }
        Outcome::Stalled(verdict) => {
            format!("stands still at {}", verdict.stage.map_or("nothing", Stage::name))
        }
        Outcome::Underway => "under way".to_owned(),
        Outcome::Ended => match (boot.milestones.contains_key(&Stage::Up), boot.stage()) {
            (true, _) => "was up, then switched off or booted anew".to_owned(),
            (false, Some(stage)) => format!("ended at {stage}"),
            (false, None) => "ended".to_owned(),
        },
    }
}

/// What each way said.
pub fn said(tried: &[Tried]) -> String {
    tried.iter().map(|Tried { method, said }| format!("{method}: {said}")).collect::<Vec<_>>().join("; ")
}

/// The machine's name, else its address, else its MAC.
pub fn who(segment: Option<&Segment>, event: &Event) -> String {
    let machine = segment.and_then(|segment| event.mac.and_then(|mac| segment.machines.get(&mac)));
    let name = machine.filter(|machine| machine.in_conf).and_then(|machine| machine.hostname.clone());
    name.or_else(|| event.machine.map(|a| a.to_string()))
        .or_else(|| event.mac.map(|m| m.to_string()))
        .unwrap_or_default()
}

/// The name of who has a lease: that of conf, else what it calls itself.
pub fn holder(segment: Option<&Segment>, lease: &Lease) -> Option<String> {
    let of_conf = segment.and_then(|segment| segment.machines.get(&lease.mac)).filter(|m| m.in_conf);
    of_conf.and_then(|machine| machine.hostname.clone()).or_else(|| lease.hostname.clone())
}

/// Where a lease's address is from.
pub fn source(lease: &Lease) -> &'static str {
    match lease.source {
        LeaseSource::Reservation => "conf",
        LeaseSource::Pool => "pool",
    }
}

/// How long a lease lasts yet.
pub fn left(lease: &Lease, now: Timestamp) -> String {
    if lease.is_active(now) { span(now, lease.expires) } else { "ended".to_owned() }
}

/// The time from `since` to `now`, in at most six characters: `0.4s`, `12s`, `3m12`, `2h05`, `9d`.
pub fn span(since: Timestamp, now: Timestamp) -> String {
    let millis = now.duration_since(since).as_millis().max(0);
    let seconds = millis / 1000;
    match seconds {
        0..10 => format!("{}.{}s", seconds, millis % 1000 / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Seconds with one decimal.
pub fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// Bytes with a binary unit.
pub fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64 / 1024.0;
    if count < 1024 {
        return format!("{count} B");
    }
    for unit in units {
        if value < 999.5 || unit == "TiB" {
            return if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") };
        }
        value /= 1024.0;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        for (millis, words) in [
            (0, "0.0s"),
            (-5, "0.0s"),
            (9_950, "9.9s"),
            (59_999, "59s"),
            (192_000, "3m12"),
            (7_500_000, "2h05"),
            (800_000_000, "9d"),
        ] {
            assert_eq!(span(at(0), at(millis)), words);
        }
        for (count, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (20_000, "20 KiB"),
            (1_048_576, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(bytes(count), words);
        }
    }
}
