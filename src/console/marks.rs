//! Machines that are marked, to be switched together. Pure.

use super::model::{Model, Pane};
use crate::{net::Mac, state::State};
use std::{collections::BTreeSet, net::Ipv4Addr};

/// A machine: its segment's server address and its own MAC.
pub type Who = (Ipv4Addr, Mac);

impl Model {
    /// The machines that are marked and still in conf, in the order of the list; also those that a filter hides.
    pub fn marked(&self, state: &State) -> Vec<Who> {
        let there = self.marks.iter().filter_map(|(at, mac)| Some((*at, state.machine(*at, *mac)?)));
        let mut there: Vec<_> = there.filter(|(_, machine)| machine.in_conf).collect();
        there.sort_by_key(|(at, machine)| (*at, machine.address, machine.mac));
        there.into_iter().map(|(at, machine)| (at, machine.mac)).collect()
    }

    /// The marked machines where keys act on them: in the list of machines.
    pub fn marked_here(&self, state: &State) -> Vec<Who> {
        let is_list = self.pane == Pane::Machines && self.page.is_none() && self.room.is_none();
        if is_list { self.marked(state) } else { Vec::new() }
    }
}

/// Marks the selected machine, or takes its mark away.
pub fn toggle(model: &mut Model, state: &State) {
    let Some((at, machine)) = model.selected_machine(state) else { return };
    let who = (at, machine.mac);
    if model.marks.remove(&who) {
        return;
    }
    if let Some(word) = unfit(model, state, who) {
        model.word = Some(word);
        return;
    }
    model.marks.insert(who);
}

/// Marks all that are listed; where all are, none of them.
pub fn toggle_all(model: &mut Model, state: &State) {
    let listed = model.machines(state).into_iter().map(|(at, machine)| (at, machine.mac));
    let fit: BTreeSet<Who> = listed.filter(|who| unfit(model, state, *who).is_none()).collect();
    match fit.is_subset(&model.marks) {
        true => model.marks.retain(|who| !fit.contains(who)),
        false => model.marks.extend(fit),
    }
}

/// Why a machine cannot be marked.
fn unfit(model: &Model, state: &State, (at, mac): Who) -> Option<String> {
    let segment = state.segments.get(&at)?;
    if segment.remote {
        return Some(format!("another PXElator serves {at}: switch its machines there"));
    }
    let in_conf = segment.machines.get(&mac).is_some_and(|machine| machine.in_conf);
    let adopt = model.keys.of(super::keys::Wish::Adopt);
    (!in_conf).then(|| format!("only machines of conf can be marked; adopt it with {adopt}"))
}
