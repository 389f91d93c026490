//! The interfaces that are up and what goes through them; from here their packets are opened. Pure.

use super::{Room, packets};
use crate::{
    console::{keys::Wish, model::Model, update::Effect},
    desk::{self, capture::Rates},
    net::{Mac, Traffic},
    state::State,
};
use std::net::Ipv4Addr;

/// Which packets are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    Machine,
    Boot,
}

/// Where the operator is.
#[derive(Clone, Debug, PartialEq)]
pub struct Interfaces {
    /// What is known of them by now.
    pub rates: Rates,
    /// Which packets are wanted.
    pub scope: Scope,
    /// The machine that was selected: its hardware address and its name.
    pub machine: Option<(Mac, String)>,
    /// The server of the segment that was shown: its interface is the first choice.
    served: Option<Ipv4Addr>,
    chosen: Option<String>,
}

/// Opens the room; from a machine, the machine's packets are wanted.
pub fn enter(model: &mut Model, state: &State) {
    let machine = model.machine(state).map(|machine| (machine.mac, machine.name()));
    let served = model.segment(state).filter(|(_, segment)| !segment.remote).map(|(server, _)| server);
    let scope = if machine.is_some() { Scope::Machine } else { Scope::All };
    model.room = Some(Room::Interfaces(Interfaces { rates: Ok(Vec::new()), scope, machine, served, chosen: None }));
}

/// What a wish changes here.
pub fn follow(model: &mut Model, wish: Wish) -> Option<Effect> {
    let height = isize::try_from(model.height).unwrap_or(1);
    let Some(Room::Interfaces(room)) = &mut model.room else { return None };
    match wish {
        Wish::Down => room.step(1),
        Wish::Up => room.step(-1),
        Wish::PageDown => room.step(height),
        Wish::PageUp => room.step(-height),
        Wish::First => room.step(isize::MIN / 2),
        Wish::Last => room.step(isize::MAX / 2),
        Wish::AllPackets => room.scope = Scope::All,
        Wish::MachinePackets if room.machine.is_none() => {
            model.word = Some("no machine was selected: esc, select one, and come again".to_owned());
        }
        Wish::MachinePackets => room.scope = Scope::Machine,
        Wish::BootPackets => room.scope = Scope::Boot,
        Wish::Open | Wish::OpenInside => {
            let Some(wanted) = room.wanted() else {
                model.word = Some("the interfaces are still being looked at; try again".to_owned());
                return Some(Effect::None);
            };
            let name = room.machine.as_ref().filter(|_| room.scope != Scope::All).map(|(_, name)| name.clone());
            return Some(packets::open(model, wanted, name, wish == Wish::OpenInside));
        }
        _ => return None,
    }
    Some(Effect::None)
}

impl Interfaces {
    /// The lines.
    pub fn lines(&self) -> &[Traffic] {
        self.rates.as_deref().unwrap_or_default()
    }

    /// The selected one.
    pub fn selected(&self) -> Option<usize> {
        let lines = self.lines();
        let chosen = lines.iter().position(|line| Some(&line.interface) == self.chosen.as_ref());
        let served =
            || lines.iter().position(|line| self.served.is_some_and(|served| line.addresses.contains(&served)));
        chosen.or_else(served).or_else(|| (!lines.is_empty()).then_some(0))
    }

    /// Moves by so many lines.
    pub fn step(&mut self, by: isize) {
        if let Some(from) = self.selected() {
            self.choose(from.saturating_add_signed(by));
        }
    }

    /// Selects a line.
    pub fn choose(&mut self, line: usize) {
        let last = self.lines().len().saturating_sub(1);
        self.chosen = self.lines().get(line.min(last)).map(|line| line.interface.clone());
    }

    /// The packets that would be opened now.
    fn wanted(&self) -> Option<desk::Packets> {
        let interface = self.lines().get(self.selected()?)?.interface.clone();
        let machine = self.machine.as_ref().filter(|_| self.scope != Scope::All).map(|(mac, _)| *mac);
        Some(desk::Packets::Live { interface, machine, boot: self.scope == Scope::Boot })
    }
}
