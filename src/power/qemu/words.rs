//! The words that QEMU is called with. Knows no process.

use super::{PowerError, Target, Traces};
use crate::{
    conf::power,
    event::Architecture,
    vm::{self, Store},
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The firmware's code and the variables that it begins with.
type Uefi = (&'static str, &'static str);
const OPEN: [Uefi; 2] = [
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
];
/// With Secure Boot, and Microsoft's keys in the variables.
const SECURE: [Uefi; 2] = [
    ("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"),
    ("/usr/share/OVMF/OVMF_CODE.ms.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"),
];

/// All of them.
pub fn words(target: &Target, conf: &power::Qemu, files: &Traces, tap: &str) -> Result<Vec<String>, PowerError> {
    let firmware = firmware(target, conf);
    if !matches!(firmware, Architecture::Bios | Architecture::UefiX64 | Architecture::UefiHttpX64) {
        return Err(PowerError::new(
            format!("QEMU is run as an x86-64 machine, which has no {} firmware", firmware),
            "write bios, uefi or uefi-http into its `firmware`",
        ));
    }
    let mut words: Vec<String> = Vec::new();
    let mut add = |word: &str, value: String| words.extend([word.to_owned(), value]);
    // System management mode keeps the variables from who must not change them.
    let smm = if conf.secure { ",smm=on" } else { "" };
    add("-machine", format!("q35{smm},accel={}", accelerators()));
    if conf.secure {
        add("-global", "driver=cfi.pflash01,property=secure,value=on".into());
    }
    add("-display", "none".into());
    add("-vga", if conf.screen { "std" } else { "none" }.into());
    add("-name", target.machine.hostname.clone());
    add("-m", conf.memory.to_string());
    add("-smp", conf.cpus.to_string());
    add("-pidfile", files.pid.display().to_string());
    add("-qmp", format!("unix:{},server=on,wait=off", escaped(&files.qmp)));
    // All that it says is kept, whoever listens.
    let (serial, console) = (escaped(&files.new_serial), escaped(&files.console));
    add("-chardev", format!("socket,id=serial,path={serial},server=on,wait=off,logfile={console},logappend=off"));
    add("-serial", "chardev:serial".into());
    add("-netdev", format!("tap,id=n,ifname={tap},script=no,downscript=no"));
    // UEFI has a PXE client of its own, as real machines do; SeaBIOS has none, so the card brings iPXE.
    let rom = if firmware == Architecture::Bios { "" } else { ",romfile=" };
    add("-device", format!("virtio-net-pci,netdev=n,mac={},bootindex=1{rom}", target.machine.mac));
    add("-device", "virtio-rng-pci".into());
    if let Some(disk) = &conf.disk {
        let (file, format) = Store::new(&target.vms).disk_of(disk);
        // What the guest discards is given back to the host's disk.
        let blocks = json!({ "driver": format, "node-name": vm::NODE, "discard": "unmap", "detect-zeroes": "unmap",
            "file": { "driver": "file", "filename": file } });
        add("-blockdev", blocks.to_string());
        // After the network, which says `local` where this is to be booted.
        add("-device", format!("virtio-blk-pci,drive={},bootindex=2", vm::NODE));
        add("-device", "virtio-serial-pci".into());
        add("-chardev", format!("socket,id=agent,path={},server=on,wait=off", escaped(&files.agent)));
        add("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0".into());
        // Where cloud-init (NoCloud), or our own `pxelator-identity`, asks who this machine is.
        add("-smbios", format!("type=1,serial=ds=nocloud-net;s=http://{}/answers/", target.segment.server));
    }
    if firmware != Architecture::Bios {
        // It would wait half a minute for what is not served here.
        add("-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n".into());
    }
    if firmware == Architecture::UefiHttpX64 {
        // Without PXE before it, HTTP is the first that OVMF tries.
        add("-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n".into());
    }
    if firmware != Architecture::Bios {
        let (code, _) = uefi(conf)?;
        let variables = variables(target, conf, files);
        add("-drive", format!("if=pflash,format=raw,readonly=on,file={code}"));
        add("-drive", format!("if=pflash,format=raw,file={}", escaped(&variables)));
    }
    words.extend(["-daemonize".to_owned(), "-nodefaults".to_owned()]);
    Ok(words)
}

/// The UEFI firmware, and the variables that a new machine begins with.
fn uefi(conf: &power::Qemu) -> Result<Uefi, PowerError> {
    let there = |file: &str| Path::new(file).is_file();
    let known = if conf.secure { SECURE } else { OPEN };
    let found = known.into_iter().find(|(code, variables)| there(code) && there(variables));
    found.ok_or_else(|| PowerError::new("the UEFI firmware for QEMU is not there", "apt install ovmf"))
}

/// Where the variables of UEFI are kept: beside the disk, since its system writes into them what is to be booted.
fn variables(target: &Target, conf: &power::Qemu, files: &Traces) -> PathBuf {
    conf.disk
        .as_ref()
        .map_or_else(|| files.variables.clone(), |disk| vm::variables_of(&Store::new(&target.vms).disk_of(disk).0))
}

/// Lays the variables out: anew, or once where there is a disk.
pub fn lay_out(target: &Target, conf: &power::Qemu, files: &Traces) -> Result<(), PowerError> {
    let place = variables(target, conf, files);
    if is_bios(target, conf) || (conf.disk.is_some() && place.exists()) {
        return Ok(());
    }
    let (_, new) = uefi(conf)?;
    std::fs::copy(new, &place).map(drop).map_err(|error| {
        PowerError::new(format!("copying {new} to {}: {error}", place.display()), "see that its folder can be written")
    })
}

fn firmware(target: &Target, conf: &power::Qemu) -> Architecture {
    conf.firmware.or(target.machine.firmware).unwrap_or(Architecture::Bios)
}

fn is_bios(target: &Target, conf: &power::Qemu) -> bool {
    firmware(target, conf) == Architecture::Bios
}

/// KVM where the processor has what it needs, else emulation. Some hosts have a /dev/kvm that opens and then cannot run
/// firmware, so that its being there says nothing; QEMU itself goes on to emulation where it cannot be opened.
fn accelerators() -> &'static str {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = told.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    if flags.split_whitespace().any(|flag| matches!(flag, "vmx" | "svm")) { "kvm:tcg" } else { "tcg" }
}

/// A comma ends a value of QEMU's options; two are one.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_path() {
        assert_eq!(escaped(Path::new("/a,b/run")), "/a,,b/run");
    }
}
