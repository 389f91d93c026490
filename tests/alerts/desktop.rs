//! The operator's desktop: dunst on a display and a session bus of a user who is not root, told by the program that is root.

use crate::{
    deliveries::{log, rule},
    orders::{alerts, said},
    support::{Display, Program, Running, SOON, Segment, can_run, wait_for},
};
use nix::unistd::{User, chown};
use serde_json::Value;
use std::{
    cell::Cell,
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

/// What shows notifications, with a time for each urgency: dunst's list has no word for it.
const DUNST: &str = "[global]\nmarkup = full\n[urgency_low]\ntimeout = 1000\n[urgency_normal]\ntimeout = 2000\n[urgency_critical]\ntimeout = 3000\n";

/// A user at a desktop; what is in `/run` for the program is this folder.
struct Desk {
    // First, so that they end before their folder goes.
    running: Vec<Running>,
    user: User,
    run: tempfile::TempDir,
    /// The number of the notification that was looked at last.
    last: Cell<Option<i64>>,
}

impl Desk {
    fn new() -> Desk {
        let user = User::from_name("nobody").unwrap().unwrap();
        let run = tempfile::tempdir().unwrap();
        fs::set_permissions(run.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let desk = Desk { user, run, last: Cell::default(), running: Vec::new() };
        fs::create_dir_all(desk.runtime()).unwrap();
        chown(&desk.runtime(), Some(desk.user.uid), Some(desk.user.gid)).unwrap();
        fs::set_permissions(desk.runtime(), fs::Permissions::from_mode(0o700)).unwrap();
        desk
    }

    /// `/run/user/UID`.
    fn runtime(&self) -> PathBuf {
        self.run.path().join("user").join(self.user.uid.to_string())
    }

    /// A program of the user's.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        let (uid, gid) = (self.user.uid, self.user.gid);
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]).arg(program);
        command.env("DBUS_SESSION_BUS_ADDRESS", self.bus()).env("HOME", self.runtime()).stdin(Stdio::null());
        command
    }

    fn bus(&self) -> String {
        format!("unix:path={}", self.runtime().join("bus").display())
    }

    /// The user logs in.
    fn log_in(&mut self, display: &Display) {
        let conf = self.runtime().join("dunstrc");
        fs::write(&conf, DUNST).unwrap();
        fs::set_permissions(&conf, fs::Permissions::from_mode(0o644)).unwrap();
        let mut bus = self.command("dbus-daemon");
        bus.args(["--session", "--nofork", "--address", &self.bus()]).stderr(Stdio::null());
        self.running.push(Running::spawn(&mut bus));
        wait_for("a session bus", SOON, || self.runtime().join("bus").exists().then_some(()));
        let mut dunst = self.command("dunst");
        dunst.arg("-conf").arg(conf).env("DISPLAY", &display.name).stderr(Stdio::null());
        self.running.push(Running::spawn(&mut dunst));
        wait_for("dunst", SOON, || self.dunstctl(&["is-paused"]));
    }

    fn dunstctl(&self, words: &[&str]) -> Option<String> {
        let output = self.command("dunstctl").args(words).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Waits for the next notification: its title, its text, and the seconds that it would be shown.
    fn shown(&self) -> (String, String, i64) {
        wait_for("a notification", SOON, || {
            self.dunstctl(&["count", "displayed"]).filter(|count| count.trim() == "1").map(drop)
        });
        self.dunstctl(&["close-all"]).unwrap();
        let last = wait_for("it is in the list", SOON, || {
            let list: Value = serde_json::from_str(&self.dunstctl(&["history"])?).unwrap();
            let newest = list["data"][0].as_array()?.iter().max_by_key(|one| one["id"]["data"].as_i64())?.clone();
            (newest["id"]["data"].as_i64() > self.last.replace(newest["id"]["data"].as_i64())).then_some(newest)
        });
        assert_eq!(last["appname"]["data"], "PXElator", "{last}");
        let text = |name: &str| last[name]["data"].as_str().unwrap().to_owned();
        (text("summary"), text("body"), last["timeout"]["data"].as_i64().unwrap() / 1_000_000)
    }
}

/// The program as sudo runs it for the user.
fn as_sudo(segment: &Segment, desk: &Desk) -> Program {
    let mut command = segment.command("sh");
    let line = "mount --bind \"$1\" /run && shift && exec \"$@\"";
    command.args(["-c", line, "sh"]).arg(desk.run.path()).arg(env!("CARGO_BIN_EXE_pxelator"));
    command.args(["run", "--headless", "--json"]).current_dir(segment.folder.path());
    let User { uid, gid, name, .. } = &desk.user;
    command.env("SUDO_UID", uid.to_string()).env("SUDO_GID", gid.to_string()).env("SUDO_USER", name);
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("XDG_RUNTIME_DIR").env_remove("DISPLAY");
    Program::spawn(command).until_it_listens()
}

#[test]
fn the_operators_desktop_shows_it() {
    if !can_run(&["Xvfb", "dbus-daemon", "dunst", "dunstctl", "logger", "notify-send", "setpriv"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-desk");
    let (display, mut desk) = (Display::open(), Desk::new());
    segment.conf("10.77.0.1/receivers/desk", "desktop");
    rule(&segment, "fan", "");
    rule(&segment, "lamp", "severity warning");
    let _program = as_sudo(&segment, &desk);
    let tried = alerts(&segment, &["try", "desk"]);
    assert_eq!(tried.status.code(), Some(1));
    let words = "see that the operator is logged in at a desktop of this host";
    assert!(
        said(&tried).contains("notify-send ended with exit status: 1: ") && said(&tried).contains(words),
        "{}",
        said(&tried)
    );

    desk.log_in(&display);
    let tried = alerts(&segment, &["try", "desk"]);
    assert_eq!(said(&tried), "desk was told by desktop\n");
    let text = "this is a test: alerts of this segment come here";
    assert_eq!(desk.shown(), ("test: segment 10.77.0.1: test".to_owned(), text.to_owned(), 1_000));

    // Nothing in it is markup, or what C takes a backslash for.
    log(&host, r"fan broken <b>&amp;</b> C:\new");
    let text = r"root: fan broken &lt;b&gt;&amp;amp;&lt;/b&gt; C:\new";
    assert_eq!(desk.shown(), ("web1: fan".to_owned(), text.to_owned(), 3_000));
    log(&host, "lamp broken");
    assert_eq!(desk.shown(), ("web1: lamp".to_owned(), "root: lamp broken".to_owned(), 2_000));
}
