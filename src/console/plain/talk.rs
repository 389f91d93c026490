//! The console of lines: what is answered to an order, and what is told of an event. Pure; the words are the panes' own.

use super::super::{
    answers,
    batch::{Tally, name},
    keys::{ACTIONS, Keys, Wish, works},
    lock,
    model::{Dialog, Model, Pane},
    obey::obey,
    order::{self, FORMS, List, Order, Rest, Scope},
    place::Search,
    rooms::Kind,
    theme::{self, Theme},
    update::{self, Effect},
    view::{Scene, page, power, told, words},
};
use crate::{
    command::Command,
    conf::Conf,
    desk::Desk,
    event::Event,
    filter::{Filter, Here},
    net::Mac,
    state::{Replica, State},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{Timestamp, tz::TimeZone};
use std::{collections::BTreeMap, sync::Arc};

/// Events that are listed without a filter, the newest.
const EVENTS: usize = 100;
/// A page is written for lines of this length.
const WIDTH: usize = 120;

/// The world as it is at a line.
#[derive(Clone, Copy)]
pub struct World<'a> {
    pub state: &'a State,
    pub conf: &'a Conf,
    pub replicas: &'a BTreeMap<String, Replica>,
    pub desk: &'a Desk,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

/// A talk with the operator.
pub struct Talk {
    pub model: Model,
    theme: Theme,
    /// Events are told as they come.
    following: bool,
    /// Which of them.
    wanted: Filter,
    /// The journal is searched; then that is listed.
    searching: bool,
    /// How far the change of many machines was when that was told.
    told: Tally,
}

impl Talk {
    pub fn new(note: Option<String>, read_only: bool) -> Talk {
        let mut model = Model::new(note);
        (model.read_only, model.keys) = (read_only, Arc::new(Keys::none()));
        Talk {
            model,
            theme: theme::plain(),
            following: true,
            wanted: Filter::default(),
            searching: false,
            told: Tally::default(),
        }
    }

    /// The first line.
    pub fn greeting(&self) -> String {
        let note = self.model.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
        let locked = if self.model.read_only { ", read-only" } else { "" };
        format!("PXElator{note}{locked}. Events come as lines; type help for the orders.")
    }

    /// A question waits for a yes.
    pub fn is_asking(&self) -> bool {
        self.model.dialog.is_some()
    }

    /// Answers a line that was typed.
    pub fn line(&mut self, world: World<'_>, text: &str) -> (Vec<String>, Effect) {
        self.model.word = None;
        (self.model.now, self.model.windows) = (world.now, world.desk.has_windows());
        let (mut lines, effect) = match self.model.dialog.take() {
            Some(dialog) => {
                if !matches!(text.trim(), "y" | "yes") {
                    return (vec!["left as it is".to_owned()], Effect::None);
                }
                let yes = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE);
                (Vec::new(), answers::key(&mut self.model, world.state, world.conf, dialog, yes))
            }
            None if text.trim().is_empty() => return (Vec::new(), Effect::None),
            None => {
                let past = self.model.past.clone();
                let state = past.as_ref().map_or(world.state, |past| &past.state);
                let segment = self.model.segment(state).map(|(at, _)| at);
                match order::parse(text, Scope { state, segment }) {
                    Ok(order) => self.obey(world, order),
                    Err(error) => return (vec![error.to_string()], Effect::None),
                }
            }
        };
        let effect = update::held_back(&mut self.model, effect);
        lines.extend(self.model.word.take());
        lines.extend(self.question(world));
        if lock::is_change(&effect) || matches!(effect, Effect::Send(Command::Examine { .. })) {
            lines.push("asked for; the events tell what comes of it".to_owned());
        }
        (lines, effect)
    }

    fn obey(&mut self, world: World<'_>, order: Order) -> (Vec<String>, Effect) {
        let list = match &order {
            Order::Quiet => {
                self.following = false;
                return (vec!["events are not told any more; follow tells them again".to_owned()], Effect::None);
            }
            Order::Wish(Wish::Follow) => {
                self.following = true;
                return (vec!["events are told as they come; quiet ends that".to_owned()], Effect::None);
            }
            Order::Filter(words) => return (vec![self.filter(world, words)], Effect::None),
            Order::Wish(Wish::Filter) => return (vec![self.filter(world, "")], Effect::None),
            Order::Theme(_) | Order::Wish(Wish::Theme) => {
                return (vec!["lines of words have no colours".to_owned()], Effect::None);
            }
            Order::Wish(Wish::Help) => return (self.help(), Effect::None),
            Order::Wish(Wish::Troubles) => return (self.troubles(world), Effect::None),
            Order::Wish(Wish::Changes) => return (told::changes(self.scene(world), None, ""), Effect::None),
            Order::Changes(host, words) => {
                return (told::changes(self.scene(world), host.as_deref(), words), Effect::None);
            }
            Order::Wish(Wish::Graphs) => {
                let words = "graphs are pictures: pxelator graph web1 says what is measured of it, and draws it";
                return (vec![words.to_owned()], Effect::None);
            }
            Order::Wish(Wish::Alerts) => return (told::alerts(self.scene(world)), Effect::None),
            Order::Wish(Wish::Recipes) => return (told::recipes(self.scene(world)), Effect::None),
            Order::Wish(Wish::Logs) if !world.desk.has_windows() => {
                let words = "the logs' terminals are windows, and there is no display; audit lists what happens";
                return (vec![words.to_owned()], Effect::None);
            }
            Order::Wish(wish) if lock::changes(*wish) => {
                return (
                    vec!["expected the machine too, as power on web1; help lists the orders".to_owned()],
                    Effect::None,
                );
            }
            Order::Wish(wish) if !speaks(*wish) => {
                return (
                    vec!["that is a key of the full-screen console; help lists the orders".to_owned()],
                    Effect::None,
                );
            }
            Order::Wish(Wish::Fleet) => {
                self.clear(world, List::Machines);
                Some(List::Machines)
            }
            Order::Wish(Wish::Segment) | Order::Segment(_) => Some(List::Segments),
            Order::Show(list, None) => {
                // Words of before are not meant any more.
                self.clear(world, *list);
                Some(*list)
            }
            Order::Show(list, _) => Some(*list),
            _ => None,
        };
        let page = if let Order::Page(_, mac) = order { Some(mac) } else { None };
        let effect = obey(&mut self.model, world.state, world.conf, order);
        self.model.page = None;
        // A recipe's room is for the full screen; here its events tell.
        let room = self.model.room.take().filter(|room| room.kind() != Kind::Recipes);
        if room.is_some() {
            let words =
                "packets are seen in windows or in the full-screen console; `pxelator packets` has those of boots";
            return (vec![words.to_owned()], Effect::None);
        }
        // What an examination finds comes as events.
        if matches!(self.model.dialog, Some(Dialog::Told(_) | Dialog::Doctor { .. })) {
            self.model.dialog = None;
        }
        if matches!(effect, Effect::Send(Command::Find { .. })) {
            self.searching = true;
            return (vec!["searching the journal".to_owned()], effect);
        }
        // A filter that makes no sense is told, and nothing is listed by it.
        let lines = match (list, page) {
            (Some(list), _) if self.model.word.is_none() => self.list(world, list),
            (_, Some(mac)) => self.page(world, mac),
            _ => Vec::new(),
        };
        (lines, effect)
    }

    /// What the journal had, once that is known.
    pub fn found(&mut self, world: World<'_>) -> Vec<String> {
        if !self.searching || matches!(self.model.places[Pane::Audit as usize].search, Some(Search::Underway(_))) {
            return Vec::new();
        }
        self.searching = false;
        match &self.model.places[Pane::Audit as usize].search {
            Some(Search::Failed(error)) => vec![format!("the journal was not searched: {error}")],
            _ => self.list(world, List::Audit),
        }
    }

    /// An event as it comes; none where it is not to be told.
    pub fn event(&self, world: World<'_>, event: &Event) -> Option<String> {
        let is_wanted = self.following && self.model.past.is_none() && !event.fact.is_progress();
        let segment = event.segment.and_then(|at| world.state.segments.get(&at));
        (is_wanted && self.wanted.matches(event)).then(|| told::of_event(self.scene(world), segment, event))
    }

    /// How far a change of many machines is, where that is news; at its end also which failed, and why.
    pub fn progress(&mut self, world: World<'_>) -> Vec<String> {
        let Some(batch) = &self.model.batch else { return Vec::new() };
        let tally = batch.tally(world.state);
        let is_news = (tally.seen, tally.failed) != (self.told.seen, self.told.failed);
        self.told = tally;
        if tally.is_over() {
            let mut lines = power::batch_lines(self.scene(world), batch, usize::MAX);
            lines[0].push_str("; that is all");
            (self.model.batch, self.told) = (None, Tally::default());
            return lines;
        }
        let words = || format!("power {}: {}", batch.action.name(), tally.words());
        (is_news && self.following).then(words).into_iter().collect()
    }

    /// Which moment is shown by now.
    pub fn moment(&self, world: World<'_>) -> String {
        match &self.model.past {
            None => "this is the present".to_owned(),
            Some(past) => {
                let at = past.moment.to_zoned_datetime(world.zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
                let ago = words::span(past.moment, world.now);
                let event =
                    past.event.as_ref().map(|event| format!("; last event: {}", event.fact)).unwrap_or_default();
                format!("this is the past: {at}, {ago} ago{event}; now goes back to the present")
            }
        }
    }

    fn scene<'a>(&'a self, world: World<'a>) -> Scene<'a> {
        let World { state, conf, replicas, desk, now, zone } = world;
        let scene = Scene { model: &self.model, state, conf, replicas, desk, theme: &self.theme, now, zone };
        scene.at_its_moment()
    }

    fn list(&self, world: World<'_>, list: List) -> Vec<String> {
        let lines = told::list(self.scene(world), list);
        let title = told::title(list);
        let words = match list {
            List::Machines | List::Leases | List::Syslog | List::Audit => self.model.place().filter.as_str(),
            _ => "",
        };
        let with = if words.is_empty() { String::new() } else { format!(" with {words:?}") };
        let is_stream = matches!(list, List::Syslog | List::Audit);
        let more = lines.len().saturating_sub(EVENTS);
        if is_stream && words.is_empty() && more > 0 {
            let head = format!("{title}: the newest {EVENTS} of {}; with a filter all that fit", lines.len());
            return [head].into_iter().chain(lines.into_iter().skip(more)).collect();
        }
        if lines.is_empty() {
            return vec![format!("{title}{with}: {}", told::nothing(list))];
        }
        [format!("{title}{with}: {}", lines.len())].into_iter().chain(lines).collect()
    }

    fn page(&self, world: World<'_>, mac: Mac) -> Vec<String> {
        page::words(self.scene(world), mac, WIDTH)
    }

    fn troubles(&self, world: World<'_>) -> Vec<String> {
        let troubles = self.scene(world).troubles();
        if troubles.is_empty() {
            return vec!["Nothing is wrong.".to_owned()];
        }
        troubles.into_iter().map(|trouble| format!("{}. What to do: {}.", trouble.what, trouble.next_step)).collect()
    }

    fn clear(&mut self, world: World<'_>, list: List) {
        let pane = match list {
            List::Machines => Pane::Machines,
            List::Leases => Pane::Leases,
            List::Syslog => Pane::Syslog,
            List::Audit => Pane::Audit,
            List::Servers | List::Segments | List::Replicas | List::Power => return,
        };
        self.model.pane = pane;
        self.model.place_mut().filter.clear();
        self.model.refilter(world.state);
    }

    fn filter(&mut self, world: World<'_>, words: &str) -> String {
        let here = Here { now: world.now, zone: world.zone, names: world.state };
        match Filter::parse(words, &here) {
            Ok(wanted) => {
                self.wanted = wanted;
                match words.is_empty() {
                    true => "all events are told".to_owned(),
                    false => format!("events are told that fit {words:?}; filter alone tells all"),
                }
            }
            Err(error) => format!("filter, column {}: {}", error.column, error.fault),
        }
    }

    fn help(&self) -> Vec<String> {
        let mut lines = vec!["Orders, a line each. Machines are named by name, address or MAC:".to_owned()];
        let twins = ["power reset", "page", "pane", "go to", "wrong"];
        let forms = FORMS.iter().filter(|form| !twins.contains(&form.begin));
        for form in forms.filter(|form| !self.model.read_only || !form.acts()) {
            let rest = match form.rest {
                Rest::Nothing => "",
                Rest::Machine | Rest::Seen => " MACHINE",
                Rest::Machines => " MACHINE..., as web1 db1, web* or all",
                Rest::Segment => " ADDRESS",
                Rest::Words => " [WORDS or a filter]",
                Rest::List | Rest::Theme => continue,
                Rest::Moment => " MOMENT, as -2h or 09:30",
                Rest::Adopt => " MAC ADDRESS NAME",
                Rest::Arm => " MACHINE PROFILE [then PROFILE]",
                Rest::Recipe => " RECIPE MACHINE...",
                Rest::Silence => " MACHINE [SPAN, as 2h]",
            };
            lines.push(format!("{}{rest}: {}", form.begin, form.words));
        }
        let mut said: Vec<&str> = FORMS.iter().map(|form| form.begin).chain(["help", "quit"]).collect();
        for action in ACTIONS.iter().filter(|action| speaks(action.wish) && works(action, &self.model)) {
            if !said.contains(&action.name) {
                said.push(action.name);
                lines.push(format!("{}: {}", action.name, action.words));
            }
        }
        lines.extend(["follow: events are told as they come".to_owned(), "quit: ends the program".to_owned()]);
        lines
    }

    /// What is asked before something is destroyed.
    fn question(&mut self, world: World<'_>) -> Option<String> {
        let asked = match self.model.dialog.as_ref()? {
            Dialog::Sure { whom, action } => {
                let lines = power::question(self.scene(world), whom, *action);
                let words: Vec<String> = lines.iter().map(|line| line.to_string().trim().to_owned()).collect();
                let name = if let [who] = whom[..] { format!("{}: ", name(world.state, who)) } else { String::new() };
                format!("{name}{} y does it, anything else leaves it.", words.join(" "))
            }
            Dialog::Trust { who, certificate } => format!(
                "{}: its {} shows the certificate {}. y trusts it, anything else leaves it.",
                name(world.state, *who),
                certificate.method,
                certificate.fingerprint
            ),
            Dialog::Recipe { whom, recipe } => {
                let names: Vec<String> = whom.iter().map(|who| name(world.state, *who)).collect();
                format!("Apply {recipe} to {}? y does it, anything else leaves it.", names.join(", "))
            }
            Dialog::Quit { boots } => format!("{} y quits, anything else stays.", words::quitting(*boots)),
            _ => {
                self.model.dialog = None;
                return None;
            }
        };
        // Who may change nothing is not asked either.
        if self.model.read_only
            && matches!(self.model.dialog, Some(Dialog::Sure { .. } | Dialog::Trust { .. } | Dialog::Recipe { .. }))
        {
            self.model.dialog = None;
            return Some(lock::REFUSED.to_owned());
        }
        Some(asked)
    }
}

/// Wishes that mean something without a screen.
fn speaks(wish: Wish) -> bool {
    use Wish::{
        Alerts, Changes, EventBack, EventOn, Fleet, Follow, Help, HourBack, HourOn, Logs, MinuteBack, MinuteOn, Quit,
        Recipes, Segment, Timeline, ToBegin, ToEnd, Troubles,
    };
    matches!(
        wish,
        Alerts
            | Changes
            | Recipes
            | EventBack
            | EventOn
            | Fleet
            | Follow
            | Help
            | HourBack
            | HourOn
            | Logs
            | MinuteBack
            | MinuteOn
            | Quit
            | Segment
            | Timeline
            | ToBegin
            | ToEnd
            | Troubles
    )
}
