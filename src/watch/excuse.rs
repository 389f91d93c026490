//! Why a machine does not answer that is not broken. Pure.

use crate::{
    event::{Action, PowerState},
    state::{Boot, Machine, Outcome, PressStage},
};
use jiff::{SignedDuration, Timestamp};

/// A boot that was not heard of for so long is no excuse any more.
const BOOTS: SignedDuration = SignedDuration::from_secs(120);
/// What a system gets to come up, or to go down, after its power was changed.
const SWITCHED: SignedDuration = SignedDuration::from_secs(120);

/// Why what is found wrong is no news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excuse {
    /// It is off: it is not looked at.
    Off(String),
    /// It is on its way: what comes through counts, what does not, does not.
    Busy,
}

/// What excuses this machine now, if anything does.
pub fn excuse(machine: &Machine, now: Timestamp) -> Option<Excuse> {
    let boot = machine.boot();
    if let Some(press) = &machine.press {
        let is_recent = now.duration_since(press.asked) < SWITCHED;
        let is_up = boot.is_some_and(|boot| matches!(boot.outcome, Outcome::Up(at) if at >= press.asked));
        if press.is_underway() || press.action != Action::Off && is_recent && !is_up {
            return Some(Excuse::Busy);
        }
        // Where nothing tells whether it is on, the last to be heard of it is that it went off.
        let went = press.action == Action::Off && matches!(press.stage, PressStage::Confirmed { .. });
        if went && machine.power.is_none() && machine.last_seen.is_none_or(|seen| seen <= press.asked + SWITCHED) {
            return Some(Excuse::Off(format!("it was switched off by {}", press.by)));
        }
    }
    if machine.power == Some(PowerState::Off) {
        return Some(Excuse::Off("it is off".to_owned()));
    }
    let is_under_way = |boot: &Boot| boot.outcome == Outcome::Underway && now.duration_since(boot.last_heard) < BOOTS;
    boot.is_some_and(is_under_way).then_some(Excuse::Busy)
}
