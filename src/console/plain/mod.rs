//! The console as lines of words: for screen readers, pipes and serial lines. No escape sequences, no box drawing.
//! Orders come as lines of standard input; a thin shell around [`talk`].

pub(super) mod talk;

use super::{ConsoleError, Source, terminal, update::Effect};
use crate::{bus::Delivery, command::Command, desk::Answer, event::now, state::past::Go};
use jiff::tz::TimeZone;
use std::{
    io::{self, BufRead, IsTerminal, Write},
    thread,
    time::Duration,
};
use talk::{Talk, World};
use tokio::sync::mpsc;

/// What stands before what is typed.
const PROMPT: &str = "> ";
/// How often it is looked whether the past that was asked for is there.
const LOOK: Duration = Duration::from_millis(50);
/// The longest line that is read.
const LONGEST: usize = 4_096;

/// Answers lines until the operator quits, `shutdown` is cancelled or nobody reads any more. Blocks, as output does.
pub fn run(
    source: &Source,
    events: mpsc::Receiver<Delivery>,
    runtime: &tokio::runtime::Handle,
) -> Result<(), ConsoleError> {
    match runtime.block_on(show(source, events)) {
        // Who reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended.map_err(ConsoleError::Terminal),
    }
}

async fn show(source: &Source, mut events: mpsc::Receiver<Delivery>) -> io::Result<()> {
    let mut talk = Talk::new(source.note.clone(), source.read_only);
    let zone = TimeZone::system();
    talk.model.zone = zone.clone();
    let mut past = source.past.clone();
    let mut found = source.found.clone();
    found.mark_unchanged();
    let mut answers = source.desk.answers();
    let typed_at_terminal = io::stdin().is_terminal();
    let mut lines = read_lines();
    let mut looks = tokio::time::interval(LOOK);
    let mut out = Out { prompted: false, prompts: typed_at_terminal };
    out.say(vec![talk.greeting()])?;
    let mut batch = Vec::new();
    let (mut more_events, mut more_lines) = (true, true);
    loop {
        tokio::select! {
            () = source.shutdown.cancelled() => return out.end(),
            line = lines.recv(), if more_lines => {
                let Some(line) = line else {
                    // Orders have ended; what happens is told on.
                    more_lines = false;
                    continue;
                };
                // The end of input at a terminal is a wish to leave, the second one in all earnest.
                let text = line.unwrap_or_else(|| if talk.is_asking() { "y".to_owned() } else { "quit".to_owned() });
                out.prompted = false;
                let (said, effect) = {
                    let state = source.state.read();
                    let (conf, replicas) = (source.conf.borrow(), source.replicas.borrow());
                    let (desk, now) = (&source.desk, now());
                    let world = World { state: &state, conf: &conf, replicas: &replicas, desk, now, zone: &zone };
                    talk.line(world, &text)
                };
                out.say(said)?;
                match effect {
                    Effect::None
                    | Effect::NextTheme
                    | Effect::Theme(_)
                    // Of terminals inside the console, which lines of words have no place for.
                    | Effect::Inside(..)
                    | Effect::EndSession(_)
                    | Effect::EndNamed(_)
                    | Effect::OpenSession(_)
                    | Effect::Sessions => {}
                    Effect::Send(Command::Quit) => {
                        let _ = source.commands.send(Command::Quit).await;
                    }
                    Effect::Send(command) => {
                        if source.commands.try_send(command).is_err() {
                            out.say(vec!["too many commands at once; try again".to_owned()])?;
                        }
                    }
                    Effect::Desk(wanted) => source.desk.ask(&wanted),
                    Effect::Go(go) => {
                        let closes = go == Go::Close;
                        let segment = talk.model.segment(&source.state.read()).map(|(at, _)| at);
                        past.ask(&mut talk.model, go, segment);
                        if closes {
                            out.say(vec!["this is the present".to_owned()])?;
                        }
                    }
                    Effect::At(text) => {
                        past.ask_for(&mut talk.model, &source.state, &text, &zone);
                        if let Some(super::model::Dialog::Moment(_, error)) = talk.model.dialog.take() {
                            out.say(error.into_iter().collect())?;
                        }
                    }
                }
                out.say(talk.model.word.take().into_iter().collect())?;
            }
            count = events.recv_many(&mut batch, 1_024), if more_events => {
                more_events = count > 0;
                let said = {
                    let state = source.state.read();
                    let (conf, replicas) = (source.conf.borrow(), source.replicas.borrow());
                    let (desk, now) = (&source.desk, now());
                    let world = World { state: &state, conf: &conf, replicas: &replicas, desk, now, zone: &zone };
                    let told = batch.drain(..).filter_map(|delivery| match delivery {
                        Delivery::Event(event) => {
                            if event.fact.rings() {
                                terminal::ring();
                            }
                            talk.event(world, &event)
                        }
                        Delivery::Barrier(_) => None,
                    });
                    told.collect::<Vec<_>>()
                };
                out.say(said)?;
            }
            Ok(answer) = answers.recv() => match answer {
                Answer::Word(word) => out.say(vec![word])?,
                Answer::Inside(id) => out.say(source.desk.attaching(id).into_iter().collect())?,
                Answer::Terminals => {}
            },
            Ok(()) = found.changed() => {
                talk.model.found(&found.borrow_and_update());
                let said = {
                    let state = source.state.read();
                    let (conf, replicas) = (source.conf.borrow(), source.replicas.borrow());
                    let (desk, now) = (&source.desk, now());
                    talk.found(World { state: &state, conf: &conf, replicas: &replicas, desk, now, zone: &zone })
                };
                out.say(said)?;
            }
            _ = looks.tick(), if talk.model.travelling || talk.model.batch.is_some() => {
                // The state may be a moment behind the last event.
                let said = {
                    let state = source.state.read();
                    let (conf, replicas) = (source.conf.borrow(), source.replicas.borrow());
                    let (desk, now) = (&source.desk, now());
                    let world = World { state: &state, conf: &conf, replicas: &replicas, desk, now, zone: &zone };
                    talk.progress(world)
                };
                if !said.is_empty() {
                    out.say(said)?;
                }
                if talk.model.travelling && past.look(&mut talk.model) {
                    let said = {
                        let state = source.state.read();
                        let (conf, replicas) = (source.conf.borrow(), source.replicas.borrow());
                        let (desk, now) = (&source.desk, now());
                        talk.moment(World { state: &state, conf: &conf, replicas: &replicas, desk, now, zone: &zone })
                    };
                    let failed = talk.model.word.take();
                    out.say(vec![failed.unwrap_or(said)])?;
                }
            }
        }
    }
}

/// The lines of standard input, none for the end of one typed at a terminal. A thread reads them: it cannot be waited for.
fn read_lines() -> mpsc::Receiver<Option<String>> {
    let (sender, lines) = mpsc::channel(64);
    let is_terminal = io::stdin().is_terminal();
    thread::spawn(move || {
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = match io::Read::take(io::stdin().lock(), LONGEST as u64).read_until(b'\n', &mut line) {
                Ok(length) => length,
                Err(_) => return,
            };
            let came = (length > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned());
            if (came.is_none() && !is_terminal) || sender.blocking_send(came).is_err() {
                return;
            }
        }
    });
    lines
}

/// Standard output, a line at a time.
struct Out {
    /// The prompt stands at the begin of the line.
    prompted: bool,
    /// Somebody types at a terminal.
    prompts: bool,
}

impl Out {
    fn say(&mut self, lines: Vec<String>) -> io::Result<()> {
        if lines.is_empty() && (self.prompted || !self.prompts) {
            return Ok(());
        }
        let mut text = String::new();
        if std::mem::replace(&mut self.prompted, self.prompts) {
            text.push('\n');
        }
        for line in lines {
            text.push_str(&worded(&line));
            text.push('\n');
        }
        if self.prompts {
            text.push_str(PROMPT);
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        if self.prompted {
            io::stdout().lock().write_all(b"\n")?;
        }
        Ok(())
    }
}

/// Nothing that a terminal obeys, and no lines and boxes: machines log those too.
fn worded(line: &str) -> String {
    let kept = line.trim_end().chars().map(|c| match c {
        '\u{2500}'..='\u{259f}' => '-',
        c if c.is_control() => ' ',
        c => c,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_is_drawn_and_nothing_obeyed() {
        assert_eq!(super::worded("└─ ok \u{1b}[31m█ \u{9b}2J é "), "-- ok  [31m-  2J é");
    }
}
