//! A machine of QEMU behind a device of AMT's: what the device does as it is told to switch.

use super::{Segment, amt::Drive, machine::Machine};
use std::process::{Command, Stdio};

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
