//! The lines of the panes, what is selected of them, and what that stands for. Pure.

use super::{
    model::{Model, Pane},
    place::{Chosen, Search},
    view::words::standing,
};
use crate::{
    event::Event,
    state::{Lease, Machine, Segment, State},
};
use std::{net::Ipv4Addr, sync::Arc};

impl Model {
    /// The segment shown: the one chosen, else the first; only those that are in conf now.
    pub fn segment<'a>(&self, state: &'a State) -> Option<(Ipv4Addr, &'a Segment)> {
        // The first that is served here, until one is chosen.
        let own = current(state).find(|(_, segment)| !segment.remote);
        current(state).find(|(address, _)| Some(*address) == self.segment).or(own).or_else(|| current(state).next())
    }

    /// The lines of the machines pane, each with its segment: those of conf by address, then those that were only seen.
    pub fn machines<'a>(&self, state: &'a State) -> Vec<(Ipv4Addr, &'a Machine)> {
        let shown: Vec<(Ipv4Addr, &Segment)> = match self.fleet {
            true => current(state).collect(),
            false => self.segment(state).into_iter().collect(),
        };
        let filter = &self.places[Pane::Machines as usize].filter;
        let wanted = |(at, m): &(Ipv4Addr, &Machine)| filter.is_empty() || matches(filter, &described(*at, m));
        let all = shown.into_iter().flat_map(|(at, segment)| segment.machines.values().map(move |m| (at, m)));
        let mut machines: Vec<_> = all.filter(wanted).collect();
        machines.sort_by_key(|(at, m)| (*at, !m.in_conf, m.address, m.mac));
        machines
    }

    /// The machine selected in its pane, whichever pane has the keys, and its segment.
    pub fn selected_machine<'a>(&self, state: &'a State) -> Option<(Ipv4Addr, &'a Machine)> {
        let machines = self.machines(state);
        machines.get(self.selected_of(Pane::Machines, &machines, of_machine)?).copied()
    }

    /// The segment shown is that of the selected machine, wherever in the fleet it is.
    pub fn follow_selection(&mut self, state: &State) {
        if let Some((segment, _)) = self.selected_machine(state).filter(|_| self.fleet && self.page.is_none()) {
            self.segment = Some(segment);
        }
    }

    /// The machine that keys act on: of the open page, else of the selected line.
    pub fn machine<'a>(&self, state: &'a State) -> Option<&'a Machine> {
        let segment = self.segment(state)?.1;
        if let Some((mac, _)) = self.page {
            return segment.machines.get(&mac);
        }
        match self.pane {
            Pane::Machines => self.selected_machine(state).map(|(_, machine)| machine),
            Pane::Leases => segment.machines.get(&self.leases(state).get(self.selected(state, Pane::Leases)?)?.mac),
            Pane::Syslog | Pane::Audit => {
                let event = self.event(state)?;
                match event.mac {
                    Some(mac) => segment.machines.get(&mac),
                    None => segment.machines.values().find(|m| m.address.is_some() && m.address == event.machine),
                }
            }
        }
    }

    /// The event selected in a pane of events.
    pub fn event<'a>(&'a self, state: &'a State) -> Option<&'a Arc<Event>> {
        let events = self.pane.grows().then(|| self.events(state, self.pane))?;
        events.get(self.selected_event(self.pane, &events)?).copied()
    }

    /// The selected line of a pane, from the top; none where it has no lines.
    pub fn selected(&self, state: &State, pane: Pane) -> Option<usize> {
        match pane {
            Pane::Machines => self.selected_of(pane, &self.machines(state), of_machine),
            Pane::Leases => self.selected_of(pane, &self.leases(state), |lease| Chosen::Lease(lease.address)),
            Pane::Syslog | Pane::Audit => self.selected_event(pane, &self.events(state, pane)),
        }
    }

    fn selected_of<T>(&self, pane: Pane, lines: &[T], of: impl Fn(&T) -> Chosen) -> Option<usize> {
        self.places[pane as usize].selected(lines.len(), |chosen| lines.iter().position(|line| of(line) == *chosen))
    }

    /// As [`Model::selected`], of events that are there already.
    pub fn selected_event(&self, pane: Pane, events: &[&Arc<Event>]) -> Option<usize> {
        self.places[pane as usize].selected(events.len(), |chosen| match chosen {
            Chosen::Event(chosen) => {
                // The past is read anew: the same event may be another copy.
                events.iter().position(|event| Arc::ptr_eq(event, chosen) || *event == chosen)
            }
            _ => None,
        })
    }

    /// Selects a line of the pane that has the keys, and what it stands for.
    pub fn choose(&mut self, state: &State, line: usize) {
        let chosen = match self.pane {
            Pane::Machines => self.machines(state).get(line).map(of_machine),
            Pane::Leases => self.leases(state).get(line).map(|lease| Chosen::Lease(lease.address)),
            pane => self.events(state, pane).get(line).map(|event| Chosen::Event(Arc::clone(event))),
        };
        let place = self.place_mut();
        (place.line, place.chosen, place.follow) = (line, chosen, false);
    }

    pub fn leases<'a>(&self, state: &'a State) -> Vec<&'a Lease> {
        let Some((_, segment)) = self.segment(state) else { return Vec::new() };
        let filter = &self.places[Pane::Leases as usize].filter;
        let words = |l: &&Lease| {
            if filter.is_empty() {
                return true;
            }
            let text = format!("{} {} {}", l.address, l.mac, l.hostname.as_deref().unwrap_or_default());
            matches(filter, &text)
        };
        segment.leases.iter().filter(words).collect()
    }

    /// The lines of the syslog or the audit pane, the oldest first.
    pub fn events<'a>(&'a self, state: &'a State, pane: Pane) -> Vec<&'a Arc<Event>> {
        let Some((_, segment)) = self.segment(state) else { return Vec::new() };
        let place = &self.places[pane as usize];
        let shown = |event: &&Arc<Event>| place.wanted.matches(event);
        // What is about this program is not about another server's segment.
        let program = (!segment.remote).then_some(&state.program).into_iter().flatten();
        let mut events: Vec<_> = match (&place.frozen, pane) {
            (Some(frozen), _) => frozen.iter().filter(shown).collect(),
            (None, Pane::Syslog) => segment.syslog.iter().filter(shown).collect(),
            (None, _) => segment.events.iter().chain(&segment.syslog).chain(program).filter(shown).collect::<Vec<_>>(),
        };
        if pane == Pane::Audit {
            if let Some(Search::Found(found)) = &place.search {
                // What came while it is paused waits.
                let paused = place.frozen.as_ref().and_then(|frozen| frozen.last()).map(|newest| newest.time);
                // Nor is of the past what came after it.
                let until = paused.or(self.past.as_ref().map(|past| past.moment));
                events.extend(found.iter().filter(|event| until.is_none_or(|until| event.time <= until)));
            }
            events.sort_by_key(|event| event.time);
            if matches!(place.search, Some(Search::Found(_))) {
                without_twins(&mut events);
            }
        }
        events
    }

    /// How many lines the pane has.
    pub fn lines(&self, state: &State) -> usize {
        match self.pane {
            Pane::Machines => self.machines(state).len(),
            Pane::Leases => self.leases(state).len(),
            pane => self.events(state, pane).len(),
        }
    }
}

/// All words of `filter` are in `text`, whatever their case.
fn matches(filter: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    filter.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// The segments that are in conf now, here or on another server.
pub fn current(state: &State) -> impl Iterator<Item = (Ipv4Addr, &Segment)> {
    state.segments.iter().filter(|(_, segment)| segment.current).map(|(address, segment)| (*address, segment))
}

fn of_machine((segment, machine): &(Ipv4Addr, &Machine)) -> Chosen {
    Chosen::Machine(*segment, machine.mac)
}

fn described(segment: Ipv4Addr, machine: &Machine) -> String {
    let address = machine.address.map(|a| a.to_string()).unwrap_or_default();
    let firmware = machine.firmware.map(|f| f.to_string()).unwrap_or_default();
    let name = machine.hostname.as_deref().unwrap_or_default();
    let stage = standing(machine).word;
    format!(
        "{name} {address} {segment} {} {firmware} {stage} {}",
        machine.mac,
        if machine.in_conf { "" } else { "seen" }
    )
}

/// An event's kind and words.
pub fn line_of(event: &Event) -> String {
    format!("{:<17} {}", event.kind(), event.fact)
}

/// Leaves out what the journal has of events that are there already; they are in the order of time, and of one time
/// the one from the journal is the last.
fn without_twins(events: &mut Vec<&Arc<Event>>) {
    let mut kept: Vec<&Arc<Event>> = Vec::with_capacity(events.len());
    for event in events.drain(..) {
        let mut same_time = kept.iter().rev().take_while(|before| before.time == event.time);
        if !same_time.any(|before| before == &event) {
            kept.push(event);
        }
    }
    *events = kept;
}
