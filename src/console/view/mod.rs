//! Draws the model over the state: one file a pane. Pure: the same model, state and time give the same screen.

mod alerts;
mod arming;
mod bar;
mod changes;
mod checked;
mod dialog;
mod given;
mod graphs;
mod head;
mod interfaces;
mod leases;
pub mod list;
mod machines;
mod packets;
pub mod page;
mod palette;
mod past;
pub mod power;
mod profiles;
mod recipes;
mod replica;
mod streams;
mod strip;
pub mod switching;
mod terminals;
mod timeline;
pub mod told;
mod tracked;
pub mod words;

use super::{
    keys::Wish,
    model::{Dialog, Model, Pane},
    rooms::{Room, terminals::Seen},
    theme::Theme,
};
use crate::{
    conf::Conf,
    desk::Desk,
    state::{
        Replica, State,
        troubles::{Trouble, troubles},
    },
};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Position, Rect},
};
use std::collections::BTreeMap;

/// All that a screen is made of.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub model: &'a Model,
    pub state: &'a State,
    /// What is planned.
    pub conf: &'a Conf,
    /// How far the databases are behind, by URL.
    pub replicas: &'a BTreeMap<String, Replica>,
    /// The terminals and packets that are open.
    pub desk: &'a Desk,
    pub theme: &'a Theme,
    pub now: Timestamp,
    /// Where the operator is.
    pub zone: &'a TimeZone,
}

impl<'a> Scene<'a> {
    /// The same of the moment that is shown: clocks count to it.
    pub fn at_its_moment(self) -> Scene<'a> {
        match &self.model.past {
            Some(past) => Scene { state: &past.state, conf: &NOTHING, replicas: &NONE, now: past.moment, ..self },
            None => self,
        }
    }

    /// The key of a wish, in words.
    fn key(&self, wish: Wish) -> String {
        self.model.keys.of(wish)
    }

    /// All that is wrong, also in the operator's own files.
    pub fn troubles(&self) -> Vec<Trouble> {
        let mut troubles = troubles(self.state, self.replicas);
        troubles.extend(self.model.faults.iter().cloned());
        troubles
    }

    /// The time of day where the operator is, with the date where that is another.
    fn clock(&self, time: Timestamp) -> String {
        let (then, now) = (time.to_zoned_datetime(self.zone.clone()), self.now.to_zoned_datetime(self.zone.clone()));
        let form = if then.date() == now.date() { "%H:%M:%S" } else { "%m-%d %H:%M:%S" };
        then.strftime(form).to_string()
    }
}

/// What the last screen looked like: how far lists were scrolled, and where things are for the mouse.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The first line shown of each pane.
    pub offsets: [usize; 4],
    /// Where the lines of each pane are; none where it is not shown.
    pub rows: [Option<Rect>; 4],
    /// Where a click goes to a pane.
    pub tabs: Vec<(Pane, Rect)>,
    /// The lines of the open page, and of its window.
    pub page: (usize, usize),
    /// Where the lines of the open room are.
    pub room: Rect,
    /// The lines of the open dialog, and of its window.
    pub dialog: (usize, usize),
    /// What of a terminal is shown.
    pub seen: Seen,
    /// Rows and columns of a terminal that would be opened now.
    pub terminal: (u16, u16),
}

/// From this size on all panes are shown at once.
const WIDE: (u16, u16) = (110, 32);

/// How far a database is behind is a matter of now.
static NONE: BTreeMap<String, Replica> = BTreeMap::new();

/// What was planned then is not known.
static NOTHING: Conf =
    Conf { segments: BTreeMap::new(), page: crate::conf::page::Page::NONE, profiles: BTreeMap::new() };

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, scene: Scene<'_>, sight: &mut Sight) {
    let present = scene.now;
    let scene = scene.at_its_moment();
    let timeline = if scene.model.past.is_some() { past::HEIGHT } else { 0 };
    let batch = power::batch_height(scene, frame.area());
    let [head, tabs, body, batch, timeline, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(batch),
        Constraint::Length(timeline),
        Constraint::Length(head::foot_height(scene.model)),
    ])
    .areas(frame.area());
    sight.rows = [None; 4];
    sight.terminal = terminals::size(body);
    head::draw(frame, head, scene, present);
    sight.tabs = head::tabs(frame, tabs, scene);
    let is_wide = body.width >= WIDE.0 && body.height + 3 >= WIDE.1;
    match scene.model.page {
        _ if scene.model.room.is_some() => room(frame, body, scene, sight),
        Some((mac, scrolled)) => page::draw(frame, body, scene, sight, mac, scrolled),
        None if is_wide && !scene.model.zoomed => all(frame, body, scene, sight),
        None if scene.model.pane == Pane::Machines && body.height >= strip::height(body.width) + 10 => {
            let below = strip::height(body.width);
            let wanted = machines::height(scene).clamp(5, body.height - below - 5);
            let [top, middle, bottom] =
                Layout::vertical([Constraint::Length(wanted), Constraint::Length(below), Constraint::Min(3)])
                    .areas(body);
            pane(frame, top, scene, sight, Pane::Machines);
            strip::draw(frame, middle, scene);
            pane(frame, bottom, scene, sight, Pane::Syslog);
        }
        None => pane(frame, body, scene, sight, scene.model.pane),
    }
    match &scene.model.dialog {
        None | Some(Dialog::Filter(_) | Dialog::Moment(..)) => {}
        Some(Dialog::Palette(typed)) => palette::draw(frame, body, scene, typed),
        Some(open) => sight.dialog = dialog::draw(frame, body, scene, open),
    }
    if let Some(past) = &scene.model.past {
        past::draw(frame, timeline, scene, past);
    }
    power::draw_batch(frame, batch, scene);
    head::foot(frame, foot, scene);
}

/// Machines above, the selected one's boot, syslog beside leases, the audit below.
fn all(frame: &mut Frame<'_>, body: Rect, scene: Scene<'_>, sight: &mut Sight) {
    let wanted = machines::height(scene).clamp(5, body.height / 3);
    let [top, middle, logs, bottom] = Layout::vertical([
        Constraint::Length(wanted),
        Constraint::Length(strip::height(body.width)),
        Constraint::Fill(3),
        Constraint::Fill(2),
    ])
    .areas(body);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(leases::WIDTH)]).areas(logs);
    pane(frame, top, scene, sight, Pane::Machines);
    strip::draw(frame, middle, scene);
    pane(frame, left, scene, sight, Pane::Syslog);
    pane(frame, right, scene, sight, Pane::Leases);
    pane(frame, bottom, scene, sight, Pane::Audit);
}

fn room(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, sight: &mut Sight) {
    match &scene.model.room {
        Some(Room::Interfaces(room)) => sight.room = interfaces::draw(frame, area, scene, room),
        Some(Room::Packets(room)) => sight.room = packets::draw(frame, area, scene, room),
        Some(Room::Alerts(room)) => sight.room = alerts::draw(frame, area, scene, room),
        Some(Room::Changes(room)) => sight.room = changes::draw(frame, area, scene, room),
        Some(Room::Graphs(room)) => sight.room = graphs::draw(frame, area, scene, room),
        Some(Room::Recipes(room)) => sight.room = recipes::draw(frame, area, scene, room),
        Some(Room::Terminals(room)) => sight.room = terminals::draw(frame, area, scene, sight, room),
        None => {}
    }
}

fn pane(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, sight: &mut Sight, which: Pane) {
    match which {
        Pane::Machines => machines::draw(frame, area, scene, sight),
        Pane::Leases => leases::draw(frame, area, scene, sight),
        Pane::Syslog | Pane::Audit => streams::draw(frame, area, scene, sight, which),
    }
}

impl Sight {
    /// How many lines of `pane` are shown.
    pub fn height(&self, pane: Pane) -> usize {
        self.rows[pane as usize].map_or(0, |rows| usize::from(rows.height))
    }

    /// The pane and line that are shown at a place.
    pub fn line_at(&self, column: u16, row: u16) -> Option<(Pane, usize)> {
        let at = Position::new(column, row);
        Pane::ALL.into_iter().find_map(|pane| {
            let rows = self.rows[pane as usize].filter(|rows| rows.contains(at))?;
            Some((pane, self.offsets[pane as usize] + usize::from(row - rows.y)))
        })
    }

    /// The pane whose tab is at a place.
    pub fn tab_at(&self, column: u16, row: u16) -> Option<Pane> {
        let at = Position::new(column, row);
        self.tabs.iter().find(|(_, area)| area.contains(at)).map(|(pane, _)| *pane)
    }
}
