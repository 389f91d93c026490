//! Terminals inside the console: real programs run in them, what they draw is what they draw elsewhere, and their
//! sessions outlive the console.

use crate::support::{SOON, Screen, Segment, can_run, run, wait_for};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pxelator");
const NEEDED: [&str; 2] = ["tmux", "screen"];
/// Lines of the console above a terminal, and below it.
const ABOVE: usize = 3;
const AROUND: u16 = 4;

/// A console without a display, with sessions of its own.
struct Desk {
    segment: Segment,
    screen: Screen,
}

impl Desk {
    fn open(name: &str, width: u16, height: u16) -> Desk {
        let segment = Segment::new(name);
        segment.machine(60, "52:54:00:00:00:60", "web1");
        segment.machine(61, "52:54:00:00:00:61", "web2");
        segment.conf("10.77.0.1/terminal", "shell");
        let folder = segment.folder.path();
        for (name, mode) in [("home", 0o755), ("sockets", 0o700)] {
            fs::create_dir_all(folder.join(name)).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let screen = Desk::console(&segment, width, height, "");
        Desk { segment, screen }
    }

    fn console(segment: &Segment, width: u16, height: u16, environment: &str) -> Screen {
        let at = segment.folder.path().display().to_string();
        let own = format!("HOME={at}/home SHELL=/bin/sh PS1=ready: SCREENDIR={at}/sockets TMUX_TMPDIR={at}/sockets");
        let without = "-u XDG_CONFIG_HOME -u DISPLAY -u WAYLAND_DISPLAY -u ENV";
        let line = format!("echo $$ > pid; exec env {without} {own} {environment} {PROGRAM} run");
        let screen = Screen::open(segment, width, height, &line);
        screen.accept_clipboard();
        screen.wait("dhcp tftp http dns syslog radv");
        screen
    }

    /// Opens the first machine's terminal.
    fn terminal(&self) {
        self.screen.keys(&["t"]);
        self.screen.wait_until("a prompt in a terminal", |shown| {
            shown.contains("web1 10.77.0.60 shell") && body(shown).contains("ready:")
        });
    }

    /// Types a line into the terminal.
    fn line(&self, text: &str) {
        self.screen.text(text);
        self.screen.keys(&["Enter"]);
    }

    fn prefix(&self, key: &str) {
        self.screen.keys(&["C-]"]);
        self.screen.wait(" ctrl-] ");
        self.screen.keys(&[key]);
    }

    fn pid(&self) -> Pid {
        let text = fs::read_to_string(self.segment.folder.path().join("pid")).unwrap();
        Pid::from_raw(text.trim().parse().unwrap())
    }

    /// The process in a terminal of the console: of its others, which ask for sessions, none has a terminal of its own.
    fn client(&self) -> Pid {
        let pid = self.pid().to_string();
        let own = run(Command::new("ps").args(["-o", "tty=", "-p", &pid]));
        let children = run(Command::new("ps").args(["-o", "pid=,tty=", "--ppid", &pid]));
        let children = children.lines().filter_map(|line| line.trim().split_once(' '));
        let mut clients = children.filter(|(_, tty)| tty.trim() != own.trim() && tty.trim() != "?");
        Pid::from_raw(clients.next().unwrap().0.parse().unwrap())
    }

    /// The processes that hold sessions.
    fn holders(&self) -> Vec<Pid> {
        let names = fs::read_dir(self.sockets()).unwrap().flatten();
        let numbers = names.filter_map(|entry| entry.file_name().to_str()?.split_once(".px-")?.0.parse().ok());
        numbers.map(Pid::from_raw).filter(|pid| kill(*pid, None).is_ok()).collect()
    }

    fn sockets(&self) -> PathBuf {
        self.segment.folder.path().join("sockets")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for pid in self.holders() {
            let _ = kill(pid, Signal::SIGTERM);
        }
    }
}

/// What of the console's screen is the terminal's.
fn body(shown: &str) -> String {
    let lines: Vec<&str> = shown.lines().skip(ABOVE).map(str::trim_end).collect();
    lines[..lines.len().saturating_sub(1)].join("\n").trim_end().to_owned()
}

#[test]
fn an_editor_edits_in_it_and_the_prefix_leads_back() {
    if !can_run(&[&NEEDED[..], &["vim"]].concat()) {
        return;
    }
    let desk = Desk::open("inside", 80, 24);
    let screen = &desk.screen;
    desk.terminal();
    desk.line("clear; stty size; echo $PXE_HOSTNAME $((6 * 7))");
    screen.wait_until("the size and a sum", |shown| body(shown).contains("20 80\nweb1 42"));

    desk.line("vim -u NONE -N -n ../note");
    screen.wait_until("vim", |shown| body(shown).contains("\n~\n~"));
    screen.keys(&["i"]);
    screen.text("first line");
    screen.keys(&["Enter"]);
    screen.text("second lin");
    screen.keys(&["Up", "Home"]);
    screen.text("the ");
    screen.keys(&["C-Right", "Down", "End"]);
    screen.text("e ä");
    screen.wait_until("what is typed", |shown| body(shown).starts_with("the first line\nsecond line ä\n~"));
    screen.keys(&["Escape"]);
    screen.wait_until("no insert mode", |shown| !shown.contains("-- INSERT --"));
    // What is pasted from outside is one text, not keys.
    screen.text(":wq");
    screen.keys(&["Enter"]);
    let note = desk.segment.folder.path().join("note");
    let written = wait_for("the file", SOON, || fs::read_to_string(&note).ok().filter(|text| text.ends_with('\n')));
    assert_eq!(written, "the first line\nsecond line ä\n");
    screen.wait_until("the shell again", |shown| body(shown).ends_with("ready:"));

    screen.resize(100, 30);
    screen.wait_until("the terminal's new size", |shown| shown.lines().count() >= 29);
    wait_for("the program's new size", SOON, || {
        desk.line("clear; stty size");
        screen.shown().contains("26 100").then_some(())
    });

    // The prefix itself is for the program when it is typed twice.
    desk.line("clear; cat -v");
    screen.keys(&["C-]"]);
    screen.wait(" ctrl-] ");
    screen.keys(&["C-]", "Enter"]);
    screen.wait("^]");
    screen.keys(&["C-c"]);
    desk.prefix("?");
    screen.wait("back to the console");
    screen.keys(&["Escape"]);
    // Else the terminal may take escape and prefix for one key.
    screen.wait_until("the help is gone", |shown| !shown.contains("back to the console"));
    desk.prefix("z");
    screen.wait_until("the machines above", |shown| shown.contains("web2") && shown.contains("web1 10.77.0.60 shell"));
    desk.prefix("Escape");
    let back = screen.wait("Syslog 0");
    assert!(back.contains("web1 ▣") || back.contains("web1 t"), "{back}");

    // Once more the same terminal; a second one beside it; and the list of both.
    desk.terminal();
    desk.prefix("Escape");
    screen.wait("Syslog 0");
    screen.keys(&["j", "t"]);
    screen.wait("web2 10.77.0.61 shell");
    screen.wait("2/2");
    desk.prefix("n");
    screen.wait_until("the first", |shown| shown.contains("web1 10.77.0.60 shell") && shown.contains("1/2"));
    desk.prefix("l");
    let list = screen.wait("Terminals 2");
    assert!(list.contains("web1 10.77.0.60 shell") && list.contains("web2 10.77.0.61 shell"), "{list}");
    screen.keys(&["G", "x"]);
    screen.wait("End the session of web2 10.77.0.61 shell");
    screen.keys(&["y"]);
    screen.wait("ended");
    assert_eq!(wait_for("one session", SOON, || (desk.holders().len() == 1).then(|| desk.holders())).len(), 1);
}

#[test]
fn a_program_with_colours_and_a_flood() {
    if !can_run(&[&NEEDED[..], &["htop"]].concat()) {
        return;
    }
    let desk = Desk::open("colours", 100, 30);
    let screen = &desk.screen;
    desk.terminal();
    desk.line("htop");
    screen.wait_until("htop", |shown| body(shown).contains("F10") && body(shown).contains("Quit"));
    let coloured = screen.coloured();
    // The bar of its keys is black on cyan.
    assert!(coloured.lines().any(|line| line.contains("F10") && line.contains("48;5;6m")), "{coloured}");
    screen.keys(&["F10"]);
    screen.wait_until("the shell again", |shown| body(shown).ends_with("ready:"));

    // A flood takes neither the keys nor the memory.
    desk.line("yes flooded");
    screen.wait_until("the flood", |shown| body(shown).matches("flooded").count() > 20);
    desk.prefix("Escape");
    screen.wait("Syslog 0");
    screen.keys(&["j", "k"]);
    desk.terminal_again();
    let status = fs::read_to_string(format!("/proc/{}/status", desk.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 200 * 1024, "{line}");
    screen.keys(&["C-c"]);
    screen.wait_until("the shell again", |shown| body(shown).ends_with("ready:"));
}

impl Desk {
    fn terminal_again(&self) {
        self.screen.keys(&["t"]);
        self.screen.wait("web1 10.77.0.60 shell");
    }
}

#[test]
fn what_is_drawn_is_what_is_drawn_elsewhere() {
    if !can_run(&[&NEEDED[..], &["vttest"]].concat()) {
        return;
    }
    let desk = Desk::open("vttest", 80, 24 + AROUND);
    desk.terminal();
    desk.line("exec vttest");
    let at = desk.segment.folder.path().display().to_string();
    let plain = format!("SCREENDIR={at}/sockets screen -c {at}/run/screenrc -U -S plain -x -RR vttest");
    let plain = Screen::open(&desk.segment, 80, 24, &plain);
    let menu = "Enter choice number (0 - 12):";
    // The next page, once both show it.
    let page = |before: &str| {
        let (began, mut both) = (Instant::now(), (String::new(), String::new()));
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("the next page", SOON, || {
                let trimmed = |shown: String| shown.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
                both = (body(&desk.screen.shown()), trimmed(plain.shown()).trim_end().to_owned());
                let whole = [menu, "Push <RETURN>"].iter().any(|end| both.0.contains(end));
                // The page of 132 columns is that of 80 once more, where there are but 80.
                let is_next = both.0 != before || began.elapsed() > Duration::from_secs(2);
                (both.0 == both.1 && is_next && whole).then_some(())
            });
        }));
        assert!(seen.is_ok(), "inside:\n{}\nelsewhere:\n{}\nbefore:\n{before}", both.0, both.1);
        both.0
    };
    let both = |key: &str| {
        desk.screen.keys(&[key]);
        plain.keys(&[key]);
    };
    let mut shown = page("");
    // Cursor movements, then screen features. What screen itself does not do, it does in neither.
    for (choice, words) in [("1", "frame of E's"), ("2", "SAVE/RESTORE CURSOR")] {
        assert!(shown.contains(menu), "{shown}");
        both(choice);
        let mut pages = Vec::new();
        loop {
            both("Enter");
            shown = page(&shown);
            if shown.contains(menu) {
                break;
            }
            pages.push(shown.clone());
        }
        assert!(pages.len() >= 6 && pages.iter().any(|page| page.contains(words)), "{}", pages.join("\n"));
    }
}

#[test]
fn sessions_outlive_the_console_with_what_they_showed() {
    if !can_run(&NEEDED) {
        return;
    }
    let mut desk = Desk::open("outlive", 80, 24);
    desk.terminal();
    desk.line("kept=yes; for n in $(seq 1 200); do echo number $n ═; done");
    desk.screen.wait("number 200");
    // The log is written once a second.
    let log = desk.segment.folder.path().join("log/web1/terminal-shell.log");
    wait_for("the log", SOON, || fs::read_to_string(&log).ok()?.contains("number 200 ═").then_some(()));
    let console = desk.pid();
    kill(console, Signal::SIGKILL).unwrap();
    wait_for("the console's end", SOON, || kill(console, None).is_err().then_some(()));

    desk.screen = Desk::console(&desk.segment, 80, 24, "");
    let screen = &desk.screen;
    screen.keys(&["e"]);
    let list = screen.wait("runs, not shown");
    assert!(list.contains("Terminals 1") && list.contains("10.77.0.60 shell"), "{list}");
    screen.keys(&["Enter"]);
    screen.wait_until("the same session", |shown| body(shown).contains("number 200 ═\nready:"));
    desk.line("echo kept: $kept");
    screen.wait("kept: yes");

    // What went by before is there, each line once.
    desk.prefix("[");
    screen.wait("looking back");
    screen.keys(&["g"]);
    screen.wait_until("the first lines", |shown| body(shown).contains("\nnumber 1 ═\nnumber 2 ═\n"));
    let mut seen = String::new();
    for _ in 0..12 {
        seen.push_str(&body(&screen.shown()));
        screen.keys(&["PPage"]);
    }
    screen.keys(&["G"]);
    screen.wait_until("the last lines", |shown| body(shown).contains("number 200 ═\nready:echo kept"));
    // Marked with keys, copied, and pasted into the program.
    screen.keys(&["k", "0", "v", "l", "l", "l", "y"]);
    screen.wait("4 characters copied");
    wait_for("the clipboard", SOON, || (desk.screen.clipboard() == "kept").then_some(()));
    desk.prefix("v");
    screen.wait("ready:kept");
    screen.keys(&["C-u"]);

    // The wheel and the mouse: a drag copies.
    desk.line("clear; echo one two three");
    screen.wait_until("the words", |shown| body(shown).starts_with("one two three"));
    screen.text("\x1b[<0;5;4M");
    screen.text("\x1b[<32;6;4M");
    screen.text("\x1b[<32;7;4M");
    screen.text("\x1b[<0;7;4m");
    wait_for("what was dragged over", SOON, || (desk.screen.clipboard() == "two").then_some(()));
    screen.text("\x1b[<64;7;8M");
    screen.wait("looking back");
    screen.text("\x1b[<65;7;8M");
    screen.wait_until("the present", |shown| !shown.contains("looking back"));
}

#[test]
fn what_is_killed_is_told_and_can_be_opened_again() {
    if !can_run(&NEEDED) {
        return;
    }
    let desk = Desk::open("killed", 80, 24);
    let screen = &desk.screen;
    desk.terminal();
    desk.line("echo last words");
    screen.wait_until("words", |shown| body(shown).contains("\nlast words"));
    let holder = desk.holders()[0];
    kill(holder, Signal::SIGKILL).unwrap();
    let shown = screen.wait("screen or tmux was killed, its session has ended");
    assert!(body(&shown).contains("last words"), "{shown}");
    screen.keys(&["Enter"]);
    screen.wait_until("a new session", |shown| shown.contains("since") && body(shown).ends_with("ready:"));

    // The client alone: its session goes on.
    desk.line("kept=yes");
    kill(desk.client(), Signal::SIGKILL).unwrap();
    screen.wait("was ended: Killed, its session goes on; t opens it again");
    screen.keys(&["Enter"]);
    screen.wait("since");
    desk.line("echo kept: $kept");
    screen.wait("kept: yes");

    // The shell itself ends: so does the session.
    desk.line("exit");
    screen.wait("ended, its session has ended");
    screen.keys(&["Escape"]);
    screen.wait("Terminals 0");
    wait_for("no zombie is left", SOON, || {
        let children = Command::new("ps").args(["-o", "stat=", "--ppid", &desk.pid().to_string()]).output().unwrap();
        (!children.stdout.contains(&b'Z')).then_some(())
    });
}
