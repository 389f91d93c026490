//! The keys, in one table: what they do and where they work. The help is made of the same table.

use super::model::Model;
use crate::state::State;
use crossterm::event::{KeyCode, KeyEvent};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Down,
    Up,
    PageDown,
    PageUp,
    First,
    Last,
    NextPane,
    PreviousPane,
    Open,
    Back,
    Power,
    PowerOn,
    Adopt,
    Terminal,
    Logs,
    Terminals,
    Filter,
    Follow,
    View,
    Pause,
    Zoom,
    Segment,
    Fleet,
    Troubles,
    Timeline,
    EventBack,
    EventOn,
    MinuteBack,
    MinuteOn,
    HourBack,
    HourOn,
    ToBegin,
    ToEnd,
    Play,
    Faster,
    Slower,
    Moment,
    Theme,
    Help,
    Quit,
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Everywhere,
    /// In a list, not on a page.
    Panes,
    /// In panes that do not grow.
    Lists,
    /// In panes that grow.
    Streams,
}

/// When a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    /// While the present is shown.
    Now,
    /// While the past is.
    Then,
}

struct Binding {
    keys: &'static [KeyCode],
    shown: &'static str,
    wish: Wish,
    at: Where,
    when: When,
    words: &'static str,
    /// A word for the last line; none where the help is enough.
    hint: Option<&'static str>,
}

const fn bind(keys: &'static [KeyCode], shown: &'static str, wish: Wish, at: Where, words: &'static str) -> Binding {
    Binding { keys, shown, wish, at, when: When::Always, words, hint: None }
}

impl Binding {
    const fn hint(self, word: &'static str) -> Binding {
        Binding { hint: Some(word), ..self }
    }

    const fn now(self) -> Binding {
        Binding { when: When::Now, ..self }
    }

    const fn then(self) -> Binding {
        Binding { when: When::Then, ..self }
    }
}

use KeyCode::{BackTab, Char, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up};

const BINDINGS: &[Binding] = &[
    bind(&[Char('r')], "r", Wish::Timeline, Where::Everywhere, "back to now").hint("now").then(),
    bind(&[Left, Char(',')], ", ←", Wish::EventBack, Where::Everywhere, "one event back").hint("back").then(),
    bind(&[Right, Char('.')], ". →", Wish::EventOn, Where::Everywhere, "one event on").hint("on").then(),
    bind(&[Char('[')], "[", Wish::MinuteBack, Where::Everywhere, "a minute back").then(),
    bind(&[Char(']')], "]", Wish::MinuteOn, Where::Everywhere, "a minute on").then(),
    bind(&[Char('{')], "{", Wish::HourBack, Where::Everywhere, "an hour back").then(),
    bind(&[Char('}')], "}", Wish::HourOn, Where::Everywhere, "an hour on").then(),
    bind(&[Home], "home", Wish::ToBegin, Where::Everywhere, "the oldest event kept").then(),
    bind(&[End], "end", Wish::ToEnd, Where::Everywhere, "the newest event").then(),
    bind(&[Char(' ')], "space", Wish::Play, Where::Everywhere, "lets time pass; holds it").hint("play").then(),
    bind(&[Char('+'), Char('=')], "+", Wish::Faster, Where::Everywhere, "faster, up to 3600x").then(),
    bind(&[Char('-')], "-", Wish::Slower, Where::Everywhere, "slower").then(),
    bind(&[Char('@')], "@", Wish::Moment, Where::Everywhere, "go to a moment").hint("moment").then(),
    bind(&[Enter], "enter", Wish::Open, Where::Panes, "the machine's own page").hint("page"),
    bind(&[Char('o')], "o", Wish::PowerOn, Where::Everywhere, "power on at once").hint("power on").now(),
    bind(&[Char('p')], "p", Wish::Power, Where::Everywhere, "power: on, off, reset").hint("power").now(),
    bind(&[Char('a')], "a", Wish::Adopt, Where::Everywhere, "adopt a machine only seen").hint("adopt").now(),
    bind(&[Char('t')], "t", Wish::Terminal, Where::Everywhere, "a terminal on the machine").hint("terminal").now(),
    bind(&[Char('T')], "T", Wish::Logs, Where::Everywhere, "terminals of the services' logs").now(),
    bind(&[Char('e')], "e", Wish::Terminals, Where::Everywhere, "all terminals that are open").now(),
    bind(&[Char('/')], "/", Wish::Filter, Where::Lists, "only lines with these words").hint("filter"),
    bind(&[Char('/')], "/", Wish::Filter, Where::Streams, "filter: words, FIELD=VALUE").hint("filter"),
    bind(&[Char('v')], "v", Wish::View, Where::Streams, "the whole event").hint("view"),
    bind(&[Char('f')], "f", Wish::Follow, Where::Streams, "follow the newest"),
    bind(&[Char(' ')], "space", Wish::Pause, Where::Streams, "pause, and go on").hint("pause").now(),
    bind(&[Char('r')], "r", Wish::Timeline, Where::Everywhere, "timeline: back in time").now(),
    bind(&[Esc], "esc", Wish::Back, Where::Everywhere, "back; clears the filter").now(),
    bind(&[Esc], "esc", Wish::Back, Where::Everywhere, "back; at last to now").then(),
    bind(&[Tab, Right, Char('l')], "tab → l", Wish::NextPane, Where::Panes, "next pane").hint("pane").now(),
    bind(&[Tab, Char('l')], "tab l", Wish::NextPane, Where::Panes, "next pane").then(),
    bind(&[BackTab, Left, Char('h')], "⇧tab ← h", Wish::PreviousPane, Where::Panes, "pane before").now(),
    bind(&[BackTab, Char('h')], "⇧tab h", Wish::PreviousPane, Where::Panes, "pane before").then(),
    bind(&[Char('z')], "z", Wish::Zoom, Where::Panes, "this pane alone, and back"),
    bind(&[Down, Char('j')], "↓ j", Wish::Down, Where::Everywhere, "down"),
    bind(&[Up, Char('k')], "↑ k", Wish::Up, Where::Everywhere, "up"),
    bind(&[PageDown], "pgdn", Wish::PageDown, Where::Everywhere, "a screen down"),
    bind(&[PageUp], "pgup", Wish::PageUp, Where::Everywhere, "a screen up"),
    bind(&[Home, Char('g')], "home g", Wish::First, Where::Everywhere, "to the top").now(),
    bind(&[Char('g')], "g", Wish::First, Where::Everywhere, "to the top").then(),
    bind(&[End, Char('G')], "end G", Wish::Last, Where::Everywhere, "to the bottom").now(),
    bind(&[Char('G')], "G", Wish::Last, Where::Everywhere, "to the bottom").then(),
    bind(&[Char('s')], "s", Wish::Segment, Where::Panes, "next segment"),
    bind(&[Char('m')], "m", Wish::Fleet, Where::Panes, "machines of all segments").now(),
    bind(&[Char('!')], "!", Wish::Troubles, Where::Everywhere, "what is wrong"),
    bind(&[Char('c')], "c", Wish::Theme, Where::Everywhere, "next colours"),
    bind(&[Char('?')], "?", Wish::Help, Where::Everywhere, "the keys that work here").hint("help"),
    bind(&[Char('q')], "q", Wish::Quit, Where::Everywhere, "quit").hint("quit"),
];

/// What `key` asks for here, if it works here.
pub fn wish(key: KeyEvent, model: &Model) -> Option<Wish> {
    BINDINGS.iter().find(|binding| binding.keys.contains(&key.code) && works(binding, model)).map(|b| b.wish)
}

/// The keys that work here, each with what it does.
pub fn help(model: &Model) -> impl Iterator<Item = (&'static str, &'static str)> {
    BINDINGS.iter().filter(|binding| works(binding, model)).map(|binding| (binding.shown, binding.words))
}

/// The keys of the last line: the first spelling of each that matters here.
pub fn hints(model: &Model, state: &State) -> impl Iterator<Item = (&'static str, &'static str)> {
    let stranger = model.machine(state).is_some_and(|machine| !machine.in_conf);
    let here = BINDINGS.iter().filter(move |b| works(b, model) && (b.wish != Wish::Adopt || stranger));
    here.filter_map(|binding| Some((binding.shown.split(' ').next()?, binding.hint?)))
}

/// A key that acts on machines as they are, while they are shown as they were.
pub fn is_for_now(key: KeyEvent, model: &Model) -> bool {
    let acts = |b: &&Binding| matches!(b.wish, Wish::Power | Wish::PowerOn | Wish::Adopt);
    model.past.is_some() && BINDINGS.iter().filter(acts).any(|binding| binding.keys.contains(&key.code))
}

fn works(binding: &Binding, model: &Model) -> bool {
    let page = model.page.is_some();
    let when = match binding.when {
        When::Always => true,
        When::Now => model.past.is_none(),
        When::Then => model.past.is_some(),
    };
    when && match binding.at {
        Where::Everywhere => true,
        Where::Panes => !page,
        Where::Lists => !page && !model.pane.grows(),
        Where::Streams => !page && model.pane.grows(),
    }
}
