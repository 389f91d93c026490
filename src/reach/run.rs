//! Commands run on a machine by ssh(1): their input, what they print as they print it, and how they end.

use super::{Reach, ReachError, Result};
use crate::sh::quoted;
use std::{io, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::Command,
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// What a machine gets until the command begins there, with all hosts on the way.
const BEGIN: Duration = Duration::from_secs(45);
/// What the output gets to come to its end when ssh has ended: a shared connection may still hold it open.
const REST: Duration = Duration::from_millis(500);
/// A line of output beyond this is cut.
const LONGEST: usize = 64 << 10;
/// What ssh says with this exit code is of the connection.
const OF_SSH: i32 = 255;
/// Said on standard error when the command begins; nobody hears it.
const BEGUN: &str = "pxelator: begun";
/// Said there where the command itself ends with 255: a shared connection breaks off without a word.
const ENDED: &str = "pxelator: ended";
/// Bytes of an answer that are kept.
const MOST: usize = 64 << 20;
/// Lines of standard error that are kept for who asks why.
const LAST: usize = 32;

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
    /// Runs a line of sh(1) there, with these bytes on its standard input; hands on each line that it prints. An error only
    /// where it could not be run: how it ended is its exit code. Waits for it as long as the machine answers; where this is
    /// dropped, ssh ends.
    pub async fn run(&self, script: &str, input: &[u8], mut hear: impl FnMut(Line)) -> Result<Ended> {
        let words = self.words()?;
        let mut command = Command::new(words.first().cloned().unwrap_or_default());
        command.args(words.iter().skip(1)).arg("--").arg(self.remote(script)).env("SSH_ASKPASS_REQUIRE", "never");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| not_started("ssh", "openssh-client", &error))?;
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (sender, mut lines) = mpsc::channel(64);
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // One that does not read has its reasons: its exit code tells.
                let _ = stdin.write_all(input).await;
            }
        };
        let streams = async { tokio::join!(feed, read(out, false, sender.clone()), read(err, true, sender)) };
        tokio::pin!(streams);
        let (mut is_begun, mut is_ended, mut is_read, mut is_heard) = (false, false, false, false);
        let mut status = None;
        let mut until = Instant::now() + BEGIN;
        let mut last: Vec<String> = Vec::new();
        while status.is_none() || !is_heard {
            tokio::select! {
                line = lines.recv(), if !is_heard => match line {
                    None => is_heard = true,
                    Some(Line { text, error: true }) if text == BEGUN => is_begun = true,
                    Some(Line { text, error: true }) if text == ENDED => is_ended = true,
                    Some(line) => {
                        if line.error {
                            last.push(line.text.clone());
                            if last.len() > LAST {
                                last.remove(0);
                            }
                        }
                        // Of two that make the shared connection at the same time one does without it.
                        if is_begun || !line.error {
                            hear(line);
                        }
                    }
                },
                _ = &mut streams, if !is_read => is_read = true,
                ended = child.wait(), if status.is_none() => {
                    status = Some(ended.map_err(|error| not_started("ssh", "openssh-client", &error))?);
                    until = Instant::now() + REST;
                }
                () = sleep_until(until), if status.is_some() => break,
                () = sleep_until(until), if !is_begun => {
                    let step = format!("try it by hand: ssh {}@{}", self.user(), self.address());
                    let error = format!("no command began there within {} s", BEGIN.as_secs());
                    return Err(ReachError::new(error, step));
                }
            }
        }
        match status.and_then(|status| status.code()) {
            Some(OF_SSH) if is_ended => Ok(Ended { code: OF_SSH }),
            Some(OF_SSH) if is_begun => Err(ReachError::broke_off(&last)),
            Some(OF_SSH) => Err(ReachError::of_ssh(self, &last)),
            Some(code) if is_begun => Ok(Ended { code }),
            Some(code) => Err(self.not_begun(code, &last)),
            None => Err(ReachError::of_ssh(self, &["ssh was ended by a signal".to_owned()])),
        }
    }

    /// What a command prints on standard output that ends well.
    pub(super) async fn ask(&self, script: &str, input: &[u8], patience: Duration) -> Result<Vec<String>> {
        let (mut out, mut size, mut last) = (Vec::new(), 0_usize, String::new());
        let run = self.run(script, input, |line| match line.error {
            true => last = line.text,
            false => {
                size = size.saturating_add(line.text.len() + 1);
                if size <= MOST {
                    out.push(line.text);
                }
            }
        });
        let ended = tokio::time::timeout(patience, run).await.map_err(|_| {
            let step = format!("see what holds it up: ssh {}@{}", self.user(), self.address());
            ReachError::new(format!("it did not answer within {} s", patience.as_secs()), step)
        })??;
        match ended.code {
            0 => Ok(out),
            code => Err(ReachError::new(
                format!("a command there ended with {code}: {last}"),
                format!("try it by hand: ssh {}@{}", self.user(), self.address()),
            )),
        }
    }

    /// The container's own way did not come through, or the machine has no sh(1).
    fn not_begun(&self, code: i32, last: &[String]) -> ReachError {
        let said = last.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or("nothing");
        let login = format!("ssh {}@{}", self.user(), self.address());
        match self.exec.as_slice() {
            [] => ReachError::new(
                format!("its shell ended with {code} and said {said}"),
                format!("try it by hand: {login}"),
            ),
            exec => {
                let step = format!("see that it runs: {login} {} true", exec.join(" "));
                ReachError::new(format!("{} ended with {code} and said {said}", exec.join(" ")), step)
            }
        }
    }

    /// The same line for the shell of the machine, in its container where it is one.
    fn remote(&self, script: &str) -> String {
        let around = format!(
            "echo '{BEGUN}' >&2; sh -c \"$1\"; code=$?; [ $code != {OF_SSH} ] || echo '{ENDED}' >&2; exit $code"
        );
        let mut words = self.exec.clone();
        words.extend(["sh".to_owned(), "-c".to_owned(), quoted(&around), "sh".to_owned(), quoted(script)]);
        words.join(" ")
    }
}

/// A program of this host that cannot be run.
pub(super) fn not_started(program: &str, package: &str, error: &io::Error) -> ReachError {
    ReachError::new(format!("cannot run {program}: {error}"), format!("install it: apt install {package}"))
}

async fn read<T: AsyncRead + Unpin>(stream: Option<T>, error: bool, lines: mpsc::Sender<Line>) {
    let Some(stream) = stream else { return };
    let mut stream = BufReader::new(stream);
    let mut bytes = Vec::new();
    loop {
        let (taken, is_whole) = match stream.fill_buf().await {
            Ok([]) | Err(_) => break,
            Ok(new) => {
                let end = new.iter().position(|byte| *byte == b'\n');
                let part = new.get(..end.unwrap_or(new.len())).unwrap_or(new);
                bytes.extend(part.iter().take(LONGEST - bytes.len()));
                (end.map_or(new.len(), |end| end + 1), end.is_some())
            }
        };
        stream.consume(taken);
        if is_whole && !say(&mut bytes, error, &lines).await {
            return;
        }
    }
    if !bytes.is_empty() {
        say(&mut bytes, error, &lines).await;
    }
}

/// Hands a line on; false where nobody wants more.
async fn say(bytes: &mut Vec<u8>, error: bool, lines: &mpsc::Sender<Line>) -> bool {
    let text = String::from_utf8_lossy(bytes).into_owned();
    bytes.clear();
    lines.send(Line { text, error }).await.is_ok()
}
