//! Terminals in windows: the key is pressed in the real console, xterm opens on a display of the test's own, and what is
//! typed into it is found in the log of the session that screen or tmux holds.

use crate::support::{
    Display, Screen, Segment, can_run,
    display::{self, Window},
    vm::{self, Vm},
    wait_for,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pxelator::{desk::Palette, event::Service};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pxelator");

/// A console with a display, and sessions of its own.
struct Desk<'a> {
    segment: &'a Segment,
    display: Display,
    screen: Screen,
}

impl Desk<'_> {
    fn open<'a>(segment: &'a Segment, program: &str, environment: &str) -> Desk<'a> {
        let display = Display::open();
        let folder = segment.folder.path();
        for (name, mode) in [("home", 0o755), ("sockets", 0o700)] {
            fs::create_dir_all(folder.join(name)).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let at = folder.display();
        let own = format!(
            "HOME={at}/home SHELL=/bin/sh SCREENDIR={at}/sockets TMUX_TMPDIR={at}/sockets DISPLAY={}",
            display.name
        );
        let screen =
            Screen::open(segment, 120, 24, &format!("env -u XDG_CONFIG_HOME {own} {environment} {program} run"));
        screen.wait_until("all serves", |shown| {
            shown.contains("dhcp tftp http dns syslog radv") && shown.contains("10.77.0.60")
        });
        Desk { segment, display, screen }
    }

    /// As sudo starts it for [`NOBODY`]; and the program that is started, where he finds it, too.
    fn open_under_sudo(segment: &Segment) -> (Desk<'_>, PathBuf) {
        let folder = segment.folder.path();
        let program = folder.join("pxelator");
        fs::hard_link(PROGRAM, &program).or_else(|_| fs::copy(PROGRAM, &program).map(drop)).unwrap();
        let (user, group) = NOBODY;
        let nobody = format!("SUDO_UID={user} SUDO_GID={group} SUDO_USER=nobody SUDO_HOME={}/home", folder.display());
        let desk = Desk::open(segment, program.to_str().unwrap(), &nobody);
        chown(desk.sockets(), Some(user), Some(group)).unwrap();
        (desk, program)
    }

    fn log(&self, file: &str) -> String {
        let path = self.segment.folder.path().join("log").join(file);
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    fn wait_log(&self, file: &str, words: &str) {
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(words, crate::support::SOON, || self.log(file).contains(words).then_some(()));
        }));
        assert!(seen.is_ok(), "{words}: not in {file}:\n{}", self.log(file));
    }

    /// Waits for the only window with this title.
    fn window(&self, title: &str) -> Window {
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(title, crate::support::SOON, || match self.display.windows(title).as_slice() {
                [window] => Some(window.clone()),
                _ => None,
            })
        }));
        let windows = self.display.windows(".*");
        seen.unwrap_or_else(|_| panic!("{title}: no window of {windows:?}\n{}", self.screen.shown()))
    }

    /// What holds sessions: screen's own processes, named by their sockets.
    fn holders(&self) -> Vec<i32> {
        let names = fs::read_dir(self.sockets()).unwrap().flatten();
        let numbers = names.filter_map(|entry| entry.file_name().to_str()?.split_once(".px-")?.0.parse().ok());
        numbers.filter(|pid| kill(Pid::from_raw(*pid), None).is_ok()).collect()
    }

    fn sockets(&self) -> PathBuf {
        self.segment.folder.path().join("sockets")
    }

    fn colour(&self, address: &str) -> String {
        let (red, green, blue) = Palette::default().of_machine(address.parse().unwrap());
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// User and group that a process runs as.
fn runs_as(pid: i32) -> (u32, u32) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let numbers: Vec<u32> = line.split_whitespace().skip(1).map(|number| number.parse().unwrap()).collect();
        assert!(numbers.iter().all(|number| *number == numbers[0]), "{line}");
        numbers[0]
    };
    (of("Uid:"), of("Gid:"))
}

#[test]
fn a_window_on_a_machine_and_the_session_that_outlives_it() {
    if !can_run(display::NEEDED) {
        return;
    }
    let segment = Segment::new("window");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.conf("10.77.0.1/terminal", "shell");
    segment.conf("10.77.0.1/10.77.0.60/rack", "B 12; $(reboot)");
    let desk = Desk::open(&segment, PROGRAM, "PXELATOR_THEME=dark");
    let (screen, display) = (&desk.screen, &desk.display);
    let (title, log) = ("web1 10.77.0.60 shell", "web1/terminal-shell.log");

    screen.keys(&["t"]);
    let first = desk.window(title);
    let colour = desk.colour("10.77.0.60");
    wait_for("the machine's colour", crate::support::SOON, || (display.background(&first) == colour).then_some(()));
    display.type_line(&first, "echo typed in $PXE_HOSTNAME, $PXE_MAC, rack $PXE_RACK; kept=yes");
    desk.wait_log(log, "typed in web1, 52:54:00:00:00:60, rack B 12; $(reboot)");

    // A second window on the same session: what its shell knew, it knows.
    screen.keys(&["t"]);
    let second = wait_for("a second window", crate::support::SOON, || {
        display.windows(title).into_iter().find(|window| *window != first)
    });
    display.type_line(&second, "echo kept: $kept");
    desk.wait_log(log, "kept: yes");
    assert_eq!(desk.holders().len(), 1);

    for window in [&second, &first] {
        signal(display.pid(window), Signal::SIGKILL);
    }
    screen.wait("web1 10.77.0.60 shell: its window is closed, its session goes on; t opens it again");
    wait_for("no window", crate::support::SOON, || display.windows(title).is_empty().then_some(()));
    screen.keys(&["t"]);
    let third = desk.window(title);
    display.type_line(&third, "echo still: $kept");
    desk.wait_log(log, "still: yes");

    desk.holders().into_iter().for_each(|holder| signal(holder, Signal::SIGTERM));
    screen.wait("web1 10.77.0.60 shell: it has ended");
    screen.keys(&["t"]);
    let fourth = desk.window(title);
    display.type_line(&fourth, "echo anew: ${kept-no}; kept=again");
    desk.wait_log(log, "anew: no");
    // Killed, it leaves its socket, and a window that screen closes only after some seconds.
    desk.holders().into_iter().for_each(|holder| signal(holder, Signal::SIGKILL));
    screen.keys(&["t"]);
    let fifth = wait_for("a window of the next session", crate::support::SOON, || {
        display.windows(title).into_iter().find(|window| *window != fourth)
    });
    display.type_line(&fifth, "echo once more: ${kept-no}");
    desk.wait_log(log, "once more: no");
    // The log goes on where it was.
    assert!(desk.log(log).contains("kept: yes"));

    screen.keys(&["q"]);
    wait_for("the console's end", crate::support::SOON, || (screen.value("alternate_on") == "0").then_some(()));
    display.type_line(&fifth, "echo outlives the console: $((6 * 7))");
    desk.wait_log(log, "outlives the console: 42");
}

#[test]
fn words_of_a_machine_that_does_not_answer_stay() {
    if !can_run(&[display::NEEDED, &["ssh"]].concat()) {
        return;
    }
    let (segment, _web1) = Segment::with_web1("refused");
    segment.conf("10.77.0.1/10.77.0.60/terminal", "ssh -p 2222 root");
    let desk = Desk::open(&segment, PROGRAM, "");
    let settings = segment.folder.path().join("home/.config/pxelator");
    fs::create_dir_all(&settings).unwrap();
    let (screen, display) = (&desk.screen, &desk.display);
    let (title, log) = ("web1 10.77.0.60 ssh", "web1/terminal-ssh.log");
    for (holder, said) in [("screen", 1), ("tmux", 2)] {
        // Read anew each time.
        fs::write(settings.join("desk.toml"), format!("holder = \"{holder}\"\n")).unwrap();
        screen.keys(&["t"]);
        let window = desk.window(title);
        let refused = "ssh: connect to host 10.77.0.60 port 2222: Connection refused";
        let times = |words: &str, count: usize| {
            wait_for(words, crate::support::SOON, || (desk.log(log).matches(words).count() == count).then_some(()));
        };
        let ended = "[web1 10.77.0.60 ssh ended with code 255: enter starts it again, q and enter closes this]";
        times(ended, said * 2 - 1);
        display.type_line(&window, "");
        times(ended, said * 2);
        times(refused, said * 2);
        display.type_line(&window, "q");
        screen.wait("web1 10.77.0.60 ssh: it has ended");
        wait_for("no window", crate::support::SOON, || display.windows(title).is_empty().then_some(()));
        screen.keys(&["?"]);
        screen.wait("Keys that work here");
        screen.keys(&["Escape"]);
        screen.wait_until("the list again", |shown| !shown.contains("Keys that work here"));
    }
    fs::write(settings.join("desk.toml"), "terminal = \"xtrem\"\n").unwrap();
    screen.resize(240, 24);
    screen.keys(&["t"]);
    desk.window(title);
    screen.wait(
        "desk.toml, line 1: \"xtrem\" is not one of xterm, foot, kitty, alacritty, gnome-terminal, tmux; the defaults",
    );
}

#[test]
fn a_window_of_the_tmux_that_the_console_runs_in() {
    if !can_run(display::NEEDED) {
        return;
    }
    let segment = Segment::new("tmuxwin");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.conf("10.77.0.1/terminal", "shell");
    let desk = Desk::open(&segment, PROGRAM, "");
    let settings = segment.folder.path().join("home/.config/pxelator");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.join("desk.toml"), "terminal = \"tmux\"\n").unwrap();
    let screen = &desk.screen;
    screen.keys(&["t"]);
    wait_for("its window", crate::support::SOON, || {
        (screen.value("window_name") == "web1 10.77.0.60 shell").then_some(())
    });
    let style = format!("bg={},fg=#e8e8e8", desk.colour("10.77.0.60"));
    wait_for("its colours", crate::support::SOON, || (screen.value("window-style") == style).then_some(()));
    screen.text("echo typed in $PXE_HOSTNAME");
    screen.keys(&["Enter"]);
    desk.wait_log("web1/terminal-shell.log", "typed in web1");
    assert_eq!(desk.display.windows("web1.*"), []);
}

/// Whom sudo is said to be called by. He has no shell of his own, so that what he runs is what the program runs.
const NOBODY: (u32, u32) = (65534, 65534);

#[test]
fn under_sudo_all_runs_as_who_called_it() {
    if !can_run(&[display::NEEDED, &["ssh", "setpriv"]].concat()) {
        return;
    }
    let (segment, _web1) = Segment::with_web1("sudo");
    let (desk, program) = Desk::open_under_sudo(&segment);
    let folder = segment.folder.path();
    let (screen, display) = (&desk.screen, &desk.display);
    screen.resize(200, 24);
    let open_to_all =
        |yes| fs::set_permissions(folder, fs::Permissions::from_mode(if yes { 0o755 } else { 0o700 })).unwrap();
    open_to_all(false);
    screen.keys(&["t"]);
    screen.wait("log/web1: nobody cannot write it; name another folder with --log-dir");

    open_to_all(true);
    screen.keys(&["t"]);
    let window = desk.window("web1 10.77.0.60 ssh");
    desk.wait_log("web1/terminal-ssh.log", "ended with code 255");
    assert_eq!(runs_as(display.pid(&window)), NOBODY);
    let holders =
        wait_for("screen", crate::support::SOON, || Some(desk.holders()).filter(|holders| !holders.is_empty()));
    for holder in holders {
        assert_eq!(runs_as(holder), NOBODY);
    }
    assert_eq!(fs::metadata(folder.join("log/web1/terminal-ssh.log")).unwrap().uid(), NOBODY.0);
    assert_eq!(runs_as(program_of(&program)), (0, 0));

    // He reads the journal that root writes, too.
    screen.keys(&["T"]);
    let mut colours = BTreeSet::new();
    for service in Service::ALL {
        let window = desk.window(&format!("pxelator {service}"));
        assert_eq!(runs_as(display.pid(&window)), NOBODY);
        let (red, green, blue) = Palette::default().of_service(service);
        let wanted = format!("#{red:02x}{green:02x}{blue:02x}");
        wait_for("a service's colour", crate::support::SOON, || {
            display.show(&window);
            (display.background(&window) == wanted).then_some(())
        });
        colours.insert(wanted);
    }
    // The palette has twelve; after them they come again.
    assert_eq!(colours.len(), Service::ALL.len().min(12));
    for service in ["dhcp", "tftp", "http", "dns", "syslog", "radv"] {
        desk.wait_log(&format!("pxelator/terminal-{service}.log"), &format!("{service} listens on "));
    }
    segment.conf("10.77.0.1/lease", "soon");
    desk.wait_log("pxelator/terminal-conf.log", "10.77.0.1/lease");
}

#[test]
fn the_serial_console_of_a_virtual_machine() {
    if !can_run(&[display::NEEDED, vm::NEEDED].concat()) {
        return;
    }
    let segment = Segment::new("serial");
    vm::equip(&segment);
    let machine = Vm::new(&segment, 60, "bios1", "bios");
    // QEMU is root's, the console is his who called sudo.
    let (desk, _program) = Desk::open_under_sudo(&segment);
    let (screen, display) = (&desk.screen, &desk.display);
    let log = "bios1/terminal-serial.log";
    screen.keys(&["t"]);
    let window = desk.window("bios1 10.77.0.60 serial");
    desk.wait_log(log, "[serial console: waiting for the machine to be switched on; ctrl-] leaves]");

    screen.keys(&["o"]);
    desk.wait_log(log, "[serial console: connected; ctrl-] leaves]");
    machine.wait_until_up();
    desk.wait_log(log, "PRACTICE-UP bios1 10.77.0.60");
    display.type_line(&window, "echo typed in $(hostname): $((6 * 7))");
    desk.wait_log(log, "typed in bios1: 42");
    assert!(machine.console().contains("typed in bios1: 42"), "it is logged for all, too");

    display.type_line(&window, "poweroff -f");
    wait_for("it waits again", crate::support::SOON, || {
        (desk.log(log).matches("waiting for").count() == 2).then_some(())
    });
    display.key(&window, "ctrl+bracketright");
    screen.wait("bios1 10.77.0.60 serial: it has ended");
}

/// The process of a program that serves.
fn program_of(program: &Path) -> i32 {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let serves = |pid: &i32| {
        let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program)
            && words.split('\0').nth(1) == Some("run")
    };
    numbers.find(serves).unwrap()
}
