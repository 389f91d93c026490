//! The real program, without a screen, with its events as they come.

use super::{SOON, Segment};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pxelator::event::{Event, Fact, Service};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// A running `pxelator run --headless --json`.
pub struct Program {
    child: Child,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Default)]
struct Seen {
    events: Vec<Event>,
    other: Vec<String>,
    ended: bool,
}

impl Program {
    /// Starts the program on `segment` and waits until all its servers listen.
    pub fn start(segment: &Segment) -> Program {
        Program::launch(segment, &[]).until_it_listens()
    }

    /// Waits until all its servers listen.
    pub fn until_it_listens(self) -> Program {
        for service in [Service::Dhcp, Service::Tftp, Service::Http, Service::Dns, Service::Syslog, Service::Radv] {
            self.wait(
                &format!("{service} listens"),
                |event| matches!(event.fact, Fact::ServiceStarted { service: s, .. } if s == service),
            );
        }
        self
    }

    /// Starts the program on `segment` with further words, and waits for nothing.
    pub fn launch(segment: &Segment, words: &[&str]) -> Program {
        let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
        command.current_dir(segment.folder.path()).args(["run", "--headless", "--json"]).args(words);
        Program::spawn(command)
    }

    /// Starts a command that prints events as JSON on stderr.
    pub fn spawn(mut command: Command) -> Program {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let (lines, told) = (BufReader::new(child.stderr.take().unwrap()), seen.clone());
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut seen = told.0.lock().unwrap();
                match serde_json::from_str(&line) {
                    Ok(event) => seen.events.push(event),
                    Err(_) => seen.other.push(line),
                }
                told.1.notify_all();
            }
            told.0.lock().unwrap().ended = true;
            told.1.notify_all();
        });
        Program { child, seen }
    }

    /// Waits for an event that was or will be published since the start.
    pub fn wait(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        self.wait_for(what, SOON, wanted)
    }

    /// As [`Program::wait`], for at most `patience`.
    pub fn wait_for(&self, what: &str, patience: Duration, wanted: impl Fn(&Event) -> bool) -> Event {
        self.look(0, what, patience, wanted)
    }

    /// How many events there are so far, for [`Program::wait_since`].
    pub fn mark(&self) -> usize {
        self.seen.0.lock().unwrap().events.len()
    }

    /// As [`Program::wait`], for an event after those that `mark` counts.
    pub fn wait_since(&self, mark: usize, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        self.look(mark, what, SOON, wanted)
    }

    /// The events after those that `mark` counts.
    pub fn since(&self, mark: usize) -> Vec<Event> {
        self.events().split_off(mark)
    }

    fn look(&self, mark: usize, what: &str, patience: Duration, wanted: impl Fn(&Event) -> bool) -> Event {
        let deadline = Instant::now() + patience;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            if let Some(event) = seen.events.iter().skip(mark).find(|event| wanted(event)) {
                return event.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.ended {
                let told: Vec<String> = seen.events.iter().map(|e| format!("{} {}", e.kind(), e.fact)).collect();
                let other = seen.other.join("\n");
                drop(seen);
                panic!("{what}: not seen.\nEvents:\n{}\nOther lines:\n{other}", told.join("\n"));
            }
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.seen.0.lock().unwrap().events.clone()
    }

    /// Lines of stderr that are no events.
    pub fn words(&self) -> String {
        self.seen.0.lock().unwrap().other.join("\n")
    }

    /// The most memory that the process had in use so far, in MiB.
    pub fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits for the program's end; its exit code, none where a signal ended it.
    pub fn end(&mut self) -> Option<i32> {
        super::wait_for("the program's end", SOON, || self.child.try_wait().unwrap()).code()
    }

    /// Ends the program at once, as a crash does.
    pub fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::SIGTERM);
            let deadline = Instant::now() + SOON;
            while Instant::now() < deadline {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
