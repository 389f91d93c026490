//! A machine of conf with an installer's profile, a host with curl and a DHCP client of firmware, and the program.

use crate::support::{Host, Program, SOON, Segment, Station, WEB1, pxe, wait_for};
use dhcproto::v4::MessageType;
use pxelator::event::Fact;
use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

/// In the profile's `root.secret`.
pub const SECRET: &str = "correct-horse-battery";
/// Under which commands are.
pub const ZONE: &str = "do.test.lan";

/// A segment with web1, which is a host with curl and a DHCP client of firmware.
pub struct Lab {
    pub program: Option<Program>,
    station: Station,
    pub host: Host,
    pub token: String,
    pub segment: Segment,
}

impl Lab {
    pub fn new(name: &str) -> Lab {
        let (segment, host) = Segment::with_web1(name);
        for (file, value) in [
            ("install/kernel", "install/vmlinuz"),
            ("install/append", "token={{ token }}"),
            ("install/done", "url install/finished*\ndns stage.finished"),
            ("install/secret.cfg", "rootpw {{ secret.root }}"),
            ("install/other.cfg", "again {{ secret.root }}"),
            ("install/root.secret", SECRET),
            ("kiosk/kernel", "kiosk/vmlinuz"),
            ("kiosk/append", "token={{ token }}"),
        ] {
            segment.conf(&format!("boot/{file}"), value);
        }
        private(&segment, "boot/install/root.secret");
        segment.conf("10.77.0.1/10.77.0.60/boot", "kiosk");
        for file in ["install/vmlinuz", "install/finished", "kiosk/vmlinuz"] {
            segment.serve(file, "x".repeat(5_000));
        }
        let station = Station::on(&host, WEB1);
        let mut lab = Lab { program: None, station, host, token: String::new(), segment };
        lab.start();
        lab
    }

    /// Starts the program, after a crash of the one that runs.
    pub fn start(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
        self.program = Some(Program::start(&self.segment));
    }

    pub fn program(&self) -> &Program {
        self.program.as_ref().unwrap()
    }

    pub fn cli(&self, words: &[&str]) -> (Option<i32>, String) {
        let mut command = self.segment.command(env!("CARGO_BIN_EXE_pxelator"));
        let output = command.current_dir(self.segment.folder.path()).args(words).stdin(Stdio::null()).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), text.trim_end().to_owned())
    }

    pub fn arm(&self) {
        let (code, told) = self.cli(&["arm", "web1", "install"]);
        assert_eq!((code, told.as_str()), (Some(0), "web1: armed: boots install once, then local"));
    }

    /// What curl gets, and the code of the answer.
    pub fn get(&self, path: &str) -> (String, String) {
        get(&self.host, path)
    }

    /// Firmware comes; the script that it gets.
    pub fn boots(&mut self) -> String {
        let message = self.station.message(MessageType::Discover, pxe());
        self.station.insist(&message);
        let before = self.token.clone();
        let (script, token) = wait_for("a script of the next boot", SOON, || {
            let (code, script) = self.get("boot.ipxe");
            assert_eq!(code, "200", "{script}");
            let token = script.split("token=").nth(1).and_then(|rest| rest.split_whitespace().next());
            let token = token.unwrap_or_default().to_owned();
            (token.is_empty() || token != before).then_some((script, token))
        });
        self.token = token;
        script
    }

    /// Firmware comes and fetches the installer's kernel.
    pub fn installs(&mut self) {
        let mark = self.program().mark();
        // That it is armed may be told a moment before it is known to all.
        wait_for("the installer's script", SOON, || self.boots().contains("install/vmlinuz").then_some(()));
        assert_eq!(self.get("install/vmlinuz").0, "200");
        self.program().wait_since(mark, "a try", |event| matches!(event.fact, Fact::BootTried { .. }));
    }

    /// Does something with conf, and waits until that is read.
    pub fn conf(&self, work: impl FnOnce()) {
        let mark = self.program().mark();
        work();
        self.program().wait_since(mark, "conf is read", |event| matches!(event.fact, Fact::ConfLoaded { .. }));
    }

    /// Waits until the journal has so many events of a kind: what a crash then leaves.
    pub fn stored(&self, kind: &str, words: &str, times: usize) {
        wait_for(&format!("{kind} in the journal"), SOON, || {
            let log = self.cli(&["log", "-n", "1000", &format!("kind={kind}")]).1;
            (log.lines().filter(|line| line.contains(words)).count() >= times).then_some(())
        });
    }

    pub fn value(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.segment.conf_dir().join("10.77.0.1/10.77.0.60").join(name)).ok()?;
        Some(text.trim().to_owned())
    }

    /// The address that a command is answered with.
    pub fn says(&self, command: &str) -> String {
        self.asks(&format!("{command}.{}.{ZONE}", self.token))
    }

    pub fn asks(&self, name: &str) -> String {
        dig(&self.host, &format!("+short {name} A"))
    }
}

fn private(segment: &Segment, path: &str) {
    fs::set_permissions(segment.conf_dir().join(path), fs::Permissions::from_mode(0o600)).unwrap();
}

/// The code and the body that curl gets.
pub fn get(host: &Host, path: &str) -> (String, String) {
    let out = host.sh(&format!("curl -s -S -m 20 -w '\\n%{{http_code}}' http://10.77.0.1/{path}"));
    let text = String::from_utf8(out.stdout).unwrap();
    let (body, code) = text.rsplit_once('\n').unwrap_or_default();
    (code.to_owned(), body.to_owned())
}

/// What dig prints.
pub fn dig(host: &Host, words: &str) -> String {
    let out = host.sh(&format!("dig +time=15 +tries=1 @10.77.0.1 {words}"));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}
