//! Everything that a key can ask for, in one table: its name in keys.toml, its keys, where it works, its words. The help
//! and the palette are made of the same table.
//!
//! Where two actions that work at the same place have the same key, the earlier one has it.

use super::chord::{Chord, c, k};
use crate::console::rooms::Kind;
use crossterm::event::KeyCode::{BackTab, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up};

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
    Mark,
    MarkAll,
    Adopt,
    Terminal,
    Logs,
    Interfaces,
    OpenInside,
    AllPackets,
    MachinePackets,
    BootPackets,
    Export,
    Recorded,
    Profile,
    Alerts,
    Acknowledge,
    Silence,
    Changes,
    AllChanges,
    MachineChanges,
    Pull,
    Recipes,
    Graphs,
    ZoomIn,
    ZoomOut,
    Earlier,
    Later,
    LatestValues,
    NextGraphed,
    GraphedBefore,
    DryRun,
    CheckRecipe,
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
    Palette,
    Help,
    Quit,
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// In panes, on pages and in rooms.
    Everywhere,
    /// In panes and on pages; a room has its place.
    Outside,
    /// In panes, not on a page.
    Panes,
    /// In the list of machines.
    Machines,
    /// In panes that do not grow.
    Lists,
    /// In panes that grow.
    Streams,
    /// In a room of this kind.
    Room(Kind),
}

/// When a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// While the present is shown.
    Now,
    /// While the past is.
    Then,
}

/// A line of the table. Lines of one name are one action, which has other words elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name in keys.toml; it stays the same for good.
    pub name: &'static str,
    pub wish: Wish,
    /// Its keys, unless keys.toml says others. Lines of one name have the same.
    pub keys: &'static [Chord],
    pub at: Where,
    pub when: When,
    pub words: &'static str,
    /// A word for the last line; none where the help is enough.
    pub hint: Option<&'static str>,
}

const fn act(name: &'static str, wish: Wish, keys: &'static [Chord], at: Where, words: &'static str) -> Action {
    Action { name, wish, keys, at, when: When::Always, words, hint: None }
}

impl Action {
    const fn hint(self, word: &'static str) -> Action {
        Action { hint: Some(word), ..self }
    }

    const fn now(self) -> Action {
        Action { when: When::Now, ..self }
    }

    const fn then(self) -> Action {
        Action { when: When::Then, ..self }
    }
}

use Where::{Everywhere, Lists, Machines, Outside, Panes, Room, Streams};

/// The table, in the order of the help.
#[rustfmt::skip] // an action a line
pub const ACTIONS: &[Action] = &[
    // In the room of terminals.
    // In the room of interfaces.
    act("open", Wish::Open, &[k(Enter)], Room(Kind::Interfaces), "its packets").hint("packets"),
    act("open-inside", Wish::OpenInside, &[c('i')], Room(Kind::Interfaces), "its packets, in here").hint("in here"),
    act("capture-all", Wish::AllPackets, &[c('a')], Room(Kind::Interfaces), "everything"),
    act("capture-machine", Wish::MachinePackets, &[c('m')], Room(Kind::Interfaces), "the machine's only"),
    act("capture-boot", Wish::BootPackets, &[c('b')], Room(Kind::Interfaces), "its boot's only"),
    // In the room of packets.
    act("open", Wish::Open, &[k(Enter)], Room(Kind::Packets), "the whole packet").hint("whole"),
    act("view", Wish::View, &[c('v')], Room(Kind::Packets), "the whole packet"),
    act("filter", Wish::Filter, &[c('/')], Room(Kind::Packets), "lines with these words").hint("filter"),
    act("pause", Wish::Pause, &[c(' ')], Room(Kind::Packets), "pause, and go on").hint("pause"),
    act("follow", Wish::Follow, &[c('f')], Room(Kind::Packets), "follow the newest").hint("follow"),
    act("export", Wish::Export, &[c('e')], Room(Kind::Packets), "in Wireshark or termshark").hint("export"),
    // In the room of alerts.
    act("open", Wish::Open, &[k(Enter)], Room(Kind::Alerts), "all that is known of it").hint("whole"),
    act("acknowledge", Wish::Acknowledge, &[c('a')], Room(Kind::Alerts), "somebody looks after it").hint("acknowledge").now(),
    act("silence", Wish::Silence, &[c('s')], Room(Kind::Alerts), "not told for a while").hint("silence").now(),
    // In the room of changes.
    act("open", Wish::Open, &[k(Enter)], Room(Kind::Changes), "what changed, in whole").hint("whole"),
    act("filter", Wish::Filter, &[c('/')], Room(Kind::Changes), "machines, paths, words").hint("filter"),
    act("changes-machine", Wish::MachineChanges, &[c('m')], Room(Kind::Changes), "the machine's only").hint("machine"),
    act("changes-all", Wish::AllChanges, &[c('a')], Room(Kind::Changes), "those of all machines").hint("all"),
    act("pull", Wish::Pull, &[c('u')], Room(Kind::Changes), "look at the machines now").hint("look now"),
    // In the room of recipes.
    act("open", Wish::Open, &[k(Enter)], Room(Kind::Recipes), "apply it, after asking").hint("apply"),
    act("dry-run", Wish::DryRun, &[c('d')], Room(Kind::Recipes), "only say what it would do").hint("dry run"),
    act("check", Wish::CheckRecipe, &[c('v')], Room(Kind::Recipes), "look who has it").hint("who has it"),
    // In the room of graphs.
    act("zoom-in", Wish::ZoomIn, &[c('+'), c('=')], Room(Kind::Graphs), "a shorter time").hint("zoom"),
    act("zoom-out", Wish::ZoomOut, &[c('-')], Room(Kind::Graphs), "a longer time").hint("out"),
    act("earlier", Wish::Earlier, &[k(Left), c('h')], Room(Kind::Graphs), "what was before").hint("earlier"),
    act("later", Wish::Later, &[k(Right), c('l')], Room(Kind::Graphs), "what came then").hint("later"),
    act("latest", Wish::LatestValues, &[c('0')], Room(Kind::Graphs), "until now").hint("now"),
    act("next-graphs", Wish::NextGraphed, &[k(Tab)], Room(Kind::Graphs), "next machine or segment").hint("machine"),
    act("graphs-before", Wish::GraphedBefore, &[k(BackTab)], Room(Kind::Graphs), "machine before"),
    // In the past.
    act("timeline", Wish::Timeline, &[c('r')], Outside, "back to now").hint("now").then(),
    act("event-back", Wish::EventBack, &[c(','), k(Left)], Outside, "one event back").hint("back").then(),
    act("event-on", Wish::EventOn, &[c('.'), k(Right)], Outside, "one event on").hint("on").then(),
    act("minute-back", Wish::MinuteBack, &[c('[')], Outside, "a minute back").then(),
    act("minute-on", Wish::MinuteOn, &[c(']')], Outside, "a minute on").then(),
    act("hour-back", Wish::HourBack, &[c('{')], Outside, "an hour back").then(),
    act("hour-on", Wish::HourOn, &[c('}')], Outside, "an hour on").then(),
    act("oldest", Wish::ToBegin, &[k(Home)], Outside, "the oldest event kept").then(),
    act("newest", Wish::ToEnd, &[k(End)], Outside, "the newest event").then(),
    act("play", Wish::Play, &[c(' ')], Outside, "lets time pass; holds it").hint("play").then(),
    act("faster", Wish::Faster, &[c('+'), c('=')], Outside, "faster, up to 3600x").then(),
    act("slower", Wish::Slower, &[c('-')], Outside, "slower").then(),
    act("moment", Wish::Moment, &[c('@')], Outside, "go to a moment").hint("moment").then(),
    // On machines.
    act("open", Wish::Open, &[k(Enter)], Panes, "the machine's own page").hint("page"),
    act("power-on", Wish::PowerOn, &[c('o')], Outside, "power on at once").hint("power on").now(),
    act("power", Wish::Power, &[c('p')], Outside, "power: on, off, doctor").hint("power").now(),
    act("profile", Wish::Profile, &[c('b')], Outside, "what it boots").hint("boot").now(),
    act("adopt", Wish::Adopt, &[c('a')], Outside, "adopt a machine only seen").hint("adopt").now(),
    act("terminal", Wish::Terminal, &[c('t')], Outside, "a terminal on the machine").hint("terminal").now(),
    act("logs", Wish::Logs, &[c('T')], Outside, "the services' logs").now(),
    act("terminals", Wish::Terminals, &[c('e')], Outside, "all terminals").now(),
    // In panes.
    act("filter", Wish::Filter, &[c('/')], Lists, "lines with these words").hint("filter"),
    act("filter", Wish::Filter, &[c('/')], Streams, "filter: words, FIELD=VALUE").hint("filter"),
    act("mark", Wish::Mark, &[c(' ')], Machines, "mark it, to switch many").hint("mark").now(),
    act("mark-all", Wish::MarkAll, &[c('*')], Machines, "mark all listed, or none").now(),
    act("recorded-boot", Wish::Recorded, &[c('B')], Outside, "packets of a recorded boot").hint("boot packets"),
    act("view", Wish::View, &[c('v')], Streams, "the whole event").hint("view"),
    act("follow", Wish::Follow, &[c('f')], Streams, "follow the newest"),
    act("pause", Wish::Pause, &[c(' ')], Streams, "pause, and go on").hint("pause").now(),
    act("timeline", Wish::Timeline, &[c('r')], Outside, "timeline: back in time").now(),
    act("interfaces", Wish::Interfaces, &[c('w')], Outside, "packets of interfaces").hint("packets").now(),
    act("alerts", Wish::Alerts, &[c('A')], Outside, "what fires"),
    act("changes", Wish::Changes, &[c('C')], Outside, "what changed on machines").now(),
    act("graphs", Wish::Graphs, &[c('H')], Outside, "graphs of measurements").now(),
    act("recipes", Wish::Recipes, &[c('R')], Outside, "recipes, and who has them").now(),
    act("back", Wish::Back, &[k(Esc)], Everywhere, "back; clears the filter").now(),
    act("back", Wish::Back, &[k(Esc)], Everywhere, "back; at last to now").then(),
    act("next-pane", Wish::NextPane, &[k(Tab), k(Right), c('l')], Panes, "next pane").hint("pane"),
    act("previous-pane", Wish::PreviousPane, &[k(BackTab), k(Left), c('h')], Panes, "pane before"),
    act("zoom", Wish::Zoom, &[c('z')], Panes, "this pane alone, and back"),
    act("down", Wish::Down, &[k(Down), c('j')], Everywhere, "down"),
    act("up", Wish::Up, &[k(Up), c('k')], Everywhere, "up"),
    act("page-down", Wish::PageDown, &[k(PageDown)], Everywhere, "a screen down"),
    act("page-up", Wish::PageUp, &[k(PageUp)], Everywhere, "a screen up"),
    act("first", Wish::First, &[k(Home), c('g')], Everywhere, "to the top"),
    act("last", Wish::Last, &[k(End), c('G')], Everywhere, "to the bottom"),
    act("segment", Wish::Segment, &[c('s')], Panes, "next segment"),
    act("fleet", Wish::Fleet, &[c('m')], Panes, "machines of all segments").now(),
    act("troubles", Wish::Troubles, &[c('!')], Everywhere, "what is wrong"),
    act("colours", Wish::Theme, &[c('c')], Everywhere, "next colours"),
    act("palette", Wish::Palette, &[c(':')], Everywhere, "do anything by its name").hint("palette"),
    act("help", Wish::Help, &[c('?')], Everywhere, "the keys that work here").hint("help"),
    act("quit", Wish::Quit, &[c('q')], Everywhere, "quit").hint("quit"),
];
