//! QEMU: a virtual machine on the segment's bridge that boots from the network, switched over QMP.
//!
//! `power` is `qemu`, with options: `mem=256` (MiB), `cpus=1`, `firmware=bios|uefi|uefi-http|uefi-secure`, `screen=on`.

use super::{Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::{Machine, power},
    event::{Action, Architecture, Manner, PowerState},
};
use nix::{
    errno::Errno,
    sys::{signal::kill, socket::UnixAddr},
    unistd::Pid,
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    process::Command,
};

/// What QEMU gets to answer.
const PATIENCE: Duration = Duration::from_secs(5);
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
    run.join(format!("{}.serial", machine.address))
}

/// The files of one virtual machine.
struct Files {
    pid: PathBuf,
    qmp: PathBuf,
    console: PathBuf,
    serial: PathBuf,
    /// The same as QEMU makes it, before it is the operator's.
    new_serial: PathBuf,
    variables: PathBuf,
    errors: PathBuf,
}

impl Files {
    fn of(target: &Target) -> Files {
        // QEMU in the background works in `/`, so the paths that it is given are whole ones.
        let run = std::path::absolute(&target.run).unwrap_or(target.run.clone());
        let at = |end: &str| run.join(format!("{}.{end}", target.machine.address));
        Files {
            pid: at("pid"),
            qmp: at("qmp"),
            console: at("console"),
            serial: serial_console(&target.machine, &run),
            new_serial: at("serial.new"),
            variables: at("vars"),
            errors: at("err"),
        }
    }

    /// The process, if it runs.
    fn running(&self) -> Option<Pid> {
        let pid: i32 = std::fs::read_to_string(&self.pid).ok()?.trim().parse().ok()?;
        // A number may have been given anew to another process.
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let ours = String::from_utf8_lossy(&words).contains(&*self.pid.to_string_lossy());
        (ours && kill(Pid::from_raw(pid), None).is_ok()).then(|| Pid::from_raw(pid))
    }
}

#[async_trait::async_trait]
impl Power for Qemu {
    fn method(&self) -> &'static str {
        "qemu"
    }

    async fn switch(&self, target: &Target, action: Action, _gently: bool) -> Result<Manner, PowerError> {
        let files = Files::of(target);
        let end = async |pid| match ask(&files.qmp, "quit").await {
            Ok(()) => gone(&files, pid).await,
            Err(error) => Err(error),
        };
        match (action, files.running()) {
            (Action::On, Some(_)) | (Action::Off, None) => return Ok(Manner::Already),
            // It has nothing else to boot from than the network.
            (Action::On | Action::Pxe, None) => start(target, &self.conf, &files).await?,
            (Action::Reset | Action::Pxe, Some(_)) => ask(&files.qmp, "system_reset").await?,
            (Action::Cycle, Some(pid)) => {
                end(pid).await?;
                start(target, &self.conf, &files).await?;
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
        Ok(Some(if Files::of(target).running().is_some() { PowerState::On } else { PowerState::Off }))
    }

    async fn examine(&self, target: &Target, steps: &mut Steps) -> Result<(), Ill> {
        let bridge = &target.interface.name;
        let found = if is_bridge(bridge).await { Ok(()) } else { Err(no_bridge(bridge)) };
        steps.step("bridge", found, |()| format!("{bridge} is a bridge"))?;
        let words = words(target, &self.conf, &Files::of(target), "tap").map(drop);
        steps.step("firmware", words, |()| "its firmware is there".to_owned())
    }

    fn pace(&self) -> Duration {
        PACE
    }
}

async fn gone(files: &Files, pid: Pid) -> Result<(), PowerError> {
    let ended = async {
        while files.running().is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .map_err(|_| PowerError::new(format!("QEMU does not end (process {pid})"), format!("kill {pid}")))
}

async fn start(target: &Target, conf: &power::Qemu, files: &Files) -> Result<(), PowerError> {
    let failed = |doing: &str, error: std::io::Error| {
        PowerError::new(format!("{doing}: {error}"), "see that the folder of --run-dir can be written")
    };
    std::fs::create_dir_all(&target.run).map_err(|error| failed("making the run folder", error))?;
    for socket in [&files.qmp, &files.new_serial] {
        if let Err(Errno::ENAMETOOLONG) = UnixAddr::new(socket) {
            return Err(PowerError::new(
                format!("{} is too long for the path of a socket", socket.display()),
                "name another folder with --run-dir",
            ));
        }
    }
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

/// An interface's name has at most 15 characters.
fn tap_name(target: &Target) -> String {
    format!("px{:08x}", target.machine.address.to_bits())
}

/// Makes the tap interface and plugs it into the bridge.
async fn plug(tap: &str, bridge: &str) -> Result<(), PowerError> {
    if !is_bridge(bridge).await {
        return Err(no_bridge(bridge));
    }
    // What is left of an earlier run is of no use.
    let _ = ip(&["link", "delete", tap]).await;
    ip(&["tuntap", "add", tap, "mode", "tap"]).await?;
    ip(&["link", "set", tap, "master", bridge, "up"]).await
}

fn no_bridge(name: &str) -> PowerError {
    PowerError::new(
        format!("{name} is no bridge, so no virtual machine can be plugged into it"),
        "make the segment's interface a bridge: ip link add br0 type bridge",
    )
}

async fn is_bridge(name: &str) -> bool {
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

fn words(target: &Target, conf: &power::Qemu, files: &Files, tap: &str) -> Result<Vec<String>, PowerError> {
    let firmware = conf.firmware.or(target.machine.firmware).unwrap_or(Architecture::Bios);
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
    if firmware != Architecture::Bios {
        // It would wait half a minute for what is not served here.
        add("-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n".into());
    }
    if firmware == Architecture::UefiHttpX64 {
        // Without PXE before it, HTTP is the first that OVMF tries.
        add("-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n".into());
    }
    if firmware != Architecture::Bios {
        let there = |file: &str| Path::new(file).is_file();
        let known = if conf.secure { SECURE } else { OPEN };
        let Some((code, variables)) = known.into_iter().find(|(code, variables)| there(code) && there(variables))
        else {
            return Err(PowerError::new("the UEFI firmware for QEMU is not there", "apt install ovmf"));
        };
        std::fs::copy(variables, &files.variables).map_err(|error| {
            PowerError::new(format!("copying {variables}: {error}"), "see that the folder of --run-dir can be written")
        })?;
        add("-drive", format!("if=pflash,format=raw,readonly=on,file={code}"));
        add("-drive", format!("if=pflash,format=raw,file={}", escaped(&files.variables)));
    }
    words.extend(["-daemonize".to_owned(), "-nodefaults".to_owned()]);
    Ok(words)
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

/// Sends one command over QMP (QEMU machine protocol) and waits for its answer.
async fn ask(socket: &Path, command: &str) -> Result<(), PowerError> {
    let talk = async {
        let stream = UnixStream::connect(socket).await?;
        let (answers, mut out) = stream.into_split();
        let mut answers = BufReader::new(answers).lines();
        for execute in ["qmp_capabilities", command] {
            out.write_all(format!("{{\"execute\":\"{execute}\"}}\n").as_bytes()).await?;
            while let Some(line) = answers.next_line().await? {
                let answer: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(error) = answer.get("error") {
                    return Err(std::io::Error::other(error.to_string()));
                }
                if answer.get("return").is_some() {
                    break;
                }
            }
        }
        Ok(())
    };
    let told = tokio::time::timeout(PATIENCE, talk).await;
    told.unwrap_or_else(|_| Err(std::io::Error::other("no answer"))).map_err(|error| {
        PowerError::new(format!("QEMU at {}: {error}", socket.display()), "end the process named in its .pid file")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_path() {
        assert_eq!(escaped(Path::new("/a,b/run")), "/a,,b/run");
    }
}
