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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Asker, Event, Evidence, Fact, MachineSummary},
        net::Mac,
        state::State,
    };
    use std::{net::Ipv4Addr, sync::Arc};

    /// The machine after these facts, each at its second, and what excuses it at second `now`.
    fn after(facts: &[(i64, Fact)], now: i64) -> Option<Excuse> {
        let (segment, mac) = (Ipv4Addr::new(10, 77, 0, 1), Mac([0x52, 0x54, 0, 0x77, 0, 0x60]));
        let address = Ipv4Addr::new(10, 77, 0, 60);
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        let summary = MachineSummary {
            mac,
            address,
            hostname: "web1".into(),
            boot: None,
            firmware: None,
            power: None,
            last: None,
            armed: None,
        };
        let loaded = Fact::ConfLoaded {
            domain: "lan".into(),
            mode: "authoritative".into(),
            pool: None,
            machines: vec![summary],
        };
        let mut state = State::default();
        for (second, fact) in [(0, loaded)].iter().chain(facts) {
            let event = Event { time: at(*second), ..Event::new(Some(segment), fact.clone()) };
            let event =
                if matches!(fact, Fact::ConfLoaded { .. }) { event } else { event.about(Some(address), Some(mac)) };
            state.apply(&Arc::new(event));
        }
        excuse(state.machine(segment, mac).unwrap(), at(now))
    }

    #[test]
    fn what_excuses_a_machine() {
        let asked = |action| Fact::PowerRequested { action, method: "wol".into(), by: Asker::Operator };
        let confirmed =
            |action| Fact::PowerConfirmed { action, method: "wol".into(), evidence: Evidence::State, millis: 5 };
        let seen = |state| Fact::PowerObserved { state, method: "qemu".into() };
        let off = Some(Excuse::Off("it is off".into()));
        for (facts, now, wanted) in [
            (vec![], 10, None),
            (vec![(1, seen(PowerState::Off))], 10, off.clone()),
            (vec![(1, seen(PowerState::Off)), (5, seen(PowerState::On))], 10, None),
            (vec![(1, asked(Action::On))], 10, Some(Excuse::Busy)),
            (vec![(1, asked(Action::Reset)), (3, confirmed(Action::Reset))], 60, Some(Excuse::Busy)),
            (vec![(1, asked(Action::Reset)), (3, confirmed(Action::Reset))], 600, None),
            (vec![(1, asked(Action::Off))], 10, Some(Excuse::Busy)),
            (vec![(1, asked(Action::Off)), (3, confirmed(Action::Off))], 600, off),
        ] {
            assert_eq!(after(&facts, now), wanted, "{facts:?}");
        }
    }
}
