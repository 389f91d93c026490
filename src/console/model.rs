//! What the console shows of the state: which pane, which line, which filter, which question. Pure.

use super::{
    keys::Keys,
    order::List,
    palette::{History, Palette},
    place::{Chosen, Place, Search},
    rooms::{
        Room,
        terminals::{self, Listed, Seen, Terminals},
    },
    troubles::Trouble,
    view::words::standing,
};
use crate::{
    command::Found,
    desk::capture::Kept,
    desk::{Desk, What, inside::Id},
    event::{Action, Event},
    filter::{Filter, Here},
    net::Mac,
    state::{Lease, Machine, Segment, State, past::Past},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{net::Ipv4Addr, sync::Arc};

/// The panes, in the order of `tab`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pane {
    Machines,
    Syslog,
    Leases,
    Audit,
}

impl Pane {
    pub const ALL: [Pane; 4] = [Pane::Machines, Pane::Syslog, Pane::Leases, Pane::Audit];

    pub fn title(self) -> &'static str {
        match self {
            Pane::Machines => "Machines",
            Pane::Syslog => "Syslog",
            Pane::Leases => "Leases",
            Pane::Audit => "Audit",
        }
    }

    /// New lines come at its end.
    pub fn grows(self) -> bool {
        matches!(self, Pane::Syslog | Pane::Audit)
    }
}

/// A question that stands before the panes.
#[derive(Clone, Debug, PartialEq)]
pub enum Dialog {
    Help,
    /// What is wrong, and what to do about it.
    Troubles,
    /// One event, whole.
    Event(Arc<Event>),
    /// One packet, by layers and bytes, or what happened between two.
    Packet(Arc<Kept>),
    /// Words for the filter of the pane; what they were before.
    Filter(String),
    /// A moment of the past, as it is typed, and what is wrong with it.
    Moment(String, Option<String>),
    /// What to do with a machine's power; the choice.
    Power {
        mac: Mac,
        choice: usize,
    },
    /// Really take a running machine's power away, or reset it?
    Sure {
        mac: Mac,
        action: Action,
    },
    /// Quit although so many boots are under way?
    Quit {
        boots: usize,
    },
    /// The packets of which recorded boot? The newest first.
    Recorded {
        mac: Mac,
        choice: usize,
    },
    Adopt(Adopting),
    /// An order, as it is typed.
    Palette(Palette),
    /// What is listed in lines of words.
    Told(List),
}

/// A machine about to be taken into conf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopting {
    pub mac: Mac,
    pub address: String,
    pub hostname: String,
    /// 0: the address is being typed, 1: the name.
    pub field: usize,
    pub error: Option<String>,
}

impl Adopting {
    /// The text that is being typed.
    pub fn typed(&mut self) -> &mut String {
        if self.field == 0 { &mut self.address } else { &mut self.hostname }
    }
}

/// The choices of the power menu, each with its key.
pub const ACTIONS: [(Action, char); 3] = [(Action::On, 'o'), (Action::Off, 'f'), (Action::Reset, 'r')];

/// The colours of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Not wanted.
    None,
    /// 256.
    Indexed,
    /// All.
    True,
}

/// What the console shows.
#[derive(Clone, Debug)]
pub struct Model {
    pub segment: Option<Ipv4Addr>,
    pub pane: Pane,
    pub places: [Place; 4],
    /// The machines of all segments are listed, those of other servers too.
    pub fleet: bool,
    /// The pane has the whole screen, also where there is room for others.
    pub zoomed: bool,
    /// The machine whose page is open, and how far it is scrolled.
    pub page: Option<(Mac, usize)>,
    pub dialog: Option<Dialog>,
    /// Windows are opened for the operator.
    pub windows: bool,
    /// What is open in the place of panes and page.
    pub room: Option<Room>,
    /// The terminals that are open and the sessions that run, and what of the one shown is seen.
    pub terminals: Vec<Listed>,
    pub seen: Seen,
    /// Which colours the operator's own terminal shows.
    pub depth: Depth,
    /// The past is asked for.
    pub travelling: bool,
    /// The past that is shown; none while it is the present.
    pub past: Option<Arc<Past>>,
    /// The present as of the last key, and where the operator is: what times in filters mean.
    pub now: Timestamp,
    pub zone: TimeZone,
    /// A word to the operator in the last line.
    pub word: Option<String>,
    /// The keys in force.
    pub keys: Arc<Keys>,
    /// What makes no sense in the operator's own files.
    pub faults: Vec<Trouble>,
    /// Nothing may be changed: see [`super::lock`].
    pub read_only: bool,
    /// What was typed in the palette.
    pub history: History,
    /// Of the program's start: `practice segment`.
    pub note: Option<String>,
    /// Lines that the pane or page shows, for page up and down.
    pub height: usize,
    /// Lines of the open page.
    pub page_lines: usize,
    /// How far the open dialog is scrolled, and its lines: all, and those seen.
    pub scrolled: usize,
    pub dialog_lines: (usize, usize),
}

impl Model {
    pub fn new(note: Option<String>) -> Model {
        Model {
            segment: None,
            pane: Pane::Machines,
            places: Model::places(),
            fleet: false,
            zoomed: false,
            page: None,
            dialog: None,
            windows: false,
            room: None,
            terminals: Vec::new(),
            seen: Seen::default(),
            depth: Depth::None,
            travelling: false,
            past: None,
            now: Timestamp::UNIX_EPOCH,
            zone: TimeZone::UTC,
            word: None,
            keys: Arc::default(),
            faults: Vec::new(),
            read_only: false,
            history: History::default(),
            note,
            height: 10,
            page_lines: 0,
            scrolled: 0,
            dialog_lines: (0, 0),
        }
    }

    fn places() -> [Place; 4] {
        [Place::default(), Place::following(), Place::default(), Place::following()]
    }

    /// Shows another segment; filters and selections were those of the one before.
    pub fn show_segment(&mut self, segment: Ipv4Addr) {
        (self.segment, self.fleet) = (Some(segment), false);
        self.places = Model::places();
    }

    /// Reads the filter that is typed in a pane that grows; one that makes no sense leaves the one before in force.
    pub fn refilter(&mut self, state: &State) {
        if !self.pane.grows() {
            return;
        }
        let here = Here { now: self.now, zone: &self.zone, names: state };
        let place = &mut self.places[self.pane as usize];
        match Filter::parse(&place.filter, &here) {
            Ok(wanted) => (place.wanted, place.fault, place.search) = (wanted, None, None),
            Err(fault) => place.fault = Some(fault),
        }
    }

    /// Takes in what was found in the journal, unless something else was asked meanwhile.
    pub fn found(&mut self, found: &Found) {
        for place in &mut self.places {
            if place.search == Some(Search::Underway(found.asked)) {
                place.search = Some(match &found.events {
                    Ok(events) => Search::Found(events.clone()),
                    Err(error) => Search::Failed(error.clone()),
                });
            }
        }
    }

    pub fn place(&self) -> &Place {
        &self.places[self.pane as usize]
    }

    pub fn place_mut(&mut self) -> &mut Place {
        &mut self.places[self.pane as usize]
    }

    /// Takes in which terminals are open and which sessions run without one.
    pub fn list_terminals(&mut self, desk: &Desk) {
        self.terminals = terminals::all(desk);
        if let (Some(id), Some(Room::Terminals(room))) = (self.shown_terminal(), &mut self.room)
            && !self.terminals.iter().any(|listed| listed.id == Some(id))
        {
            (room.shown, room.looking) = (None, None);
        }
    }

    /// Opens a terminal that there is.
    pub fn show_terminal(&mut self, id: Id) {
        self.room = Some(Room::Terminals(Terminals::showing(id, self.room.as_ref())));
    }

    /// The terminal before the operator.
    pub fn shown_terminal(&self) -> Option<Id> {
        match &self.room {
            Some(Room::Terminals(room)) => room.shown,
            _ => None,
        }
    }

    /// The terminal that takes what is typed.
    pub fn typing_to(&self) -> Option<Id> {
        match &self.room {
            Some(Room::Terminals(room)) if !room.prefix && !room.question && room.looking.is_none() => room.shown,
            _ => None,
        }
    }

    /// A terminal of this machine is open.
    pub fn has_terminal(&self, address: Option<Ipv4Addr>) -> bool {
        self.terminals.iter().any(|listed| match listed.what {
            Some(What::Machine { machine, .. }) => Some(machine) == address && listed.id.is_some(),
            _ => false,
        })
    }

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
