//! The door for the command line: a socket in the run folder, by which a running program takes commands and tells what comes
//! of them. Lines of JSON: a [`Command`] comes in, `{"taken":"power"}` and events of its machines go out, until the client
//! closes. A line that makes no sense is answered by `{"error":…}`.

use super::segments::Shared;
use crate::{
    command::{Command, Interest},
    event::{Event, Fact, Service},
};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::socket::UnixAddr,
};
use serde_json::json;
use std::{
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    sync::{Semaphore, broadcast, mpsc},
    task::JoinSet,
    time::timeout,
};

/// The socket's name in the run folder.
pub const SOCKET: &str = "control";
/// Clients at the same time.
const CLIENTS: usize = 64;
/// The longest line that is read: some thousand machines.
const LONGEST: u64 = 256 << 10;
/// What a client gets to take a line.
const PATIENCE: Duration = Duration::from_secs(10);
/// A folder that cannot be used is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// What a line is to be.
const EXPECTED: &str = "a command as {\"power\":{\"machines\":[[\"10.77.0.1\",\"10.77.0.60\"]],\"action\":\"on\",\
    \"stagger\":{\"secs\":0,\"nanos\":0},\"by\":\"operator\"}}, {\"look\":{\"machines\":[…]}}, {\"alarms\":{\"machines\":[…]}}, \
    {\"examine\":{\"machine\":[…]}}, {\"trust\":{…}}, {\"skip\":{…}}, {\"arm\":{…}}, {\"adopt\":{…}}, {\"tell\":{…}} or {\"fetch\":{\"profile\":\"debian\"}}";

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("{} is the socket of another PXElator{process}", path.display())]
    Taken { path: PathBuf, process: String },
    #[error("{} is too long for the path of a socket", .0.display())]
    Long(PathBuf),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl Closed {
    fn next_step(&self) -> &'static str {
        match self {
            Closed::Taken { .. } => "end the other, or name another folder with --run-dir",
            Closed::Long(_) => "name another folder with --run-dir",
            Closed::Io { .. } => "see that the folder of --run-dir can be written",
        }
    }
}

/// An open door; nobody else opens one there while it is.
struct Door {
    listener: UnixListener,
    path: PathBuf,
    _lock: Flock<File>,
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes clients until shutdown.
pub async fn serve(shared: Shared, commands: mpsc::Sender<Command>) {
    let mut told = None;
    let door = loop {
        match open(&shared) {
            Ok(door) => break door,
            Err(closed) => {
                let error = closed.to_string();
                if told.as_ref() != Some(&error) {
                    let (service, next_step) = (Service::Program, closed.next_step().to_owned());
                    let retry = u64::try_from(AGAIN.as_millis()).unwrap_or(0);
                    let fact = Fact::ServiceFailed { service, error: error.clone(), next_step, retry };
                    shared.bus.publish(Event::new(None, fact));
                    told = Some(error);
                }
            }
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    };
    let started = Fact::ServiceStarted { service: Service::Program, address: door.path.display().to_string() };
    shared.bus.publish(Event::new(None, started));
    let room = Arc::new(Semaphore::new(CLIENTS));
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(_) = clients.join_next() => {}
            client = door.listener.accept() => {
                let Ok((stream, _)) = client else {
                    // Out of files, mostly: some will close.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (shared, commands, place) = (shared.clone(), commands.clone(), room.clone().try_acquire_owned());
                clients.spawn(async move {
                    let refused = match &place {
                        Err(_) => Some(format!("{CLIENTS} others ask already; try again when one of them has ended")),
                        Ok(_) => stranger(&shared, &stream),
                    };
                    let _ = talk(shared, stream, commands, refused).await;
                    drop(place);
                });
            }
        }
    }
}

/// Opens the door. What an earlier run left is replaced.
fn open(shared: &Shared) -> Result<Door, Closed> {
    let folder = &shared.options.run;
    let (path, new) = (folder.join(SOCKET), folder.join(".control.new"));
    if let Err(Errno::ENAMETOOLONG) = UnixAddr::new(&new) {
        return Err(Closed::Long(path));
    }
    let failed = |source| Closed::Io { path: path.clone(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let file = folder.join("control.lock");
    let lock = File::options().create(true).read(true).write(true).truncate(false).open(&file).map_err(failed)?;
    let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| {
        let process = fs::read_to_string(&file).unwrap_or_default();
        let process = if process.is_empty() { process } else { format!(" (process {})", process.trim()) };
        match error {
            Errno::EWOULDBLOCK => Closed::Taken { path: path.clone(), process },
            other => failed(other.into()),
        }
    })?;
    // Only who is told of it by an error needs to know.
    let _ = fs::write(&file, format!("{}\n", std::process::id()));
    let _ = fs::remove_file(&new);
    let listener = UnixListener::bind(&new).map_err(failed)?;
    let ready = || {
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
        if let Some((user, group)) = shared.desk.operator().owner() {
            std::os::unix::fs::lchown(&new, Some(user), Some(group))?;
        }
        fs::rename(&new, &path)
    };
    ready().map_err(failed)?;
    Ok(Door { listener, path, _lock: lock })
}

/// Why this client may not ask, if so.
fn stranger(shared: &Shared, stream: &UnixStream) -> Option<String> {
    let account = &shared.desk.operator().account;
    match stream.peer_cred() {
        Ok(peer) if [0, nix::unistd::geteuid().as_raw(), account.uid].contains(&peer.uid()) => None,
        Ok(_) if account.uid == 0 => Some("only root may ask".to_owned()),
        Ok(_) => Some(format!("only {} and root may ask", account.name)),
        Err(error) => Some(format!("who asks is not known: {error}")),
    }
}

/// What a client has asked about, and how it is written to.
struct Client {
    out: OwnedWriteHalf,
    interest: Interest,
}

impl Client {
    async fn say(&mut self, line: &impl serde::Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        timeout(PATIENCE, self.out.write_all(&line)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// Talks with one client to its end.
async fn talk(
    shared: Shared,
    stream: UnixStream,
    commands: mpsc::Sender<Command>,
    refused: Option<String>,
) -> io::Result<()> {
    let (lines, out) = stream.into_split();
    let (mut lines, mut client) = (BufReader::new(lines), Client { out, interest: Interest::default() });
    if let Some(error) = refused {
        return client.say(&json!({ "error": error })).await;
    }
    let about = json!({ "version": env!("CARGO_PKG_VERSION"), "process": std::process::id() });
    client.say(&json!({ "program": about })).await?;
    let mut events = shared.events.subscribe();
    let mut line = Vec::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return client.say(&json!({ "error": "the program ends" })).await,
            event = events.recv() => match event {
                Ok(event) if client.interest.wants(&event) => client.say(&*event).await?,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => client.say(&json!({ "missed": missed })).await?,
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            },
            read = read_line(&mut lines, &mut line) => {
                if !read? {
                    return Ok(());
                }
                let taken = match command(&line) {
                    Ok(command) => {
                        if client.interest.is_empty() {
                            // Those of before it have nothing to do with it.
                            events = events.resubscribe();
                        }
                        client.interest.note(&command);
                        let name = command.name();
                        commands.send(command).await.map_err(io::Error::other)?;
                        json!({ "taken": name })
                    }
                    Err(error) => json!({ "error": error }),
                };
                line.clear();
                client.say(&taken).await?;
            }
        }
    }
}

/// Reads on to the end of a line; false where there is none any more. May be dropped and called again.
async fn read_line(lines: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let bytes = lines.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |at| at + 1);
        // Of a line that is too long enough is kept to know it.
        if (line.len() as u64) <= LONGEST {
            line.extend_from_slice(&bytes[..taken]);
        }
        lines.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// The command of a line, or what was expected.
fn command(line: &[u8]) -> Result<Command, String> {
    if line.len() as u64 > LONGEST {
        return Err(format!("a line of at most {LONGEST} bytes was expected"));
    }
    let wanted = serde_json::from_slice(line).map_err(|error| format!("{EXPECTED} was expected: {error}"))?;
    match wanted {
        Command::Find { .. } | Command::Quit => Err(format!("{EXPECTED} was expected")),
        // The rest happens here, and is told by who sees it.
        Command::Tell { event } if !matches!(event.service(), Service::Vm | Service::Nfs | Service::Track) => {
            Err(format!("an event of virtual machines or of the record of files was expected, not {}", event.kind()))
        }
        command => Ok(command),
    }
}

/// Where the door of a program is that has this run folder.
pub fn path(run: &Path) -> PathBuf {
    run.join(SOCKET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let power = br#"{"power":{"machines":[["10.77.0.1","10.77.0.60"]],"action":"on","stagger":{"secs":0,"nanos":0},"by":"operator"}}"#;
        assert_eq!(command(power).map(|command| command.machines().len()), Ok(1));
        for (line, told) in [
            (&b"on web1"[..], "a command as {\"power\""),
            (b"{\"power\":{\"machines\":[]}}", "was expected: missing field `action`"),
            (b"\"quit\"", "a command as {\"power\""),
            (&[b' '; 300 << 10], "at most 262144 bytes"),
        ] {
            let error = command(line).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_not_kept() {
        let mut line = Vec::new();
        let bytes = [vec![b'x'; 1 << 20], b"\n{}\n".to_vec()].concat();
        let mut lines = BufReader::new(&bytes[..]);
        assert!(read_line(&mut lines, &mut line).await.unwrap());
        assert!(line.len() < 300 << 10 && command(&line).is_err());
        line.clear();
        assert!(read_line(&mut lines, &mut line).await.unwrap());
        assert_eq!(line, b"{}\n");
        assert!(!read_line(&mut lines, &mut line).await.unwrap());
    }
}
