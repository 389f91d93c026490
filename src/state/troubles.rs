//! What is wrong at this moment and what to do about it, from all places of the state. Pure.

use super::{Health, Machine, Outcome, PressStage, Replica, State, words::said};
use crate::event::{Action, PowerState};
use std::collections::BTreeMap;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub what: String,
    /// What the operator can do.
    pub next_step: String,
}

/// Everything that is wrong: the journal, its replicas, the servers, boots that stand still, the conf tree, dropped events.
pub fn troubles(state: &State, replicas: &BTreeMap<String, Replica>) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let mut add = |what: String, next_step: String| troubles.push(Trouble { what, next_step });
    if let Some(error) = &state.journal_trouble {
        add(
            format!("the journal cannot be written: {error}"),
            "see the audit for what to do; events wait in memory until it can".to_owned(),
        );
    }
    for Replica { database, behind, trouble, .. } in replicas.values() {
        if let Some((error, next_step)) = trouble {
            add(format!("{behind} events wait for {database}: {error}"), format!("{next_step}; none is lost"));
        }
    }
    let current = || state.segments.iter().filter(|(_, segment)| segment.current);
    for (address, segment) in current() {
        for (service, health) in &segment.services {
            if let Health::Failed { error, next_step, .. } = health {
                add(format!("{service} of {address}: {error}"), next_step.clone());
            }
        }
    }
    for (address, segment) in current() {
        for (mac, (server, _)) in &segment.rivals {
            add(
                format!("{address}: another DHCP server answers there: {server}, {mac}"),
                format!("switch it off, or let it give the addresses: write proxy into conf/{address}/mode"),
            );
        }
    }
    for machine in current().flat_map(|(_, segment)| segment.machines.values()) {
        if let Some((what, next_step)) = unfollowed(machine).or_else(|| machine.alarms.trouble.clone()) {
            add(format!("{}: {what}", machine.name()), next_step);
        }
        for (container, tracked) in machine.tracked.iter().filter(|_| machine.in_conf) {
            if let Some((what, next_step)) = &tracked.trouble {
                let of = container.as_ref().map(|name| format!(", container {name}")).unwrap_or_default();
                add(format!("{}{of}: {what}", machine.name()), next_step.clone());
            }
        }
        if let Some(arming) = machine.arming.as_ref().filter(|arming| arming.spent.is_some() && arming.over.is_none()) {
            let (name, profile) = (machine.name(), &arming.profile);
            add(
                format!("{name} was armed with {profile}, had its boots, and nothing showed that it came to its end"),
                format!("see its page for how far it came; then arm it anew: arm {name} {profile}, or disarm {name}"),
            );
        }
        if let Some(Outcome::Stalled(verdict)) = machine.boot().map(|boot| &boot.outcome) {
            let name = machine.name();
            add(format!("{name} does not boot: {}", verdict.cause), verdict.next_step.clone());
        }
    }
    for (path, rejected) in &state.mistakes {
        let what = if rejected.value.is_empty() { "it".to_owned() } else { format!("{:?}", rejected.value) };
        add(
            format!("conf: {path}: {what} is not {}", rejected.expected),
            "correct the file; until then its last good value counts, or its default".to_owned(),
        );
    }
    for (reader, count) in &state.dropped {
        add(
            format!("{count} events did not reach the {reader}: it was too slow"),
            "look for a flood in the audit; what was dropped is not shown".to_owned(),
        );
    }
    troubles
}

/// The last change of power, where no way brought it about and the machine is not as was wanted since.
fn unfollowed(machine: &Machine) -> Option<(String, String)> {
    let press = machine.press.as_ref().filter(|press| machine.in_conf && !press.tried.is_empty())?;
    let PressStage::Unconfirmed { next_step, .. } = &press.stage else { return None };
    let wanted = if press.action == Action::Off { PowerState::Off } else { PowerState::On };
    let is_met = machine.power == Some(wanted) && matches!(press.action, Action::On | Action::Off);
    let what = format!("power {} was not followed: {}", press.action.name(), said(&press.tried));
    (!is_met).then(|| (what, next_step.clone()))
}
