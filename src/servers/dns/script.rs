//! Runs the scripts of `conf/commands` that machines ask for: by name, never by a shell's word, for a limited time.

use crate::{
    conf::{self, Segment},
    event::printable,
};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use std::{
    fs,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

/// What a script gets.
const PATIENCE: Duration = Duration::from_secs(10);
/// Characters of its output that the journal gets, and bytes that are read of it.
const SHOWN: usize = 400;
const READ: u64 = 4_096;
/// Bits of a mode: who may run it, and others who may write it.
const EXECUTE: u32 = 0o111;
const OTHERS: u32 = 0o022;
/// Where programs are found: that of who started this program is not a machine's business.
const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// None where it could not be run, or was ended.
    pub code: Option<i32>,
    /// Shortened and made printable.
    pub output: String,
    pub millis: u64,
}

/// The script of this name in `conf/commands`; an error where there is a file that cannot be one. Names have letters, digits,
/// `-` and `_`.
pub fn find(conf: &Path, name: &str) -> Option<Result<PathBuf, String>> {
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let file = conf.join("commands").join(name);
    let meta = fs::metadata(&file).ok().filter(|_| is_name)?;
    let mode = meta.permissions().mode();
    Some(if !meta.is_file() || mode & EXECUTE == 0 {
        Err(format!("conf/commands/{name} cannot be run: chmod +x it"))
    } else if mode & OTHERS != 0 {
        Err(format!("conf/commands/{name} can be written by others (mode {:04o}): chmod go-w it", mode & 0o7777))
    } else {
        // It works in its folder.
        std::path::absolute(&file).map_err(|error| error.to_string())
    })
}

/// Runs it with the machine's values in its environment and the argument as its only word. What it began ends with it.
pub async fn run(file: &Path, segment: &Segment, machine: Ipv4Addr, argument: &str) -> Ran {
    let began = Instant::now();
    let ended = |code, output: &str| {
        let output = printable(output.trim_end(), SHOWN);
        Ran { code, output, millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) }
    };
    let Some(machine) = segment.machines.get(&machine) else { return ended(None, "the machine is not in conf") };
    let mut command = Command::new(file);
    command.arg(argument).env_clear().env("PATH", PROGRAMS).envs(conf::environment(segment, machine));
    command.current_dir(file.parent().unwrap_or(Path::new("/"))).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return ended(None, &format!("{}: {error}", file.display())),
    };
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err) = (tokio::spawn(read(out)), tokio::spawn(read(err)));
    let code = tokio::time::timeout(PATIENCE, child.wait()).await;
    // Also what it left in the background: with that its output would not end.
    if let Some(group) = group {
        let _ = killpg(group, Signal::SIGKILL);
    }
    let (out, err) = (out.await.unwrap_or_default(), err.await.unwrap_or_default());
    let printed = format!("{out}{err}").split('\n').map(str::trim_end).collect::<Vec<_>>().join(" ");
    match code {
        Ok(Ok(status)) => ended(status.code(), &printed),
        Ok(Err(error)) => ended(None, &error.to_string()),
        Err(_) => ended(None, &format!("it was ended after {} s. {printed}", PATIENCE.as_secs())),
    }
}

/// The first bytes; the rest is read too, so that nobody waits for it to be taken.
async fn read(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut bytes = Vec::new();
    let _ = (&mut from).take(READ).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::Machine;
    use std::sync::Arc;

    fn script(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("commands")).unwrap();
        let file = dir.path().join("commands/notify");
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        (dir, file)
    }

    #[test]
    fn what_can_be_run() {
        for (mode, name, expected) in [
            (0o755, "notify", Some(None)),
            (0o700, "notify", Some(None)),
            (0o644, "notify", Some(Some("chmod +x it"))),
            (0o775, "notify", Some(Some("can be written by others (mode 0775)"))),
            (0o755, "other", None),
            (0o755, "../commands/notify", None),
            (0o755, "", None),
            (0o755, ".", None),
        ] {
            let (dir, _) = script("true", mode);
            let found = find(dir.path(), name).map(Result::err);
            let fits = match (&found, expected) {
                (Some(Some(error)), Some(Some(words))) => error.contains(words),
                (found, expected) => found.is_none() == expected.is_none() && expected != Some(Some("")),
            };
            assert!(fits, "{name} {mode:o}: {found:?}");
        }
    }

    #[tokio::test]
    async fn a_script_is_given_values_and_no_shell() {
        let address = Ipv4Addr::new(10, 77, 0, 60);
        let mut segment = Segment::new(Ipv4Addr::new(10, 77, 0, 1));
        let machine = Machine::new(address, crate::net::Mac([2, 0, 0, 0, 0, 1]), "web1");
        segment.machines.insert(address, Arc::new(machine));
        for (text, code, output) in [
            ("echo $PXE_HOSTNAME $PXE_ADDRESS \"$1\" $#; echo more >&2", Some(0), "web1 10.77.0.60 a;b 1 more"),
            ("exit 3", Some(3), ""),
            ("env | grep -c HOME=", Some(1), "0"),
            ("pwd", Some(0), "commands"),
            // What it leaves behind holds nothing up.
            ("sleep 100 & echo left", Some(0), "left"),
            ("printf '\\033[31mred\\n'", Some(0), "red"),
        ] {
            let (_dir, file) = script(text, 0o755);
            let ran = run(&file, &segment, address, "a;b").await;
            assert_eq!(ran.code, code, "{text}: {ran:?}");
            assert!(ran.output.ends_with(output) && !ran.output.contains('\x1b'), "{text}: {ran:?}");
        }
        let (dir, _) = script("true", 0o755);
        let none = run(&dir.path().join("commands/nothing"), &segment, address, "").await;
        assert_eq!(none.code, None);
    }
}
