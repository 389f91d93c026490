//! One terminal: the program on its far side, the thread that carries bytes between the two, and how it ended.

use super::{
    emulator::Emulator,
    picture::{Row, Spot, joined, text_between},
    replies::Paper,
};
use crate::desk::{CommandLine, Plan, What};
use filedescriptor::{FileDescriptor, POLLERR, POLLHUP, POLLIN, POLLOUT, poll, pollfd};
use jiff::Timestamp;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use parking_lot::Mutex;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::{
    collections::VecDeque,
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Bytes that may wait for a program that does not read.
const WAITING: usize = 1 << 20;
/// What a program may still say after its end, and how long a client gets to leave by itself.
const LAST: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(3);
/// So much of a session's log is read for what went by before.
const LOG: u64 = 4 << 20;
/// Of the environment, what would make screen and tmux think that they are within themselves.
const OUTER: [&str; 5] = ["TMUX", "TMUX_PANE", "STY", "WINDOW", "WINDOWID"];
/// What the emulator is nearest to, as programs know it.
const TERM: &str = "xterm-256color";

/// Takes how a terminal's program ended, and returns that with what became of its session.
pub type AtEnd = Arc<dyn Fn(&Plan, &str) -> String + Send + Sync>;

/// Why a terminal was closed from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The operator did it.
    Wanted,
    /// What held its session is gone, and its client did not notice.
    Lost,
}

/// A terminal, whether its program runs or has ended.
pub struct Terminal {
    /// What it was opened by.
    pub plan: Plan,
    /// What it is for, where that is known.
    pub what: Option<What>,
    /// As which user and group it runs, where that is another.
    pub owner: Option<(u32, u32)>,
    /// Is told how it ended, and says what became of its session.
    pub at_end: AtEnd,
    /// Why it was closed from here.
    closed: Mutex<Option<Closed>>,
    /// When it was opened.
    pub since: Timestamp,
    screen: Mutex<Emulator>,
    /// Its program has said nothing yet: whether its size was changed since it began.
    unheard: Mutex<Option<bool>>,
    input: Mutex<Input>,
    master: Mutex<Option<Box<dyn MasterPty + Send>>>,
    pid: Mutex<Option<Pid>>,
    ended: Mutex<Option<String>>,
    earlier: Mutex<Vec<Arc<Row>>>,
    still: Mutex<Option<Arc<Vec<Arc<Row>>>>>,
}

struct Input {
    waiting: VecDeque<u8>,
    wake: UnixStream,
}

impl Terminal {
    /// Starts the plan's program in a terminal of `rows` by `columns`. `changed` is called when there is something new
    /// to see. Errors say what cannot be done, and why.
    pub fn open(
        plan: Plan,
        what: Option<What>,
        (rows, columns): (u16, u16),
        owner: Option<(u32, u32)>,
        at_end: AtEnd,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Arc<Terminal>, String> {
        let (rows, columns) = (rows.max(2), columns.max(2));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(|error| format!("no terminal can be had: {error:#}"))?;
        if let (Some((user, group)), Some(name)) = (owner, pair.master.tty_name()) {
            // screen opens the terminal by its name, as the user it runs as.
            std::os::unix::fs::chown(&name, Some(user), Some(group))
                .map_err(|error| format!("{} cannot be given to the user {user}: {error}", name.display()))?;
        }
        let raw = pair.master.as_raw_fd().ok_or("no terminal can be had")?;
        let mut pty = FileDescriptor::dup(&raw).map_err(|error| format!("no terminal can be had: {error}"))?;
        pty.set_non_blocking(true).map_err(|error| format!("no terminal can be had: {error}"))?;
        let (wake, woken) = UnixStream::pair().map_err(|error| format!("no terminal can be had: {error}"))?;
        let quiet = wake.set_nonblocking(true).and_then(|()| woken.set_nonblocking(true));
        quiet.map_err(|error| format!("no terminal can be had: {error}"))?;
        let held = plan.attach != plan.command;
        let program = plan.attach.words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let terminal = Arc::new(Terminal {
            since: crate::event::now(),
            screen: Mutex::new(Emulator::new(
                rows,
                columns,
                held,
                Paper { text: plan.foreground, background: plan.background },
            )),
            unheard: Mutex::new(Some(false)),
            input: Mutex::new(Input { waiting: VecDeque::new(), wake }),
            master: Mutex::new(Some(pair.master)),
            pid: Mutex::default(),
            ended: Mutex::default(),
            earlier: Mutex::new(if held { logged(&plan.log, rows, columns) } else { Vec::new() }),
            still: Mutex::default(),
            plan,
            what,
            owner,
            at_end,
            closed: Mutex::default(),
        });
        let mut child = pair
            .slave
            .spawn_command(builder(&terminal.plan.attach))
            .map_err(|error| format!("{program} cannot be started: {error:#}"))?;
        // The far side is the program's alone: its end is to be seen.
        drop(pair.slave);
        *terminal.pid.lock() = child.process_id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
        let (carried, waited) = (terminal.clone(), terminal.clone());
        let changed = Arc::new(changed);
        let told = changed.clone();
        let carrier = thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            carried.carry(pty, woken, &*told);
        });
        let carrier = carrier.map_err(|error| format!("no thread can be had: {error}"))?;
        let waiter = thread::Builder::new().name("terminal's end".to_owned()).spawn(move || {
            let status = child.wait();
            *waited.pid.lock() = None;
            // The thread that carries is to take what is left, and go.
            let _ = waited.input.lock().wake.shutdown(std::net::Shutdown::Both);
            let _ = carrier.join();
            // Whatever still has the far side open hears that there is nobody any more.
            waited.master.lock().take();
            let closed = *waited.closed.lock();
            let how = match status {
                _ if closed == Some(Closed::Lost) => "screen or tmux was killed".to_owned(),
                Ok(status) if status.signal().is_some() => format!("was ended: {}", status.signal().unwrap_or("?")),
                Ok(status) if status.success() => "ended".to_owned(),
                Ok(status) => format!("ended with exit code {}", status.exit_code()),
                Err(error) => format!("ended: {error}"),
            };
            let how = if closed == Some(Closed::Wanted) { how } else { (waited.at_end)(&waited.plan, &how) };
            *waited.ended.lock() = Some(how);
            changed();
        });
        waiter.map_err(|error| format!("no thread can be had: {error}"))?;
        Ok(terminal)
    }

    /// Carries bytes both ways until the program ends.
    fn carry(&self, mut pty: FileDescriptor, mut woken: UnixStream, changed: &(dyn Fn() + Sync)) {
        let mut buffer = vec![0; 1 << 16];
        let mut ending = None;
        loop {
            // What others still say on that terminal is not waited for.
            if ending.is_some_and(|since: Instant| since.elapsed() > 4 * LAST) {
                return;
            }
            let was_ending = ending.is_some();
            let wants = if self.input.lock().waiting.is_empty() { POLLIN } else { POLLIN | POLLOUT };
            let mut waits = [
                pollfd { fd: pty.as_raw_fd(), events: wants, revents: 0 },
                pollfd { fd: woken.as_raw_fd(), events: POLLIN, revents: 0 },
            ];
            let seen = if was_ending { poll(&mut waits[..1], Some(LAST)) } else { poll(&mut waits, None) };
            if seen.is_err() || (was_ending && seen.is_ok_and(|count| count == 0)) {
                return;
            }
            if waits[1].revents != 0 && matches!(woken.read(&mut buffer), Ok(0) | Err(_)) {
                ending.get_or_insert_with(Instant::now);
            }
            if waits[0].revents & (POLLIN | POLLHUP | POLLERR) != 0 {
                match pty.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(count) => {
                        self.take(&buffer[..count]);
                        changed();
                    }
                    Err(error) if would_block(&error) => {}
                    Err(_) => return,
                }
            }
            if waits[0].revents & POLLOUT != 0 && !was_ending {
                let mut input = self.input.lock();
                let (first, _) = input.waiting.as_slices();
                match pty.write(first) {
                    Ok(count) => drop(input.waiting.drain(..count)),
                    Err(error) if would_block(&error) => {}
                    Err(_) => return,
                }
            }
        }
    }

    fn take(&self, bytes: &[u8]) {
        let mut screen = self.screen.lock();
        let sound = screen.process(bytes);
        let out = std::mem::take(&mut screen.replies().out);
        let (rows, columns) = screen.screen().size();
        drop(screen);
        if !out.is_empty() {
            self.send(&out);
        }
        // A signal that comes before screen is ready for it is lost, and the size stays another for good.
        let missed = self.unheard.lock().take() == Some(true);
        if missed || !sound {
            // Two changes of size make the program draw anew.
            self.tell_size(rows, columns.saturating_sub(1).max(2));
            self.tell_size(rows, columns);
        }
    }

    /// Sends bytes to the program. False where it does not read what it was sent before.
    pub fn send(&self, bytes: &[u8]) -> bool {
        let mut input = self.input.lock();
        if input.waiting.len() + bytes.len() > WAITING {
            return false;
        }
        input.waiting.extend(bytes);
        // A full pipe wakes just as well, and one that is shut has nobody behind it.
        let _ = input.wake.write(&[1]);
        true
    }

    /// Gives it another size. True where it is another.
    pub fn resize(&self, rows: u16, columns: u16) -> bool {
        let (rows, columns) = (rows.max(2), columns.max(2));
        let mut screen = self.screen.lock();
        if screen.screen().size() == (rows, columns) {
            return false;
        }
        screen.resize(rows, columns);
        drop(screen);
        if let Some(changed) = &mut *self.unheard.lock() {
            *changed = true;
        }
        self.tell_size(rows, columns);
        true
    }

    fn tell_size(&self, rows: u16, cols: u16) {
        if let Some(master) = &*self.master.lock() {
            // A program that just ended need not know.
            let _ = master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 });
        }
    }

    /// Looks at what is shown.
    pub fn look<T>(&self, look: impl FnOnce(&mut Emulator) -> T) -> T {
        look(&mut self.screen.lock())
    }

    /// How its program ended; none while it runs.
    pub fn ended(&self) -> Option<String> {
        self.ended.lock().clone()
    }

    /// Hangs up: what holds the session detaches, and the session goes on. One that does not hear it is ended.
    pub fn hang_up(self: &Arc<Terminal>, why: Closed) {
        *self.closed.lock() = Some(why);
        let Some(pid) = *self.pid.lock() else { return };
        let _ = kill(pid, Signal::SIGHUP);
        let stubborn = self.clone();
        let _ = thread::Builder::new().name("terminal's end".to_owned()).spawn(move || {
            thread::sleep(PATIENCE);
            if let Some(pid) = *stubborn.pid.lock() {
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
    }

    /// Keeps what is there now as it is, with all that went by before, for looking back.
    pub fn freeze(&self) {
        let screen = self.screen.lock();
        let (rows, columns) = screen.screen().size();
        let (page, all) = (usize::from(rows), screen.rows());
        drop(screen);
        let still = if self.skips() {
            let shown = all.len().saturating_sub(page);
            joined(&logged(&self.plan.log, rows, columns), &all[shown..], page)
        } else {
            joined(&self.earlier.lock(), &all, page)
        };
        *self.still.lock() = Some(Arc::new(still));
    }

    /// tmux draws the last of many lines and skips the others: only the log has them all.
    fn skips(&self) -> bool {
        self.plan.attach != self.plan.command && self.plan.attach.words.iter().any(|word| word == "tmux")
    }

    /// Forgets what was kept.
    pub fn thaw(&self) {
        *self.still.lock() = None;
    }

    /// What was kept.
    pub fn still(&self) -> Option<Arc<Vec<Arc<Row>>>> {
        self.still.lock().clone()
    }

    /// The text between two places of what was kept.
    pub fn text(&self, one: Spot, other: Spot) -> String {
        self.still().map(|rows| text_between(&rows, one, other)).unwrap_or_default()
    }
}

fn would_block(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn builder(line: &CommandLine) -> CommandBuilder {
    let mut command = CommandBuilder::from_argv(line.words.clone());
    OUTER.iter().for_each(|name| command.env_remove(name));
    command.env("TERM", TERM);
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
        // What is drawn is UTF-8, whatever the console's own terminal shows.
        match std::env::var(name).ok().filter(|value| !value.is_empty()) {
            Some(value) if value.to_uppercase().contains("UTF-8") || value.to_uppercase().contains("UTF8") => break,
            Some(_) => {
                command.env(name, "C.UTF-8");
                break;
            }
            None if name == "LANG" => command.env("LC_CTYPE", "C.UTF-8"),
            None => {}
        }
    }
    line.env.iter().for_each(|(name, value)| command.env(name, value));
    if let Some(folder) = line.folder.clone().or_else(|| std::env::current_dir().ok()) {
        command.cwd(folder);
    }
    command
}

/// What a session's log has, as it stood on the screen.
fn logged(log: &Path, rows: u16, columns: u16) -> Vec<Arc<Row>> {
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG)))?;
        let mut bytes = Vec::new();
        file.take(LOG).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    // A session that never ran has no log.
    let Ok(bytes) = tail() else { return Vec::new() };
    let mut emulator = Emulator::new(rows, columns, false, Paper::default());
    emulator.process(&bytes);
    // A program that had the whole screen when this ended is no line of the past.
    emulator.process(b"\x1b[?1049l");
    emulator.rows()
}
