//! What happened before the program began, for the alerts to go on from.

use crate::{
    event::{Event, Fact},
    net::Mac,
    state::{
        State,
        alerts::Alerts,
        checked::{CheckResult, Checks},
    },
};
use std::{net::Ipv4Addr, sync::Arc};

/// What was.
pub struct Past {
    /// The alerts as they stood.
    pub alerts: Alerts,
    /// What happened, in order, as far as it is kept.
    pub events: Vec<Arc<Event>>,
}

impl Past {
    /// As the state has it that was folded from the journal.
    pub fn of(state: &State) -> Past {
        let mut events: Vec<Arc<Event>> = state.program.iter().cloned().collect();
        for (server, segment) in state.segments.iter().filter(|(_, segment)| !segment.remote) {
            events.extend(segment.events.iter().chain(&segment.syslog).cloned());
            // How checks stand is known, also where no event of it is kept.
            events.extend(stand(*server, None, None, &segment.checks));
            for machine in segment.machines.values() {
                events.extend(stand(*server, machine.address, Some(machine.mac), &machine.checks));
            }
        }
        events.sort_by_key(|event| event.time);
        Past { alerts: state.alerts.clone(), events }
    }
}

/// Each check as the event that brought it to where it stands.
fn stand(
    server: Ipv4Addr,
    machine: Option<Ipv4Addr>,
    mac: Option<Mac>,
    checks: &Checks,
) -> impl Iterator<Item = Arc<Event>> {
    checks.iter().map(move |(check, checked)| {
        let (check, said) = (check.clone(), checked.said.clone());
        let fact = match checked.result {
            CheckResult::Passed => Fact::CheckPassed { check, said },
            CheckResult::Failed => Fact::CheckFailed { check, said, times: 1 },
            CheckResult::Paused => Fact::CheckPaused { check, reason: said },
        };
        Arc::new(Event { time: checked.since, ..Event::new(Some(server), fact) }.about(machine, mac))
    })
}
