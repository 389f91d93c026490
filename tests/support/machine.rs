//! A QEMU machine that stands behind a stand-in of firmware: what AMT, a BMC or a board switches by a shell line. The
//! program that is tested knows nothing of it but its hardware address.

use super::{SOON, Segment, vm, wait_for};
use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// A machine of conf without `power`, and the QEMU that it is. It ends with its segment.
pub struct Machine {
    /// Its name.
    pub hostname: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address.
    pub mac: String,
    folder: PathBuf,
    conf: String,
}

impl Machine {
    /// A machine of `segment` whose address ends in `last`, switched off, with a BIOS that boots from the network alone.
    pub fn new(segment: &Segment, last: u8, hostname: &str) -> Machine {
        let mac = format!("52:54:00:77:00:{last:02x}");
        segment.machine(last, &mac, hostname);
        let folder = segment.folder.path().join("machines").join(hostname);
        fs::create_dir_all(&folder).unwrap();
        let settings = format!(
            "bridge=br0 tap=behind{last} mac={mac} memory=256 accel={} name={hostname}\n",
            if has_kvm() { "kvm:tcg" } else { "tcg" }
        );
        fs::write(folder.join("settings"), settings).unwrap();
        let address = Ipv4Addr::new(10, 77, 0, last);
        Machine { hostname: hostname.to_owned(), address, mac, folder, conf: format!("10.77.0.1/{address}") }
    }

    /// The path of one of its values in conf: `power`.
    pub fn value(&self, name: &str) -> String {
        format!("{}/{name}", self.conf)
    }

    /// The shell line that switches it, to be followed by `on`, `off`, `soft`, `reset`, `state` or `boot DEVICE`; for a
    /// process in the segment's namespace. `state` prints 1 or 0.
    pub fn line(&self) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machine/machine");
        format!("{} {}", script.display(), self.folder.display())
    }

    /// What it was told so far, as `boot pxe`, in its order.
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The process, where it runs.
    pub fn pid(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.folder.join("pid")).ok()?.trim().parse().ok()?;
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        String::from_utf8_lossy(&words).contains(&*self.folder.to_string_lossy()).then_some(pid)
    }

    /// Waits until it runs; its process.
    pub fn wait_until_on(&self) -> u32 {
        wait_for(&format!("{} is on", self.hostname), 3 * SOON, || self.pid())
    }

    /// Waits until it does not run.
    pub fn wait_until_off(&self) {
        wait_for(&format!("{} is off", self.hostname), 3 * SOON, || self.pid().is_none().then_some(()));
    }

    /// All that it said on its serial console.
    pub fn console(&self) -> String {
        vm::console(&self.folder.join("console"))
    }

    /// Waits for the last line of the practice guest; see [`vm::equip`].
    pub fn wait_until_up(&self) {
        vm::wait_until_up(&self.hostname, self.address, || self.console());
    }
}

/// As the program itself decides it: some hosts have a /dev/kvm that cannot run firmware.
fn has_kvm() -> bool {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = told.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    flags.split_whitespace().any(|flag| matches!(flag, "vmx" | "svm"))
}
