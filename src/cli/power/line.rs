//! The line to who does it: the PXElator that runs here, by its socket, or a part of it in this process.

use super::Stopped;
use crate::{
    bus::{Bus, Delivery},
    cli::remote::{self, RemoteLine},
    command::Command,
    event::Event,
    supervisor::{Alone, Options, alone, control_socket},
};
use std::{io, path::Path, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// The events that wait here.
const QUEUE: usize = 1 << 14;

/// An open line.
pub enum Line {
    /// To a program.
    Program {
        /// What it tells.
        told: Lines<BufReader<OwnedReadHalf>>,
        /// Where it is asked.
        ask: OwnedWriteHalf,
    },
    /// To the program of another host.
    Remote(Box<RemoteLine>),
    /// To this process.
    Alone {
        /// What it tells.
        told: mpsc::Receiver<Delivery>,
        /// What works.
        works: Box<Alone>,
    },
}

/// What is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// Something happened.
    Event(Arc<Event>),
    /// The command was taken.
    Taken,
    /// So many events were missed.
    Missed(u64),
}

impl Line {
    /// A line to the program of this run folder, else to this process.
    pub async fn open(options: &Options) -> Result<Line, Stopped> {
        if let Some(line) = Line::to_program(options).await? {
            return Ok(line);
        }
        let path = control_socket(&options.run);
        let bus = Bus::default();
        let told = bus.subscribe("command line", QUEUE);
        match alone(options.clone(), bus) {
            Ok(works) => Ok(Line::Alone { told, works: Box::new(works) }),
            Err(error) => Err(Stopped::Nobody(format!(
                "no PXElator runs here ({} is silent), and alone it cannot be done: {}",
                path.display(),
                color_eyre::eyre::Report::from(error)
            ))),
        }
    }

    /// A line to the program of this run folder; none where nobody is there.
    pub async fn to_program(options: &Options) -> Result<Option<Line>, Stopped> {
        if let Some(remote) = remote::chosen() {
            return Ok(Some(Line::Remote(Box::new(RemoteLine::open(remote).await?))));
        }
        let path = control_socket(&options.run);
        match UnixStream::connect(&path).await {
            Ok(stream) => Line::to(stream, &path).await.map(Some),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(Stopped::Nobody(format!(
                "{} belongs to another user: ask as who started that PXElator, or as root",
                path.display()
            ))),
            // Nobody is there, or only what an earlier run left, or the path is no socket's.
            Err(_) => Ok(None),
        }
    }

    async fn to(stream: UnixStream, path: &Path) -> Result<Line, Stopped> {
        let (told, ask) = stream.into_split();
        let mut line = Line::Program { told: BufReader::new(told).lines(), ask };
        let hello = line.read().await?;
        if hello.get("program").is_none() {
            return Err(Stopped::Nobody(format!("{} is no PXElator's socket: it says {hello}", path.display())));
        }
        Ok(line)
    }

    /// Nobody serves: what a machine that boots asks for is not given, and nothing of it is heard.
    pub fn is_alone(&self) -> bool {
        matches!(self, Line::Alone { .. })
    }

    /// Sends a command.
    pub async fn send(&mut self, command: Command) -> Result<(), Stopped> {
        match self {
            Line::Program { ask, .. } => {
                let mut line = serde_json::to_vec(&command).map_err(|error| Stopped::Broken(error.to_string()))?;
                line.push(b'\n');
                ask.write_all(&line).await.map_err(|error| broken(&error))
            }
            Line::Remote(line) => line.send(&command).await,
            Line::Alone { works, .. } => {
                works.commands.send(command).await.map_err(|_| Stopped::Broken("it ended".to_owned()))
            }
        }
    }

    async fn read(&mut self) -> Result<serde_json::Value, Stopped> {
        let told = match self {
            Line::Program { told, .. } => told,
            Line::Remote(line) => return line.read().await,
            Line::Alone { .. } => return Err(Stopped::Broken("it tells nothing".to_owned())),
        };
        let line = told.next_line().await.map_err(|error| broken(&error))?;
        let line = line.ok_or_else(|| Stopped::Broken("the PXElator that was asked ended".to_owned()))?;
        let value: serde_json::Value = serde_json::from_str(&line)
            .map_err(|error| Stopped::Broken(format!("the PXElator that was asked says {line:?}: {error}")))?;
        match value.get("error").and_then(serde_json::Value::as_str) {
            Some(error) => Err(Stopped::Nobody(format!("the PXElator that runs here says: {error}"))),
            None => Ok(value),
        }
    }

    /// The first event before `until` that has an answer in it; none where none came.
    pub async fn answer<T>(
        &mut self,
        until: Instant,
        answer: impl Fn(&Event) -> Option<T>,
    ) -> Result<Option<T>, Stopped> {
        while let Ok(told) = timeout_at(until, self.next()).await {
            if let Told::Event(event) = told?
                && let Some(answer) = answer(&event)
            {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// The next that is told. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Told, Stopped> {
        if let Line::Alone { told, .. } = self {
            return loop {
                match told.recv().await {
                    Some(Delivery::Event(event)) => break Ok(Told::Event(event)),
                    Some(Delivery::Barrier(_)) => {}
                    None => break Err(Stopped::Broken("it ended".to_owned())),
                }
            };
        }
        let value = self.read().await?;
        if value.get("taken").is_some() {
            return Ok(Told::Taken);
        }
        if let Some(missed) = value.get("missed").and_then(serde_json::Value::as_u64) {
            return Ok(Told::Missed(missed));
        }
        let event = serde_json::from_value(value)
            .map_err(|error| Stopped::Broken(format!("the PXElator that was asked is of another version: {error}")))?;
        Ok(Told::Event(Arc::new(event)))
    }

    /// Closes it; what was done is in the journal then.
    pub async fn close(self) {
        if let Line::Alone { works, .. } = self {
            works.stop().await;
        }
    }
}

fn broken(error: &io::Error) -> Stopped {
    Stopped::Broken(format!("the PXElator that was asked is gone: {error}"))
}
