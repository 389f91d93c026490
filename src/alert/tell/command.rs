//! Tells by a command of the operator's own, which gets the alert in its environment and as JSON on its standard input.

use super::{Hand, Notice, TellError};
use crate::event::printable;
use std::{ffi::OsString, io, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
};

/// What a command gets to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are kept of what it says.
const SAID: u64 = 2_000;

/// Runs it.
pub async fn tell(hand: &Hand, words: &[String], notice: &Notice) -> Result<(), TellError> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let env = [
        ("ID", notice.id.clone()),
        ("STATUS", notice.status_name().to_owned()),
        ("TITLE", notice.title()),
        ("RULE", notice.rule.clone()),
        ("SUBJECT", notice.subject.clone()),
        ("SEVERITY", notice.severity.to_string()),
        ("TEXT", notice.text.clone()),
        ("SEGMENT", text(notice.segment.map(|address| address.to_string()))),
        ("MACHINE", text(notice.machine.map(|address| address.to_string()))),
        ("HOSTNAME", text(notice.hostname.clone())),
        ("MAC", text(notice.mac.map(|mac| mac.to_string()))),
        ("SINCE", notice.since.to_string()),
    ];
    let env = env.into_iter().map(|(name, value)| (format!("PXELATOR_ALERT_{name}").into(), value.into()));
    let input = serde_json::to_vec(notice).unwrap_or_default();
    run(hand, words, env.collect(), &input, PATIENCE).await
}

/// Runs a program as the operator until it ends.
pub async fn run(
    hand: &Hand,
    words: &[String],
    env: Vec<(OsString, OsString)>,
    input: &[u8],
    patience: Duration,
) -> Result<(), TellError> {
    let program = words.first().cloned().unwrap_or_default();
    let all: Vec<OsString> = hand.words.iter().cloned().chain(words.iter().map(OsString::from)).collect();
    let Some((first, rest)) = all.split_first() else { return Ok(()) };
    let failed = |source: io::Error| TellError::Run { program: first.to_string_lossy().into_owned(), source };
    let mut child = Command::new(first)
        .args(rest)
        .envs(hand.env.iter().cloned())
        .envs(env)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let talk = async {
        let write = async {
            if let Some(mut stdin) = stdin {
                // Who does not read it needs it not.
                let _ = stdin.write_all(input).await;
            }
        };
        let read = async {
            let mut said = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = (&mut stderr).take(SAID).read_to_end(&mut said).await;
                // So that a talkative one does not wait for room.
                let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            }
            said
        };
        let (status, (), said) = tokio::join!(child.wait(), write, read);
        (status, said)
    };
    let slow = || TellError::Slow { what: program.clone(), patience };
    let (status, said) = tokio::time::timeout(patience, talk).await.map_err(|_| slow())?;
    let status = status.map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let said = printable(&String::from_utf8_lossy(&said), 160);
    // Of setpriv(1): the program cannot be run, is not there.
    let unfound = match status.code() {
        Some(126) => Some(io::ErrorKind::PermissionDenied),
        Some(127) => Some(io::ErrorKind::NotFound),
        _ => None,
    };
    if let Some(kind) = unfound.filter(|_| !hand.words.is_empty() && said.starts_with("setpriv: ")) {
        return Err(TellError::Run { program, source: kind.into() });
    }
    Err(TellError::Ended { program: program.clone(), status, said })
}
