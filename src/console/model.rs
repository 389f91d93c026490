//! What the console shows of the state: which pane, which line, which filter, which question. Pure.

use super::{
    batch::Batch,
    certificate::Certificate,
    keys::Keys,
    marks::Who,
    order::List,
    palette::{History, Palette},
    place::{Place, Search},
    rooms::{
        Room,
        terminals::{self, Listed, Seen, Terminals},
    },
};
use crate::{
    command::Found,
    desk::{Desk, What, capture::Kept, inside::Id},
    event::{Action, Event},
    filter::{Filter, Here},
    net::Mac,
    state::{State, past::Past, troubles::Trouble},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc};

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
    /// What to do with the power of machines; the choice.
    Power {
        whom: Vec<Who>,
        choice: usize,
    },
    /// Really do this to machines that run, or to so many?
    Sure {
        whom: Vec<Who>,
        action: Action,
    },
    /// Trust this certificate from now on?
    Trust {
        who: Who,
        certificate: Certificate,
    },
    /// What switches a machine is gone through, since then.
    Doctor {
        who: Who,
        since: Timestamp,
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
    /// What is a machine to boot?
    Profile {
        who: Who,
        choice: usize,
    },
    Adopt(Adopting),
    /// Really apply this recipe to these machines?
    Recipe {
        whom: Vec<Who>,
        recipe: String,
    },
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
    /// Machines that are marked, to be switched together.
    pub marks: BTreeSet<Who>,
    /// The last change of power of many machines, until it is put away.
    pub batch: Option<Batch>,
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
            marks: BTreeSet::new(),
            batch: None,
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

    /// Shows another segment; filters, selections and marks were those of the one before.
    pub fn show_segment(&mut self, segment: Ipv4Addr) {
        (self.segment, self.fleet) = (Some(segment), false);
        self.places = Model::places();
        self.marks.clear();
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
}
