//! The ssh(1) command line to a machine, and commands run by it.

use super::{ReachError, Result};
use crate::conf::{Machine, Segment, Ssh};
use std::{
    ffi::OsString,
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::Command,
};

/// What a machine gets to answer at all.
const CONNECT: Duration = Duration::from_secs(10);
/// A line of output beyond this is cut.
const LONGEST: usize = 64 << 10;
/// What ssh says with this exit code is of the connection.
const OF_SSH: i32 = 255;

/// How a machine, or a container of it, is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The machine's segment and address.
    pub place: (Ipv4Addr, Ipv4Addr),
    /// The machine's name.
    pub hostname: String,
    /// The container, where it is one.
    pub container: Option<String>,
    /// How ssh is called.
    pub ssh: Ssh,
    /// The machine's public keys; without them who ssh itself knows.
    pub keys: Vec<String>,
    /// Words before each command, in a container that is reached by its machine.
    pub exec: Vec<String>,
    /// The program's run folder: sockets of shared connections, files of known hosts.
    pub run: PathBuf,
    /// Words before ssh itself, so that it runs as the operator; see `desk::Operator`.
    pub through: Vec<OsString>,
}

/// A line that a command printed, made of text as well as it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Without its end.
    pub text: String,
    /// On standard error.
    pub error: bool,
}

/// How a command ended that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
}

impl Reach {
    /// The way to a machine of conf, or to this container of it; none where it has no such container.
    pub fn of(
        (segment, machine): (&Segment, &Machine),
        container: Option<&str>,
        run: &Path,
        through: &[OsString],
    ) -> Option<Reach> {
        let within = match container {
            Some(name) => Some(machine.containers.get(name)?),
            None => None,
        };
        let own = within.and_then(|container| container.ssh.clone());
        Some(Reach {
            place: (segment.server, machine.address),
            hostname: machine.hostname.clone(),
            container: container.map(ToOwned::to_owned),
            // A container with an ssh of its own has keys of its own: ssh itself knows them.
            keys: if own.is_some() { Vec::new() } else { machine.keys.clone() },
            ssh: own.unwrap_or_else(|| segment.ssh_of(machine)),
            exec: within.map(|container| container.exec.clone()).unwrap_or_default(),
            run: run.to_owned(),
            through: through.to_vec(),
        })
    }

    /// Its folder in the record: `web1`, `db@web1`.
    pub fn host(&self) -> String {
        match &self.container {
            Some(container) => format!("{container}@{}", self.hostname),
            None => self.hostname.clone(),
        }
    }

    /// The words of ssh up to the machine's address, that included. Makes the file of known hosts where keys are pinned.
    pub fn words(&self) -> io::Result<Vec<OsString>> {
        let mut words = self.through.clone();
        let mut say = |text: &str| words.push(text.into());
        ["ssh", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ServerAliveInterval=15"]
            .into_iter()
            .for_each(&mut say);
        say("-o");
        say(&format!("ConnectTimeout={}", CONNECT.as_secs()));
        if !self.keys.is_empty() {
            say("-o");
            say(&format!("UserKnownHostsFile={}", self.known_hosts()?.display()));
            say("-o");
            say(&format!("HostKeyAlias={}", self.alias()));
        }
        for (option, value) in [
            ("-l", self.ssh.user.clone().or_else(|| Some("root".to_owned()))),
            ("-p", self.ssh.port.map(|port| port.to_string())),
            ("-J", self.ssh.jump.clone()),
            ("-i", self.ssh.identity.clone()),
        ] {
            if let Some(value) = value {
                say(option);
                say(&value);
            }
        }
        say(&self.address());
        Ok(words)
    }

    /// Where ssh connects to.
    pub fn address(&self) -> String {
        self.ssh.host.clone().unwrap_or_else(|| self.place.1.to_string())
    }

    fn alias(&self) -> String {
        format!("px-{}", self.place.1)
    }

    fn known_hosts(&self) -> io::Result<PathBuf> {
        let folder = self.run.join("ssh");
        std::fs::create_dir_all(&folder)?;
        let lines: String = self.keys.iter().map(|key| format!("{} {key}\n", self.alias())).collect();
        let file = folder.join(self.alias());
        if std::fs::read_to_string(&file).ok().as_deref() != Some(&lines) {
            let new = folder.join(format!(".{}-{}", self.alias(), std::process::id()));
            std::fs::write(&new, &lines)?;
            std::fs::rename(&new, &file)?;
        }
        file.canonicalize()
    }

    /// Runs a line of sh(1) there, with these bytes on its standard input; hands on each line that it prints. An error only
    /// where it could not be run: how it ended is its exit code.
    pub async fn run(&self, script: &str, input: &[u8], mut hear: impl FnMut(Line)) -> Result<Ended> {
        let words = self.words().map_err(|error| ReachError {
            is_away: false,
            error: format!("cannot write {}: {error}", self.run.join("ssh").display()),
            next_step: "see its rights and its disk".to_owned(),
        })?;
        let mut command = Command::new(words.first().cloned().unwrap_or_default());
        command.args(words.iter().skip(1)).arg("--").arg(self.remote(script));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (sender, mut lines) = tokio::sync::mpsc::channel(64);
        let feed = async {
            if let Some(mut stdin) = stdin {
                // One that does not read has its reasons: its exit code tells.
                let _ = stdin.write_all(input).await;
            }
        };
        let of_out = read(out, false, sender.clone());
        let of_err = read(err, true, sender);
        let mut last: Vec<String> = Vec::new();
        let listen = async {
            while let Some(line) = lines.recv().await {
                let line: Line = line;
                if line.error {
                    last.push(line.text.clone());
                }
                hear(line);
            }
        };
        tokio::join!(feed, of_out, of_err, listen);
        let status = child.wait().await.map_err(|error| not_started(&error))?;
        match status.code() {
            Some(OF_SSH) => Err(ReachError::of_ssh(self, &last)),
            Some(code) => Ok(Ended { code }),
            None => Err(ReachError::of_ssh(self, &["ssh was ended by a signal".to_owned()])),
        }
    }

    /// The same line for the shell of the machine, in its container where it is one.
    fn remote(&self, script: &str) -> String {
        let quoted = format!("'{}'", script.replace('\'', r"'\''"));
        let mut words = self.exec.clone();
        words.extend(["sh".to_owned(), "-c".to_owned(), quoted]);
        words.join(" ")
    }
}

fn not_started(error: &io::Error) -> ReachError {
    ReachError {
        is_away: false,
        error: format!("cannot run ssh: {error}"),
        next_step: "install it: apt install openssh-client".to_owned(),
    }
}

async fn read<T: AsyncRead + Unpin>(stream: Option<T>, error: bool, lines: tokio::sync::mpsc::Sender<Line>) {
    let Some(stream) = stream else { return };
    let mut stream = BufReader::new(stream);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match stream.read_until(b'\n', &mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let text = String::from_utf8_lossy(text.get(..LONGEST).unwrap_or(text)).into_owned();
        if lines.send(Line { text, error }).await.is_err() {
            return;
        }
    }
}

impl ReachError {
    /// Of what ssh printed when it did not come through.
    pub fn of_ssh(reach: &Reach, lines: &[String]) -> ReachError {
        let all = lines.join("\n");
        let name = reach.host();
        let last =
            lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or("ssh said nothing");
        let (is_away, error, next_step) = if all.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            let step = format!("if it was made anew: pxelator track trust {name}; if not, somebody else answers there");
            (false, "its ssh host key is another than the one that is trusted".to_owned(), step)
        } else if all.contains("Host key verification failed") || all.contains("host key is known") {
            let step = format!("look at its key and take it: pxelator track trust {name}");
            (false, "its ssh host key is not known".to_owned(), step)
        } else if all.contains("Permission denied") {
            let step = format!("let the key of who runs this in: ssh-copy-id {}@{}", user(reach), reach.address());
            (false, format!("ssh lets nobody in: {last}"), step)
        } else if ["No route to host", "timed out", "Connection refused", "Host is down", "Network is unreachable"]
            .iter()
            .any(|known| all.contains(known))
        {
            (true, last.to_owned(), "it is looked at again when it is there".to_owned())
        } else {
            (false, last.to_owned(), format!("try it by hand: ssh {}@{}", user(reach), reach.address()))
        };
        ReachError { is_away, error, next_step }
    }
}

fn user(reach: &Reach) -> &str {
    reach.ssh.user.as_deref().unwrap_or("root")
}
