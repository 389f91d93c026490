//! Where a pane is: which line is selected, which lines are left out. Pure.

use crate::{
    event::Event,
    filter::{Filter, FilterError},
    net::Mac,
};
use jiff::Timestamp;
use std::{net::Ipv4Addr, sync::Arc};

/// The thing that a selected line stands for; lines come and go around it.
#[derive(Clone, Debug, PartialEq)]
pub enum Chosen {
    Machine(Ipv4Addr, Mac),
    Lease(Ipv4Addr),
    Event(Arc<Event>),
}

/// A look into the journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// It was begun then.
    Underway(Timestamp),
    /// The oldest first.
    Found(Vec<Arc<Event>>),
    /// Why there is nothing.
    Failed(String),
}

/// Where a pane is.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The selected line, from the top, where what was chosen is gone.
    pub line: usize,
    /// What was chosen.
    pub chosen: Option<Chosen>,
    /// The newest line is selected as it comes; only in panes that grow.
    pub follow: bool,
    /// Only lines with these words are shown; in panes that grow: what is typed in the filter's language.
    pub filter: String,
    /// The last filter of a pane that grows that made sense, and what is wrong with the one that is typed.
    pub wanted: Filter,
    pub fault: Option<FilterError>,
    /// What the journal has of that.
    pub search: Option<Search>,
    /// Paused: these events are shown, whatever comes.
    pub frozen: Option<Vec<Arc<Event>>>,
}

impl Place {
    /// A pane that follows the newest line.
    pub fn following() -> Place {
        Place { follow: true, ..Place::default() }
    }

    /// The selected one of `count` lines, `find` telling the line of a thing; none where there are none.
    pub fn selected(&self, count: usize, find: impl FnOnce(&Chosen) -> Option<usize>) -> Option<usize> {
        let last = count.checked_sub(1)?;
        if self.follow {
            return Some(last);
        }
        Some(self.chosen.as_ref().and_then(find).unwrap_or(self.line).min(last))
    }
}
