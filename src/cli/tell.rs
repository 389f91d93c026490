//! Has it told what was done here: by the PXElator that runs, which shows and journals it, else in the journal alone.

use crate::{bus::Bus, cli::Places, command::Command, event::Event, journal::Journal, supervisor::control_socket};
use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

/// What the other gets to tell it: it first waits until it sees what conf says by now.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events that may wait for the journal.
const QUEUE: usize = 16;

/// Has it told. It was done, whether or not anybody hears of it: where nobody does, a word on stderr says so.
pub fn tell(places: &Places, event: Event) {
    if let Err(error) = to_program(places, &event).unwrap_or_else(|| to_journal(places, event)) {
        eprintln!("pxelator: it was done, and is not in the journal: {error}");
    }
}

/// None where no program runs.
fn to_program(places: &Places, event: &Event) -> Option<Result<(), String>> {
    let mut stream = UnixStream::connect(control_socket(&places.run_dir)).ok()?;
    let mut talk = || -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut line = serde_json::to_vec(&Command::Tell { event: Box::new(event.clone()) })?;
        line.push(b'\n');
        stream.write_all(&line)?;
        // Of one that is about no machine nothing comes back.
        let end = if event.machine.is_some() { ("kind", event.kind()) } else { ("taken", "tell") };
        let until = Instant::now() + PATIENCE;
        for line in BufReader::new(&stream).lines() {
            let told: serde_json::Value = serde_json::from_str(&line?)?;
            if let Some(error) = told.get("error").and_then(serde_json::Value::as_str) {
                return Err(io::Error::other(error.to_owned()));
            }
            if told.get(end.0).and_then(serde_json::Value::as_str) == Some(end.1) {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    };
    Some(talk().map_err(|error| format!("the PXElator that runs here says: {error}")))
}

fn to_journal(places: &Places, event: Event) -> Result<(), String> {
    let journal = Journal::open(&places.journal).map_err(|error| error.to_string())?;
    let bus = Bus::default();
    let queue = bus.subscribe_durable("journal", QUEUE);
    let written = journal.write(queue, bus.clone()).map_err(|error| error.to_string())?;
    bus.publish(event);
    bus.close();
    drop(bus);
    written.join().map_err(|_| "the journal's thread broke".to_owned())
}
