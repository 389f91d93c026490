//! Opens terminals: in a window where the operator has a display, else inside the console.

use super::{
    Answer, Desk, Plan, What, programs,
    seat::Unopened,
    settings::{Settings, Terminal},
    window,
};
use crate::event::Service;
use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Child, Stdio},
    thread,
};

impl Desk {
    /// Opens terminals, on a thread of their own.
    pub(super) fn open(&self, whats: Vec<What>) {
        let desk = self.clone();
        self.on_a_thread(move || {
            let (settings, wrong) = desk.seat.settings();
            let opened = whats.iter().map(|what| desk.open_one(what, &settings)).collect::<Result<Vec<_>, _>>();
            if whats.len() > 1 && opened.is_ok() && desk.opens_inside(&settings) {
                desk.answer(Answer::Terminals);
            }
            // One line is shown, so the worst word comes last.
            let word = match (opened, wrong) {
                (Err(error), _) => error.to_string(),
                (Ok(_), Some(wrong)) => wrong.to_string(),
                (Ok(opened), None) => opened.into_iter().flatten().last().unwrap_or_default(),
            };
            if !word.is_empty() {
                desk.answer(Answer::Word(word));
            }
        });
    }

    /// The result is what is told of it where all goes well.
    fn open_one(&self, what: &What, settings: &Settings) -> Result<Option<String>, Unopened> {
        let terminal = settings.terminal.unwrap_or(match self.seat.operator.display {
            Some(_) => Terminal::Xterm,
            None => Terminal::Foot,
        });
        if self.opens_inside(settings) {
            let plan = self.plan(what)?;
            return self.open_inside(plan, what).map(|()| None);
        }
        programs::find(terminal.program())?;
        if terminal == Terminal::Tmux && std::env::var_os("TMUX").is_none() {
            let why = "the console does not run in tmux, so there is no window of it; start tmux, then pxelator in it";
            return Err(Unopened::Failed(why.to_owned()));
        }
        let mut plan = self.seat.draft(what, settings.holder)?;
        if terminal == Terminal::Tmux {
            // Its windows have the environment of its server, which may have other places for sessions.
            let places = ["SCREENDIR", "TMUX_TMPDIR"].into_iter();
            plan.attach.env.extend(places.filter_map(|name| Some((name.into(), std::env::var_os(name)?))));
        }
        let line = self.seat.operator.as_operator(window::line(terminal, &plan));
        let program = terminal.program();
        let mut command = line.command();
        let child = command.stderr(Stdio::piped()).spawn();
        let child = child.map_err(|error| Unopened::Failed(format!("{program}: {error}")))?;
        let word = format!("{} opened, logged to {}", plan.title, plan.log.display());
        let desk = self.clone();
        let holder = settings.holder;
        self.on_a_thread(move || {
            // gnome-terminal hands over to its server and tmux to its own, and end at once.
            let stays = !matches!(terminal, Terminal::GnomeTerminal | Terminal::Tmux);
            if let Some(word) = ended(child, program, &plan) {
                desk.answer(Answer::Word(word));
            } else if stays {
                let held =
                    desk.seat.sessions(holder).is_ok_and(|held| held.iter().any(|held| held.name == plan.session));
                let word =
                    if held { "its window is closed, its session goes on; t opens it again" } else { "it has ended" };
                desk.answer(Answer::Word(format!("{}: {word}", plan.title)));
            }
        });
        Ok(Some(word))
    }

    /// Terminals open inside the console: there is no display, or the operator wants it so.
    fn opens_inside(&self, settings: &Settings) -> bool {
        settings.inside || !(self.seat.operator.has_display() || settings.terminal == Some(Terminal::Tmux))
    }

    pub(super) fn on_a_thread(&self, work: impl FnOnce() + Send + 'static) {
        if let Err(error) = thread::Builder::new().name("desk".to_owned()).spawn(work) {
            self.answer(Answer::Word(format!("no thread to open it: {error}")));
        }
    }
}

/// Every service, for a terminal each.
pub fn logs() -> Vec<What> {
    Service::ALL.iter().copied().map(What::Log).collect()
}

/// Waits for a window's end. What went wrong, in the words that the program said last.
fn ended(mut child: Child, program: &str, plan: &Plan) -> Option<String> {
    let lines = child.stderr.take().map(|stderr| BufReader::new(stderr).lines().map_while(Result::ok));
    let last = lines.and_then(|lines| lines.filter(|line| !line.trim().is_empty()).last());
    let title = &plan.title;
    match child.wait() {
        Ok(status) if status.success() => None,
        // Killed: nothing is wrong with the program.
        Ok(status) if status.signal().is_some() => None,
        Ok(status) => Some(match last {
            Some(last) => format!("{title}: {program} ended: {}", last.trim()),
            None => format!("{title}: {program} ended with {status}"),
        }),
        Err(error) => Some(format!("{title}: {program}: {error}")),
    }
}
