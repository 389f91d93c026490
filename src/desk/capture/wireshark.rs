//! Packets in Wireshark: live ones through a pipe, so that it needs no privileges; those of a file from the file.

use super::{
    Packets,
    feed::Feed,
    live::{Came, Live},
};
use crate::{
    desk::{Answer, CommandLine, Desk, Plan, programs, seat::Unopened},
    packet::pcapng::Writer,
};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::{
    env,
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader},
    os::unix::fs::{OpenOptionsExt, fchown},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Bytes that are written at once; fewer wait for this long.
const CHUNK: usize = 16 << 10;
const SOON: Duration = Duration::from_millis(50);
/// How often it is looked whether a file is still read.
const LONG: Duration = Duration::from_millis(500);
/// What the pipe has room for.
const PIPE: i32 = 1 << 20;

impl Desk {
    /// Shows packets in a window, on a thread of its own.
    pub(in crate::desk) fn open_wireshark(&self, packets: Packets) {
        let desk = self.clone();
        self.on_a_thread(move || {
            let shown = match &packets {
                Packets::Live { .. } => desk.feed_wireshark(&packets),
                Packets::Recorded { file } => desk.read_in_wireshark(file, "recorded boot"),
            };
            if let Err(error) = shown {
                desk.answer(Answer::Word(error.to_string()));
            }
        });
    }

    /// Opens the packets that the console has kept so far: in Wireshark, else in a terminal inside the console.
    pub(in crate::desk) fn open_kept(&self) {
        let Some(pane) = self.captures.pane() else { return };
        let desk = self.clone();
        self.on_a_thread(move || {
            let opened = match &pane.packets {
                Packets::Recorded { file } => desk.open_file(file, false),
                Packets::Live { .. } => desk.write(&pane).and_then(|file| desk.open_file(&file, true)),
            };
            if let Err(error) = opened {
                desk.answer(Answer::Word(error.to_string()));
            }
        });
    }

    fn open_file(&self, file: &Path, temporary: bool) -> Result<(), Unopened> {
        let shown = match self.has_windows() {
            true => self.read_in_wireshark(file, "kept packets"),
            false => self.read_inside(file),
        };
        if temporary {
            let _ = fs::remove_file(file);
        }
        shown
    }

    /// Until the terminal inside the console is closed.
    fn read_inside(&self, file: &Path) -> Result<(), Unopened> {
        let reader = ["termshark", "tshark"].into_iter().find(|program| programs::find(program).is_ok());
        let Some(reader) = reader else {
            let none = "neither termshark nor tshark is installed: apt install termshark";
            return Err(Unopened::Failed(none.to_owned()));
        };
        let line = CommandLine::new([OsString::from(reader), "-r".into(), file.into()]);
        let plan = Plan {
            session: format!("{reader} {}", file.display()),
            title: format!("packets in {reader}"),
            background: (0, 0, 0),
            foreground: (0xd0, 0xd0, 0xd0),
            command: line.clone(),
            log: PathBuf::from("/dev/null"),
            attach: self.seat.operator.as_operator(line),
        };
        let at_end = Arc::new(|_: &Plan, how: &str| how.to_owned());
        let id = self.terminals.open(plan, None, self.seat.operator.owner(), at_end).map_err(Unopened::Failed)?;
        self.answer(Answer::Inside(id));
        while self.terminals.get(id).is_some_and(|terminal| terminal.ended().is_none()) {
            thread::sleep(LONG);
        }
        Ok(())
    }

    /// Writes the packets to a file that the operator can read and nobody else.
    fn write(&self, pane: &super::Pane) -> Result<PathBuf, Unopened> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("pxelator-packets-{}-{}.pcapng", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
            if let Some((uid, gid)) = self.seat.operator.owner() {
                fchown(&file, Some(uid), Some(gid))?;
            }
            let mut writer = Writer::begin(&mut file, "packets", "packets that the console has kept")?;
            for frame in pane.frames() {
                writer.packet(&frame)?;
            }
            writer.flush().map(drop)
        });
        let failed = |error| Unopened::Failed(format!("{}: {error}; TMPDIR names another folder", path.display()));
        written.map_err(failed).map(|()| path)
    }

    /// Until the window is closed.
    fn read_in_wireshark(&self, file: &Path, title: &str) -> Result<(), Unopened> {
        let words = ["-r".into(), file.into(), "-o".into(), format!("gui.window_title:PXElator {title}").into()];
        let mut child = self.wireshark(words.to_vec(), Stdio::null())?;
        self.answer(Answer::Word(format!("{} in Wireshark", file.display())));
        let said = last_words(&mut child);
        if let Ok(status) = child.wait()
            && !status.success()
        {
            return Err(Unopened::Failed(format!("wireshark ended with {status}: {}", said())));
        }
        Ok(())
    }

    /// Until the window is closed, or the interface is gone.
    fn feed_wireshark(&self, packets: &Packets) -> Result<(), Unopened> {
        let Packets::Live { interface, machine, boot } = packets else { return Ok(()) };
        programs::find("wireshark")?;
        let mut live = Live::open(interface, *machine, *boot).map_err(Unopened::Failed)?;
        let of = machine.map(|mac| self.seat.name_of(mac).unwrap_or_else(|| mac.to_string()));
        let of = [of.as_deref(), boot.then_some("boot")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let title = format!("{interface} {of}").trim().to_owned();
        let words = ["-k", "-i", "-", "-o"].map(OsString::from).to_vec();
        let words = words.into_iter().chain([OsString::from(format!("gui.window_title:PXElator {title}"))]).collect();
        let mut child = self.wireshark(words, Stdio::piped())?;
        let said = last_words(&mut child);
        let Some(stdin) = child.stdin.take() else { return Ok(()) };
        let unready = |error: io::Error| Unopened::Failed(format!("a pipe to wireshark: {error}"));
        let pipe = ready(stdin).map_err(|error| unready(error.into()))?;
        let mut feed = Feed::new(pipe, interface, &title).map_err(unready)?;
        self.answer(Answer::Word(format!("{title} in Wireshark")));
        let mut lost = 0;
        let why = pass(&mut live, &mut feed, &mut child, &mut lost);
        if let Some(why) = why {
            self.answer(Answer::Word(format!("{why}; Wireshark keeps what it has")));
            // What waits is still its; the end of the pipe is the end of its capture.
            while feed.waiting() > 0 && feed.flush().is_ok() && matches!(child.try_wait(), Ok(None)) {
                thread::sleep(SOON);
            }
        }
        let (passed, dropped) = (feed.passed, feed.dropped + lost);
        drop((feed, live));
        let status = child.wait();
        let word = match status {
            Ok(status) if status.code().is_some_and(|code| code != 0) => {
                format!("{title}: wireshark ended with {status}: {}", said())
            }
            _ if dropped > 0 => format!("{title}: Wireshark is closed; {passed} packets, {dropped} more came too fast"),
            _ => format!("{title}: Wireshark is closed; {passed} packets"),
        };
        self.answer(Answer::Word(word));
        Ok(())
    }

    fn wireshark(&self, words: Vec<OsString>, stdin: Stdio) -> Result<Child, Unopened> {
        programs::find("wireshark")?;
        let line = CommandLine::new([OsString::from("wireshark")].into_iter().chain(words));
        let mut command = self.seat.operator.as_operator(line).command();
        let child = command.stdin(stdin).stderr(Stdio::piped()).spawn();
        child.map_err(|error| Unopened::Failed(format!("wireshark: {error}")))
    }
}

/// Passes packets on; the result is why there are no more, or none where the window was closed.
fn pass(live: &mut Live, feed: &mut Feed<ChildStdin>, child: &mut Child, lost: &mut u64) -> Option<String> {
    let mut flushed = Instant::now();
    loop {
        match live.wait() {
            Ok(Came::Packet(frame)) => feed.add(&frame),
            Ok(Came::Pause(so_far)) => {
                *lost = so_far;
                if !matches!(child.try_wait(), Ok(None)) {
                    return None;
                }
            }
            Err(why) => return Some(why),
        }
        if feed.waiting() > CHUNK || flushed.elapsed() > SOON {
            flushed = Instant::now();
            if feed.flush().is_err() {
                return None;
            }
        }
    }
}

/// A pipe that is not waited for.
fn ready(stdin: ChildStdin) -> nix::Result<ChildStdin> {
    // Without more room it is only slower.
    let _ = fcntl(&stdin, FcntlArg::F_SETPIPE_SZ(PIPE));
    fcntl(&stdin, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(stdin)
}

/// Reads what a program says, so that it never waits to be heard; the last line of it, once it has ended.
fn last_words(child: &mut Child) -> impl FnOnce() -> String + use<> {
    let stderr = child.stderr.take();
    let reading = thread::spawn(move || {
        let lines = stderr.map(|stderr| BufReader::new(stderr).lines().map_while(Result::ok));
        lines.and_then(|lines| lines.filter(|line| !line.trim().is_empty()).last())
    });
    move || reading.join().ok().flatten().unwrap_or_else(|| "without a word".to_owned())
}
