//! What the process of a virtual machine leaves in the run folder, and whether it runs. Knows nothing of who starts it.

use nix::{sys::signal::kill, unistd::Pid};
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// The files of one virtual machine's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traces {
    /// Its number.
    pub pid: PathBuf,
    /// The socket of QMP.
    pub qmp: PathBuf,
    /// The socket of the guest agent, if one runs in the guest.
    pub agent: PathBuf,
    /// All that it said on its serial console.
    pub console: PathBuf,
    /// The socket of its serial console.
    pub serial: PathBuf,
    /// The same as QEMU makes it, before it is the operator's.
    pub new_serial: PathBuf,
    /// What UEFI keeps, where the machine has no disk beside which that could be.
    pub variables: PathBuf,
    /// What QEMU said of its faults.
    pub errors: PathBuf,
}

impl Traces {
    /// Those of the machine at this address.
    pub fn of(run: &Path, address: Ipv4Addr) -> Traces {
        // QEMU in the background works in `/`, so the paths that it is given are whole ones.
        let run = std::path::absolute(run).unwrap_or(run.to_owned());
        let at = |end: &str| run.join(format!("{address}.{end}"));
        Traces {
            pid: at("pid"),
            qmp: at("qmp"),
            agent: at("agent"),
            console: at("console"),
            serial: at("serial"),
            new_serial: at("serial.new"),
            variables: at("vars"),
            errors: at("err"),
        }
    }

    /// The process, if it runs.
    pub fn running(&self) -> Option<Pid> {
        let pid: i32 = std::fs::read_to_string(&self.pid).ok()?.trim().parse().ok()?;
        // A number may have been given anew to another process.
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let ours = String::from_utf8_lossy(&words).contains(&*self.pid.to_string_lossy());
        (ours && kill(Pid::from_raw(pid), None).is_ok()).then(|| Pid::from_raw(pid))
    }
}
