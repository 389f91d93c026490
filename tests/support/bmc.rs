//! Baseboard management controllers in front of a QEMU machine: ipmi_sim of OpenIPMI, and the Redfish service of sushy-tools.
//! Neither is an imitation of ours; `./dev test` installs both.

use super::{Machine, Running, SOON, Segment, wait_for};
use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// For [`super::can_run`].
pub const SUSHY: &str = "sushy-tools";
/// For [`super::can_run`], beside [`super::vm::NEEDED`].
pub const IPMI: &[&str] = &["ipmi_sim", "ipmitool"];
/// Who may do all at either.
pub const LOGIN: &str = "admin:S3cret";

/// Where `./dev test` installs it: beside what cargo builds.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("redfish")
}

/// True where [`SUSHY`] is installed.
pub fn is_installed() -> bool {
    installed().join("requirements.txt").exists()
}

/// Writes who asks into a machine's folder of conf, for its owner alone: `ipmi.secret`.
pub fn write_secret(segment: &Segment, machine: &Machine, name: &str, login: &str) {
    let path = segment.conf_dir().join(machine.value(name));
    // Made before it gets its name, so that a watcher never finds one that others can read.
    let new = path.with_file_name(".new-secret");
    fs::write(&new, format!("{login}\n")).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&new, &path).unwrap();
}

/// A controller that speaks IPMI 1.5 and 2.0.
pub struct IpmiSim {
    // First, so that it ends before its folder goes.
    running: Option<Running>,
    folder: tempfile::TempDir,
    namespace: String,
    port: u16,
}

impl IpmiSim {
    /// Starts one before `machine`, in the segment's namespace, and writes who asks into `ipmi.secret`. What is left is to write
    /// [`IpmiSim::rung`] into its `power`.
    pub fn start(segment: &Segment, machine: &Machine) -> IpmiSim {
        let folder = tempfile::tempdir().unwrap();
        let port = 9_000 + u16::from(machine.address.octets()[3]);
        let script = folder.path().join("chassis");
        fs::write(&script, CHASSIS.replace("LINE", &machine.line())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let (user, password) = LOGIN.split_once(':').unwrap();
        let conf = CONF.replace("PORT", &port.to_string()).replace("SCRIPT", &script.display().to_string());
        fs::write(folder.path().join("lan.conf"), conf.replace("USER", user).replace("PASSWORD", password)).unwrap();
        fs::write(folder.path().join("commands"), COMMANDS).unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        write_secret(segment, machine, "ipmi.secret", LOGIN);
        let mut sim = IpmiSim { folder, namespace: segment.name.clone(), port, running: None };
        sim.restart();
        sim
    }

    /// Starts it again, and waits until it answers.
    pub fn restart(&mut self) {
        self.end();
        let said = fs::File::create(self.folder.path().join("said")).unwrap();
        // In its own place, so that what is ended is ipmi_sim.
        let mut command = Command::new("ip");
        command
            .args([
                "netns",
                "exec",
                &self.namespace,
                "ipmi_sim",
                "-n",
                "-c",
                "lan.conf",
                "-f",
                "commands",
                "-s",
                "state",
            ])
            .current_dir(self.folder.path())
            .stdout(said.try_clone().unwrap())
            .stderr(said);
        self.running = Some(Running::spawn(&mut command));
        wait_for("ipmi_sim answers", SOON, || {
            let asked = self.tool().args(["chassis", "power", "status"]).output().unwrap();
            asked.status.success().then_some(())
        });
    }

    /// Ends it, as one that lost its current.
    pub fn end(&mut self) {
        self.running = None;
    }

    /// The line of `power`. It does not tell its cipher suites, which ipmitool waits 10 s for where none is named.
    pub fn rung(&self) -> String {
        format!("ipmi 127.0.0.1:{} cipher=3", self.port)
    }

    /// ipmitool at it as who may do all.
    pub fn tool(&self) -> Command {
        let (user, password) = LOGIN.split_once(':').unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, "ipmitool", "-I", "lanplus", "-H", "127.0.0.1"]);
        command.args(["-p", &self.port.to_string(), "-U", user, "-E", "-C", "3", "-N", "1", "-R", "1"]);
        command.env("IPMI_PASSWORD", password);
        command
    }
}

const CONF: &str = r#"name "bmc"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 PORT
  priv_limit admin
  allowed_auths_callback none md2 md5
  allowed_auths_user none md2 md5
  allowed_auths_operator none md2 md5
  allowed_auths_admin none md2 md5
  guid a123456789abcdefa123456789abcdef
endlan
chassis_control "SCRIPT"
user 2 true "USER" "PASSWORD" admin 10 none md2 md5
"#;

const COMMANDS: &str = "mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
";

/// What ipmi_sim calls: `get power`, `set power 1`, `check boot`, …
const CHASSIS: &str = r#"#!/bin/sh
line="LINE"
verb=$1
shift
case $verb in
    get)
        for name; do
            case $name in
                power) echo "power:$($line state)" ;;
                boot) echo "boot:$(cat "$0.boot" 2> /dev/null || echo none)" ;;
                *) exit 1 ;;
            esac
        done
        ;;
    set)
        while [ $# -gt 1 ]; do
            case $1-$2 in
                power-1) $line on ;;
                power-0) $line off ;;
                reset-*) $line reset ;;
                shutdown-*) $line soft ;;
                boot-*) echo "$2" > "$0.boot" && $line boot "$2" ;;
                *) exit 1 ;;
            esac || exit 1
            shift 2
        done
        ;;
    check) for name; do case $name in power | reset | shutdown | boot) ;; *) exit 1 ;; esac; done ;;
esac
"#;

/// A Redfish service.
pub struct Redfish {
    // First, so that it ends before its folder goes.
    running: Option<Running>,
    folder: tempfile::TempDir,
    namespace: String,
    port: u16,
    tls: bool,
}

/// What a service is to be.
#[derive(Clone, Copy, Default)]
pub struct Service<'a> {
    /// By TLS, with a certificate of its own.
    pub tls: bool,
    /// Systems beside the machine's.
    pub others: usize,
    /// The hardware address that it tells; none for the machine's.
    pub mac: Option<&'a str>,
}

/// The path of the machine's system.
pub const SYSTEM: &str = "/redfish/v1/Systems/27946b59-9e44-4fa7-8e91-f3527a1ef094";

impl Redfish {
    /// Starts one before `machine`, in the segment's namespace, and writes who asks into `redfish.secret`. What is left is to write
    /// [`Redfish::rung`] into its `power`, and with TLS [`Redfish::fingerprint`] into `redfish.pin`.
    pub fn start(segment: &Segment, machine: &Machine, service: Service) -> Redfish {
        assert!(is_installed(), "tests/redfish/install puts it into {}", installed().display());
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let port = 8_000 + u16::from(machine.address.octets()[3]);
        let hash = "import bcrypt, sys; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(4)).decode())";
        let (user, password) = LOGIN.split_once(':').unwrap();
        let hash = super::run(Command::new(installed().join("bin/python")).args(["-c", hash, password]));
        fs::write(at("auth"), format!("{user}:{hash}")).unwrap();
        fs::create_dir(at("state")).unwrap();
        let mut settings = serde_json::json!({
            "listen": "127.0.0.1", "port": port, "line": machine.line(), "name": machine.hostname,
            "uuid": SYSTEM.rsplit_once('/').unwrap().1, "mac": service.mac.unwrap_or(&machine.mac),
            "state": at("state"), "auth": at("auth"), "others": service.others,
        });
        if service.tls {
            settings["certificate"] = at("certificate").into();
            settings["key"] = at("key").into();
        }
        fs::write(at("settings"), settings.to_string()).unwrap();
        write_secret(segment, machine, "redfish.secret", LOGIN);
        let mut redfish = Redfish { folder, namespace: segment.name.clone(), port, tls: service.tls, running: None };
        if service.tls {
            redfish.renew_certificate();
        }
        redfish.restart();
        redfish
    }

    /// Starts it again, and waits until it takes connections.
    pub fn restart(&mut self) {
        self.end();
        let said = fs::File::create(self.folder.path().join("said")).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redfish/service.py");
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.namespace])
            .arg(installed().join("bin/python"))
            .arg(script)
            .arg("settings")
            .current_dir(self.folder.path())
            .stdout(said.try_clone().unwrap())
            .stderr(said);
        self.running = Some(Running::spawn(&mut command));
        let at = SocketAddr::from(([127, 0, 0, 1], self.port));
        let namespace = Path::new("/run/netns").join(&self.namespace);
        wait_for("the Redfish service takes connections", 3 * SOON, || {
            if let Some(ended) = self.running.as_mut().unwrap().child().try_wait().unwrap() {
                panic!("the Redfish service ended with {ended}:\n{}", self.said());
            }
            super::segment::inside_of(&namespace, || TcpStream::connect(at)).is_ok().then_some(())
        });
    }

    /// Ends it, as one that lost its current.
    pub fn end(&mut self) {
        self.running = None;
    }

    /// What it printed: each request in a line.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    /// The line of `power`, without a path.
    pub fn rung(&self) -> String {
        self.rung_at("")
    }

    /// The line of `power` with this path.
    pub fn rung_at(&self, path: &str) -> String {
        format!("redfish {}://127.0.0.1:{}{path}", if self.tls { "https" } else { "http" }, self.port)
    }

    /// Makes another certificate, which is shown after a restart.
    pub fn renew_certificate(&self) {
        let mut command = Command::new("openssl");
        command.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]);
        command.args(["-subj", "/CN=bmc.test.lan", "-out", "certificate", "-keyout", "key"]);
        super::run(command.current_dir(self.folder.path()));
    }

    /// SHA-256 of its certificate, as `redfish.pin` has it.
    pub fn fingerprint(&self) -> String {
        let mut command = Command::new("openssl");
        command.args(["x509", "-in", "certificate", "-noout", "-fingerprint", "-sha256"]);
        let shown = super::run(command.current_dir(self.folder.path()));
        shown.trim().rsplit_once('=').unwrap().1.replace(':', "").to_lowercase()
    }
}
