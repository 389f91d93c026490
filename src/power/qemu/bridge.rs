//! The bridge that a virtual machine is plugged into, and its tap interface. Knows nothing of QEMU.

use super::{PowerError, Target};
use std::{path::Path, process::Stdio};
use tokio::process::Command;

/// An interface's name has at most 15 characters.
pub fn tap_name(target: &Target) -> String {
    format!("px{:08x}", target.machine.address.to_bits())
}

/// Makes the tap interface and plugs it into the bridge.
pub async fn plug(tap: &str, bridge: &str) -> Result<(), PowerError> {
    if !is_bridge(bridge).await {
        return Err(no_bridge(bridge));
    }
    // What is left of an earlier run is of no use.
    let _ = ip(&["link", "delete", tap]).await;
    ip(&["tuntap", "add", tap, "mode", "tap"]).await?;
    ip(&["link", "set", tap, "master", bridge, "up"]).await
}

pub fn no_bridge(name: &str) -> PowerError {
    PowerError::new(
        format!("{name} is no bridge, so no virtual machine can be plugged into it"),
        "make the segment's interface a bridge: ip link add br0 type bridge",
    )
}

pub async fn is_bridge(name: &str) -> bool {
    if Path::new("/sys/class/net").join(name).join("bridge").is_dir() {
        return true;
    }
    let shown = Command::new("ip").args(["-d", "link", "show", "dev", name]).output().await;
    shown.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("bridge forward_delay"))
}

async fn ip(words: &[&str]) -> Result<(), PowerError> {
    let line = format!("ip {}", words.join(" "));
    match Command::new("ip").args(words).stdin(Stdio::null()).output().await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(PowerError::new(
            format!("{line}: {}", String::from_utf8_lossy(&output.stderr).trim()),
            "run as root, or: setcap cap_net_admin+ep $(which ip)",
        )),
        Err(error) => Err(PowerError::new(format!("{line}: {error}"), "apt install iproute2")),
    }
}
