//! `pxelator serial`: a machine's serial console in this terminal, through the socket of its virtual machine.
//! While the machine is off it waits; what is typed then goes nowhere.

use color_eyre::eyre::{Result, WrapErr};
use crossterm::{
    terminal::{disable_raw_mode, enable_raw_mode},
    tty::IsTty,
};
use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::Duration,
};

/// How often is looked whether the machine is on.
const LOOK: Duration = Duration::from_millis(200);
/// How long a machine may take nothing of what is typed.
const PATIENCE: Duration = Duration::from_secs(1);
/// Ctrl and `]`, as in telnet and virsh.
const LEAVE: u8 = 0x1d;

/// Takes the terminal's own handling of keys away until it is dropped.
struct Raw;

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

/// The connection, while there is one.
type Line = Arc<Mutex<Option<UnixStream>>>;

/// Relays until the operator leaves, or the input ends; the result is the exit code.
pub fn serial(socket: &Path) -> Result<u8> {
    let _raw = if io::stdin().is_tty() {
        enable_raw_mode().wrap_err("the terminal does not give its keys unread")?;
        Some(Raw)
    } else {
        None
    };
    let line = Line::default();
    let (leave, left) = mpsc::channel();
    let typed = line.clone();
    // It waits for a key for ever, also when the rest has ended.
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        relay_keys(&typed);
        let _ = leave.send(());
        if let Some(stream) = &*locked(&typed) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    })?;
    let mut told = false;
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => {
                say("connected; ctrl-] leaves")?;
                told = false;
                stream.set_write_timeout(Some(PATIENCE)).wrap_err("the serial console")?;
                *locked(&line) = Some(stream.try_clone().wrap_err("the serial console")?);
                // Who left before it was there has not shut it down.
                if left.try_recv() != Err(TryRecvError::Empty) {
                    return Ok(0);
                }
                let shown = show(stream);
                *locked(&line) = None;
                shown.wrap_err("this terminal")?;
            }
            Err(error) if is_off(&error) => {
                if !std::mem::replace(&mut told, true) {
                    say("waiting for the machine to be switched on; ctrl-] leaves")?;
                }
            }
            Err(error) => return Err(error).wrap_err_with(|| format!("the serial console {}", socket.display())),
        }
        match left.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(0),
        }
    }
}

fn locked(line: &Line) -> MutexGuard<'_, Option<UnixStream>> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// There is no socket, or nobody who listens any more.
fn is_off(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Keys to the machine, until the one that leaves or the input's end.
fn relay_keys(line: &Line) {
    let mut keys = [0; 1024];
    let mut input = io::stdin().lock();
    loop {
        let Ok(count @ 1..) = input.read(&mut keys) else { return };
        let typed = keys.get(..count).unwrap_or_default();
        let leaves = typed.iter().position(|key| *key == LEAVE);
        let typed = typed.get(..leaves.unwrap_or(count)).unwrap_or_default();
        // A copy, so that a machine that takes nothing does not hold the lock.
        let stream = locked(line).as_ref().and_then(|stream| stream.try_clone().ok());
        if let Some(mut stream) = stream {
            // That it is gone is seen where its output is read.
            let _ = stream.write_all(typed);
        }
        if leaves.is_some() {
            return;
        }
    }
}

/// What the machine says, until it is off. Only this terminal's faults are errors.
fn show(mut stream: UnixStream) -> io::Result<()> {
    let mut bytes = [0; 4096];
    let mut out = io::stdout().lock();
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        out.write_all(bytes.get(..count).unwrap_or_default())?;
        out.flush()?;
    }
    Ok(())
}

fn say(words: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "\r\n[serial console: {words}]\r\n")?;
    out.flush()
}
