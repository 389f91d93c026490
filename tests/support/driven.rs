//! A machine of QEMU behind a device of AMT's: what the device does as it is told to switch; and a client of AMT that is
//! independent of ours.

use super::{Segment, amt::Drive, machine::Machine};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// PyPI's client, for [`can_run`](super::can_run).
pub const PYPI_AMT: &str = "PyPI's amt";

/// Where `./dev test` installs it: beside what cargo builds.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("amt-client")
}

/// True where [`PYPI_AMT`] is installed.
pub fn is_installed() -> bool {
    installed().join("requirements.txt").exists()
}

/// A Python that has it, which heeds no proxy of the environment.
pub fn with_pypi_amt() -> Command {
    let mut command = Command::new(installed().join("bin/python"));
    command.env("no_proxy", "*");
    command
}

/// Switches this machine of the segment.
pub fn drive(segment: &Segment, machine: &Machine) -> Drive {
    let (namespace, line) = (segment.name.clone(), machine.line());
    let run = move |verb: &str| {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &namespace, "sh", "-c", &format!("{line} {verb}")]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim() == "1")
    };
    let does = |verb: &'static str| -> Box<dyn Fn() -> bool + Send + Sync> {
        let run = run.clone();
        Box::new(move || run(verb).0)
    };
    let (on, off, reset) = (does("on"), does("off"), does("reset"));
    Drive { on, off, reset, is_on: Box::new(move || run("state").1) }
}
