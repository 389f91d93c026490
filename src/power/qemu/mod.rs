//! QEMU: a virtual machine on the segment's bridge that boots from the network, and from its disk where it has one;
//! switched over QMP.
//!
//! `power` is `qemu`, with options: `mem=256` (MiB), `cpus=1`, `firmware=bios|uefi|uefi-http|uefi-secure`, `screen=on`, `disk=NAME`
//! of the folder of disks, or the path of a file.

mod bridge;
mod start;
mod words;

use super::{Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::{Machine, power},
    event::{Action, Manner, PowerState},
    vm::{Qmp, Store, Traces},
};
use bridge::{is_bridge, no_bridge};
use nix::unistd::Pid;
use serde_json::Value;
use start::start;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use words::words;

/// What QEMU gets to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often its state is looked at: a file of this host says it.
const PACE: Duration = Duration::from_secs(2);

pub struct Qemu {
    conf: power::Qemu,
}

impl Qemu {
    pub fn new(conf: &power::Qemu) -> Qemu {
        Qemu { conf: conf.clone() }
    }
}

/// Where its serial console listens.
pub fn serial_console(machine: &Machine, run: &Path) -> PathBuf {
    Traces::of(run, machine.address).serial
}

fn traces(target: &Target) -> Traces {
    Traces::of(&target.run, target.machine.address)
}

#[async_trait::async_trait]
impl Power for Qemu {
    fn method(&self) -> &'static str {
        "qemu"
    }

    async fn switch(&self, target: &Target, action: Action, gently: bool) -> Result<Manner, PowerError> {
        let files = traces(target);
        let end = async |pid| match ask(&files.qmp, "quit").await {
            Ok(()) => gone(&files, pid).await,
            Err(error) => Err(error),
        };
        match (action, files.running()) {
            (Action::On, Some(_)) | (Action::Off, None) => return Ok(Manner::Already),
            // The network is what it tries first.
            (Action::On | Action::Pxe, None) => start(target, &self.conf, &files).await?,
            (Action::Reset | Action::Pxe, Some(_)) => ask(&files.qmp, "system_reset").await?,
            (Action::Cycle, Some(pid)) => {
                end(pid).await?;
                start(target, &self.conf, &files).await?;
            }
            // A system with a disk has something to lose. It ends by itself when its guest is through.
            (Action::Off, Some(_)) if gently && self.conf.disk.is_some() => {
                ask(&files.qmp, "system_powerdown").await?;
                return Ok(Manner::Gently);
            }
            (Action::Off, Some(pid)) => end(pid).await?,
            (Action::Reset | Action::Cycle, None) => return Err(PowerError::new("it is off", "switch it on")),
            (Action::Setup, _) => {
                let error = "the set-up of a virtual machine's firmware has no screen here";
                return Err(PowerError::new(error, "start QEMU by hand with a display"));
            }
        }
        Ok(Manner::Done)
    }

    async fn observe(&self, target: &Target) -> Result<Option<PowerState>, PowerError> {
        Ok(Some(if traces(target).running().is_some() { PowerState::On } else { PowerState::Off }))
    }

    async fn examine(&self, target: &Target, steps: &mut Steps) -> Result<(), Ill> {
        let bridge = &target.interface.name;
        let found = if is_bridge(bridge).await { Ok(()) } else { Err(no_bridge(bridge)) };
        steps.step("bridge", found, |()| format!("{bridge} is a bridge"))?;
        let words = words(target, &self.conf, &traces(target), "tap").map(drop);
        steps.step("firmware", words, |()| "its firmware is there".to_owned())?;
        let Some(disk) = &self.conf.disk else { return Ok(()) };
        let found = Store::new(&target.vms).bootable(disk);
        let found = found.map_err(|error| PowerError::new(&error, error.next_step()));
        steps.step("disk", found, |file| format!("{} and all that it hangs on are there", file.display())).map(drop)
    }

    fn pace(&self) -> Duration {
        PACE
    }
}

async fn gone(files: &Traces, pid: Pid) -> Result<(), PowerError> {
    let ended = async {
        while files.running().is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .map_err(|_| PowerError::new(format!("QEMU does not end (process {pid})"), format!("kill {pid}")))
}

/// Sends one command over QMP and waits for its answer.
async fn ask(socket: &Path, command: &str) -> Result<(), PowerError> {
    let talk = async {
        let mut qmp = Qmp::open(socket).await?;
        // Of `quit` the end of the line is an answer too.
        match qmp.ask(command, Value::Null).await {
            Err(error) if command == "quit" && error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(()),
            answer => answer.map(drop),
        }
    };
    let told = tokio::time::timeout(PATIENCE, talk).await;
    told.unwrap_or_else(|_| Err(std::io::Error::other("no answer"))).map_err(|error| {
        PowerError::new(format!("QEMU at {}: {error}", socket.display()), "end the process named in its .pid file")
    })
}
