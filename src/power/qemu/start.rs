//! Starts the process of a virtual machine. Knows no QMP.

use super::{
    PowerError, Target, Traces,
    bridge::{plug, tap_name},
    words::{lay_out, words},
};
use crate::{conf::power, vm::Store};
use nix::{errno::Errno, sys::socket::UnixAddr};
use std::process::Stdio;
use tokio::process::Command;

/// Starts it, plugged into the segment's bridge.
pub async fn start(target: &Target, conf: &power::Qemu, files: &Traces) -> Result<(), PowerError> {
    let failed = |doing: &str, error: std::io::Error| {
        PowerError::new(format!("{doing}: {error}"), "see that the folder of --run-dir can be written")
    };
    std::fs::create_dir_all(&target.run).map_err(|error| failed("making the run folder", error))?;
    for socket in [&files.qmp, &files.agent, &files.new_serial] {
        if let Err(Errno::ENAMETOOLONG) = UnixAddr::new(socket) {
            return Err(PowerError::new(
                format!("{} is too long for the path of a socket", socket.display()),
                "name another folder with --run-dir",
            ));
        }
    }
    if let Some(disk) = &conf.disk {
        let store = Store::new(&target.vms);
        store.bootable(disk).map_err(|error| PowerError::new(&error, error.next_step()))?;
    }
    lay_out(target, conf, files)?;
    let tap = tap_name(target);
    plug(&tap, &target.interface.name).await?;
    let mut command = Command::new("qemu-system-x86_64");
    command.args(words(target, conf, files, &tap)?);
    let errors = std::fs::File::create(&files.errors).map_err(|error| failed("making QEMU's error file", error))?;
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).kill_on_drop(false).status().await;
    match output {
        Ok(status) if status.success() => {
            // Who waits for the console finds it when it is his. Where that fails the machine is on all the same.
            if let Some((user, group)) = target.owner {
                let _ = std::os::unix::fs::lchown(&files.new_serial, Some(user), Some(group));
            }
            let _ = std::fs::rename(&files.new_serial, &files.serial);
            Ok(())
        }
        Ok(status) => {
            let told = std::fs::read_to_string(&files.errors).unwrap_or_default();
            let last = told.lines().last().unwrap_or("it says nothing").to_owned();
            Err(PowerError::new(format!("QEMU ended with {status}: {last}"), format!("see {}", files.errors.display())))
        }
        Err(error) => Err(PowerError::new(
            format!("qemu-system-x86_64 cannot be run: {error}"),
            "apt install qemu-system-x86 ipxe-qemu ovmf",
        )),
    }
}
