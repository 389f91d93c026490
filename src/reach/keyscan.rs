//! The public key that a machine shows, before it is trusted. ssh(1) asks for it the way that commands go too, also through jump hosts.

use super::{Reach, ReachError, Result, run::not_started, ssh::named};
use std::{fs, path::Path, process::Stdio, time::Duration};
use tokio::process::Command;

/// What a machine gets to show it.
const PATIENCE: Duration = Duration::from_secs(45);

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As `ssh.pin` has it: kind and key.
    pub line: String,
    /// `SHA256:…`, as ssh-keygen(1) prints it.
    pub fingerprint: String,
}

/// Asks a machine for its public keys; none of them is trusted by this.
pub async fn scan(reach: &Reach) -> Result<Vec<Key>> {
    let unwritten = |error: std::io::Error| {
        let folder = reach.run.join("ssh");
        ReachError::new(format!("cannot write {}: {error}", folder.display()), "see its rights and its disk")
    };
    let name = format!("scan-{}-{}", std::process::id(), reach.place.1);
    let file = reach.own_folder().and_then(|folder| folder.canonicalize()).map_err(unwritten)?.join(name);
    let _ = fs::remove_file(&file);
    let first = [
        "StrictHostKeyChecking=accept-new".to_owned(),
        format!("UserKnownHostsFile={}", named(&file)),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        "HostKeyAlias=px-scan".to_owned(),
        // Whether it lets anybody in is another question.
        "PreferredAuthentications=none".to_owned(),
        "ControlPath=none".to_owned(),
        "ControlMaster=no".to_owned(),
    ];
    let mut words = reach.with(&first, &[]).map_err(unwritten)?;
    words.extend([reach.address().into(), "true".into()]);
    let mut command = Command::new(words.first().cloned().unwrap_or_default());
    command.args(words.iter().skip(1)).env("SSH_ASKPASS_REQUIRE", "never").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    let found = fs::read_to_string(&file).unwrap_or_default();
    let keys = if found.is_empty() { Ok(Vec::new()) } else { fingerprints(&found, &file).await };
    let _ = fs::remove_file(&file);
    let said = match ended {
        Ok(Ok(output)) => output.stderr,
        Ok(Err(error)) => return Err(not_started("ssh", "openssh-client", &error)),
        Err(_) => b"Connection timed out during banner exchange".to_vec(),
    };
    match keys? {
        keys if keys.is_empty() => {
            let lines: Vec<String> = String::from_utf8_lossy(&said).lines().map(str::to_owned).collect();
            Err(ReachError::of_ssh(reach, &lines))
        }
        keys => Ok(keys),
    }
}

async fn fingerprints(found: &str, file: &Path) -> Result<Vec<Key>> {
    let mut command = Command::new("ssh-keygen");
    command.arg("-lf").arg(file).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| not_started("ssh-keygen", "openssh-client", &error))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let prints = printed.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("SHA256:")));
    let lines = found.lines().filter_map(|line| line.split_once(' ')).map(|(_, key)| key.trim());
    Ok(lines.zip(prints).map(|(line, print)| Key { line: line.to_owned(), fingerprint: print.to_owned() }).collect())
}
