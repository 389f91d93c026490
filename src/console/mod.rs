//! The terminal screen: a pure model and views over the state, in a thin shell of keys and time.
//! Knows no socket and no store: it sees the state and sends commands.

mod answers;
mod arming;
mod batch;
mod certificate;
mod curves;
mod keys;
mod lines;
mod lock;
mod marks;
mod model;
mod mouse;
mod obey;
mod order;
mod own;
mod palette;
mod place;
pub mod plain;
mod power;
mod profiles;
mod record;
mod recorded;
mod rooms;
mod terminal;
#[cfg(test)]
pub(crate) mod tests;
mod theme;
mod timeline;
mod update;
mod view;
mod window;

pub use record::{Asked, Recipe, Record, Shelf, Whole};
pub use theme::ThemeError;
pub use window::Window;

use crate::{
    command::{Command, Found},
    conf::Conf,
    desk::{Answer, Desk, Operator},
    event::now,
    state::{Replica, Shared},
    trend::Trends,
};
use crossterm::event::{Event, EventStream, KeyEventKind};
use curves::Curves;
use futures_util::StreamExt;
use jiff::{Timestamp, tz::TimeZone};
use model::Model;
use own::Own;
use rooms::{Room, terminals::Terminals};
use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use terminal::Terminal;
use theme::{Abilities, Theme};
use tokio::{
    sync::{mpsc, watch},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;
use update::Effect;
use view::{Scene, Sight};

/// The shortest time between two drawings.
const FRAME: Duration = Duration::from_millis(33);
/// The longest, so that times on the screen go on.
const CLOCK: i128 = 250;
/// How often it is looked whether the operator's files are others.
const LOOK: Duration = Duration::from_secs(1);
/// Where themes of the operator's own are.
const THEMES: &str = "themes";

/// What the console shows, and whom it tells what the operator wants.
#[derive(Clone)]
pub struct Source {
    /// The segments as they stand.
    pub state: Shared,
    /// How far the databases are behind, by URL.
    pub replicas: watch::Receiver<BTreeMap<String, Replica>>,
    /// The conf tree as it stands.
    pub conf: watch::Receiver<Arc<Conf>>,
    /// Shows the segments as they stood.
    pub past: Window,
    /// The answers to what was looked for in the journal.
    pub found: watch::Receiver<Arc<Found>>,
    /// Has what changed on machines, and recipes.
    pub record: Record,
    /// What was measured.
    pub trends: Trends,
    /// Opens terminals and packets.
    pub desk: Desk,
    /// Takes the operator's wishes.
    pub commands: mpsc::Sender<Command>,
    /// Cancelled when the program is to end.
    pub shutdown: CancellationToken,
    /// A word for the head line: `practice segment`.
    pub note: Option<String>,
    /// Everything is shown and nothing can be changed.
    pub read_only: bool,
}

/// Why there is no screen.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Standard output is a file or a pipe.
    #[error("the console needs a terminal; without one, use --plain or --headless")]
    NoTerminal,
    /// The theme asked for cannot be had.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The terminal does not take or give what it should.
    #[error("the terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// The keys in force as a file that could be edited, and what of the operator's own file makes no sense.
pub fn keys_template(operator: &Operator) -> Result<(String, Vec<String>), String> {
    let path = own::keys_file(operator);
    let told = |line: usize, words: &str| format!("{}: line {line}: {words}", path.display());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let (keys, faults) = keys::read(&text).map_err(|fault| told(fault.line, &fault.words))?;
    Ok((keys::template(&keys), faults.iter().map(|fault| told(fault.line, &fault.words)).collect()))
}

/// Shows the console until the operator quits or `shutdown` is cancelled. Blocks: a terminal that stops taking
/// output (ctrl-s, a dead connection) must hold up nothing else, so it wants a thread of its own.
pub fn run(source: &Source, theme: Option<&str>, runtime: &tokio::runtime::Handle) -> Result<(), ConsoleError> {
    if !terminal::is_there() {
        return Err(ConsoleError::NoTerminal);
    }
    let abilities = terminal::abilities();
    let name = theme.map_or_else(|| terminal::fitting_theme().to_owned(), ToOwned::to_owned);
    let theme = theme::load(Path::new(THEMES), &name, abilities)?;
    let mut terminal = Terminal::enter()?;
    runtime.block_on(show(source, &mut terminal, theme, abilities))
}

async fn show(
    source: &Source,
    terminal: &mut Terminal,
    mut theme: Theme,
    abilities: Abilities,
) -> Result<(), ConsoleError> {
    source.desk.set_palette(theme.terminals.clone());
    let mut model = Model::new(source.note.clone());
    model.zone = TimeZone::system();
    model.windows = source.desk.has_windows();
    model.read_only = source.read_only;
    let mut own = Own::of(source.desk.operator());
    model.history = own.history();
    let mut looked: Option<Instant> = None;
    // What a console before this one asked is nobody's.
    let mut found = source.found.clone();
    found.mark_unchanged();
    let mut sight = Sight::default();
    let mut input = EventStream::new();
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let zone = TimeZone::system();
    let mut touched = true;
    let (mut drawn, mut drawn_at) = (u64::MAX, Timestamp::UNIX_EPOCH);
    let mut past = source.past.clone();
    let mut record = source.record.clone();
    let mut curves = Curves::new(source.trends.clone());
    model.depth = terminal::depth(abilities);
    let mut answers = source.desk.answers();
    let mut desk = 0;
    let mut rung = source.state.read().alerts.rung;
    loop {
        tokio::select! {
            () = source.shutdown.cancelled() => return Ok(()),
            came = input.next() => {
                let Some(came) = came else { return Ok(()) };
                touched = true;
                model.now = now();
                match react(&mut model, &sight, source, came?) {
                    Effect::None => {}
                    Effect::Send(command) => {
                        if source.commands.try_send(command).is_err() {
                            model.batch = None;
                            model.word = Some("too many commands at once; try again".to_owned());
                        }
                    }
                    Effect::Desk(wanted) => source.desk.ask(&wanted),
                    Effect::Inside(id, act) => terminal::tell(&mut model, source.desk.terminals().act(id, act)),
                    Effect::EndSession(id) => source.desk.end_shown(id),
                    Effect::EndNamed(session) => source.desk.end(&session),
                    Effect::OpenSession(session) => source.desk.open_session(&session),
                    Effect::Sessions => source.desk.look_for_sessions(),
                    Effect::Go(go) => {
                        let segment = model.segment(&source.state.read()).map(|(address, _)| address);
                        past.ask(&mut model, go, segment);
                    }
                    Effect::At(text) => past.ask_for(&mut model, &source.state, &text, &zone),
                    Effect::NextTheme => match next_theme(&theme, abilities) {
                        Ok(next) => {
                            model.word = Some(format!("colours: {}", next.name));
                            source.desk.set_palette(next.terminals.clone());
                            theme = next;
                        }
                        Err(error) => model.word = Some(error.to_string()),
                    },
                    Effect::Theme(name) => match theme::load(Path::new(THEMES), &name, abilities) {
                        Ok(named) => {
                            source.desk.set_palette(named.terminals.clone());
                            theme = named;
                        }
                        Err(error) => model.word = Some(error.to_string()),
                    },
                }
                if let Some(line) = model.history.take_new()
                    && let Err(error) = own.keep(&line)
                {
                    model.word = Some(format!("the palette's history cannot be kept: {error}"));
                }
            }
            Ok(answer) = answers.recv() => {
                match answer {
                    Answer::Word(word) => model.word = Some(word),
                    Answer::Inside(id) => model.show_terminal(id),
                    Answer::Terminals => model.room = Some(Room::Terminals(Terminals::listing())),
                }
                touched = true;
            }
            Ok(()) = found.changed() => {
                model.found(&found.borrow_and_update());
                touched = true;
            }
            _ = frames.tick() => {
                let now = now();
                touched |= past.look(&mut model);
                touched |= (record.is_new() | curves.is_new()) && model.room.is_some();
                if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
                    looked = Some(Instant::now());
                    touched |= own.look(&mut model);
                }
                touched |= std::mem::replace(&mut desk, source.desk.generation()) != desk;
                // What is shown of the past changes only when it is asked for.
                let generation = if model.past.is_some() { drawn } else { source.state.read().generation };
                if !touched && generation == drawn && now.duration_since(drawn_at).as_millis() < CLOCK {
                    continue;
                }
                rooms::look(&mut model, &source.desk, &record, &curves, &source.state.read());
                // The lock is given back before the terminal is written to.
                model.list_terminals(&source.desk);
                terminal.draw(|frame| {
                    let state = source.state.read();
                    drawn = state.generation;
                    let replicas = &source.replicas.borrow();
                    let desk = &source.desk;
                    let conf = &source.conf.borrow();
                    let (model, theme) = (&model, &theme);
                    let scene = Scene { model, state: &state, conf, replicas, desk, theme, now, zone: &zone };
                    view::draw(frame, scene, &mut sight);
                })?;
                let rings = source.state.read().alerts.rung;
                if rings > rung {
                    rung = rings;
                    terminal::ring();
                }
                model.height = if model.page.is_some() { sight.page.1 } else { sight.height(model.pane) };
                rooms::fit(&mut model, usize::from(sight.room.height));
                (model.page_lines, model.dialog_lines) = (sight.page.0, sight.dialog);
                model.seen = sight.seen;
                match model.shown_terminal() {
                    Some(id) => source.desk.terminals().fit(id, sight.seen.area.height, sight.seen.area.width),
                    None => source.desk.terminals().expect(sight.terminal),
                }
                (touched, drawn_at) = (false, now);
            }
        }
    }
}

fn react(model: &mut Model, sight: &Sight, source: &Source, came: Event) -> Effect {
    model.list_terminals(&source.desk);
    let state = source.state.read();
    match came {
        Event::Key(key) if key.kind != KeyEventKind::Release => update::key(model, &state, &source.conf.borrow(), key),
        Event::Mouse(mouse) => {
            let effect = mouse::mouse(model, &state, sight, mouse);
            update::held_back(model, effect)
        }
        Event::Paste(text) => {
            let effect = answers::paste(model, &state, &text);
            update::held_back(model, effect)
        }
        _ => Effect::None,
    }
}

/// The theme after this one, passing over those that are broken; the last one's fault where all are.
fn next_theme(current: &Theme, abilities: Abilities) -> Result<Theme, ThemeError> {
    let folder = Path::new(THEMES);
    let names = theme::names(folder);
    let at = names.iter().position(|name| *name == current.name).map_or(0, |at| at + 1);
    let mut loaded = names.iter().cycle().skip(at).take(names.len()).map(|name| theme::load(folder, name, abilities));
    let first = loaded.next().unwrap_or_else(|| Ok(current.clone()));
    first.or_else(|fault| loaded.find_map(Result::ok).ok_or(fault))
}
