//! The operator's own keys, the palette, `--read-only` and the console of lines, in the real program.

use crate::support::{SOON, Screen, Segment, can_run, vm, wait_for};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pxelator");
/// A home of the test's own.
const AT_HOME: &str = "env -u XDG_CONFIG_HOME -u XDG_STATE_HOME -u SUDO_UID HOME=$PWD/home";
/// The same under sudo: of a user who is not root.
const UNDER_SUDO: &str =
    "env -u XDG_CONFIG_HOME -u XDG_STATE_HOME SUDO_UID=4711 SUDO_GID=4711 SUDO_USER=ann SUDO_HOME=$PWD/home";
const SERVERS: &str = "dhcp tftp http dns syslog radv";

/// Writes the operator's keys, whole at once.
fn write_keys(segment: &Segment, text: &str) {
    let folder = segment.folder.path().join("home/.config/pxelator");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("new"), text).unwrap();
    fs::rename(folder.join("new"), folder.join("keys.toml")).unwrap();
}

#[test]
fn keys_are_the_operators_own_while_the_console_runs() {
    if !can_run(&["tmux"]) {
        return;
    }
    let segment = Segment::new("keys");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    write_keys(&segment, "help = 'f1'\n");
    let screen = Screen::open(&segment, 140, 30, &format!("{AT_HOME} {PROGRAM} run"));
    screen.wait(SERVERS);
    screen.wait("f1 help");
    screen.keys(&["F1"]);
    screen.wait("Keys that work here");
    screen.keys(&["x"]);
    // A name with a mistake, and a key of two actions: told with the line, and the rest is in force.
    write_keys(&segment, "help = 'ctrl-g'\nzoom = 'q'\npower_on = 'x'\n");
    screen.wait("keys.toml: 2 mistakes; ! tells");
    screen.wait("2 troubles: !");
    screen.keys(&["!"]);
    screen.wait("keys.toml: line 2: zoom: q is the key of quit");
    screen.wait("line 3: \"power_on\" is no action: did you mean power-on?");
    screen.keys(&["x"]);
    screen.wait("ctrl-g help");
    screen.keys(&["C-g"]);
    screen.wait("Keys that work here");
    screen.keys(&["x"]);
    // One that is no TOML leaves the keys as they were.
    write_keys(&segment, "help = 'f5\n");
    screen.wait("keys.toml cannot be read; ! tells");
    screen.keys(&["C-g"]);
    screen.wait("Keys that work here");
    screen.keys(&["x"]);
    write_keys(&segment, "troubles = 'W'\nhelp = ['?', 'f6']\n");
    screen.wait_until("nothing is wrong", |shown| shown.contains("keys.toml now") && !shown.contains("trouble"));
    screen.keys(&["F6"]);
    screen.wait("? f6");
    screen.keys(&["x"]);
    fs::remove_file(segment.folder.path().join("home/.config/pxelator/keys.toml")).unwrap();
    screen.wait("keys.toml is gone");
    screen.keys(&["q"]);
    screen.wait_until("the end", |shown| !shown.contains("PXElator"));
}

#[test]
fn the_keys_are_printed_as_a_file() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join(".config/pxelator/keys.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let keys = || {
        let mut command = Command::new(PROGRAM);
        command.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME").env_remove("SUDO_UID").arg("keys");
        let output = command.output().unwrap();
        let told = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), told(output.stdout), told(output.stderr))
    };
    fs::write(&config, "power-on = 'ctrl-o'\n").unwrap();
    let (code, printed, wrong) = keys();
    assert_eq!((code, wrong.as_str()), (Some(0), ""));
    assert!(printed.contains("\npower-on = \"ctrl-o\""), "{printed}");
    // What is printed can be the file.
    fs::write(&config, &printed).unwrap();
    assert_eq!(keys(), (Some(0), printed, String::new()));
    fs::write(&config, "quit = []\n").unwrap();
    let (code, _, wrong) = keys();
    assert!(code == Some(1) && wrong.contains("line 1: quit cannot be without any key"), "{wrong}");
}

#[test]
fn the_palette_opens_switches_and_remembers() {
    if !can_run(&["tmux"]) {
        return;
    }
    let segment = Segment::new("palette");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    let folder = segment.folder.path();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.join("home")).unwrap();
    chown(folder.join("home"), Some(4711), Some(4711)).unwrap();
    let open = || Screen::open(&segment, 100, 30, &format!("{UNDER_SUDO} {PROGRAM} run; echo ENDED $?"));
    let screen = open();
    screen.wait(SERVERS);
    screen.keys(&[":"]);
    screen.wait("Palette");
    screen.text("pag we");
    screen.wait("page web1");
    screen.keys(&["Enter"]);
    screen.wait("No boot yet");
    screen.keys(&[":"]);
    screen.text("power on web1");
    screen.keys(&["Enter"]);
    screen.wait("power.accepted");
    screen.keys(&[":"]);
    screen.text("power on nosuch");
    screen.keys(&["Enter"]);
    screen.wait("no machine is called \"nosuch\"");
    screen.keys(&["Escape"]);
    screen.wait_until("it is closed", |shown| !shown.contains("Palette"));
    screen.keys(&[":"]);
    screen.text("quit");
    screen.keys(&["Enter"]);
    screen.wait("1 boot is under way");
    screen.keys(&["y"]);
    screen.wait("ENDED 0");
    drop(screen);
    let kept = folder.join("home/.local/state/pxelator/palette");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "page web1\npower on web1\nquit\n");
    assert_eq!(fs::metadata(&kept).unwrap().uid(), 4711, "it is his, not root's");

    let screen = open();
    screen.wait(SERVERS);
    screen.keys(&[":", "Up", "Up", "Up"]);
    screen.wait(":page web1");
    screen.keys(&["Enter"]);
    screen.wait("power by wol");
    screen.wait("Heard last");
}

#[test]
fn a_console_that_is_read_only_changes_nothing() {
    if !can_run(&["tmux"]) {
        return;
    }
    let segment = Segment::new("locked");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    let screen = Screen::open(&segment, 100, 30, &format!("{AT_HOME} {PROGRAM} run --read-only; echo ENDED $?"));
    let first = screen.wait(SERVERS);
    assert!(first.contains("read-only") && !first.contains("o power on"), "{first}");
    screen.keys(&["o"]);
    screen.wait("read-only: nothing is changed from here");
    screen.keys(&["j"]);
    screen.wait_until("the word is gone", |shown| !shown.contains("nothing is changed"));
    screen.keys(&[":"]);
    screen.text("power on web1");
    screen.keys(&["Enter"]);
    screen.wait("read-only: nothing is changed from here");
    screen.keys(&["q"]);
    screen.wait("ENDED 0");
    let log = Command::new(PROGRAM).current_dir(segment.folder.path()).args(["log"]).output().unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    assert!(log.contains("conf read: 1 machine") && !log.contains("power"), "{log}");
}

/// The console of lines, driven through pipes.
struct Lines {
    child: Child,
    input: Option<ChildStdin>,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Lines {
    fn open(mut command: Command, words: &[&str]) -> Lines {
        command.args(words).arg("--plain").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut output, told) = (child.stdout.take().unwrap(), seen.clone());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                told.lock().unwrap().extend(&bytes[..count]);
            }
        });
        let input = child.stdin.take();
        Lines { child, input, seen }
    }

    fn run(segment: &Segment, words: &[&str]) -> Lines {
        let mut command = segment.command(PROGRAM);
        command.current_dir(segment.folder.path()).arg("run");
        Lines::open(command, words)
    }

    fn said(&self) -> String {
        String::from_utf8(self.seen.lock().unwrap().clone()).unwrap()
    }

    /// Types a line, and waits until all of `words` were said after it.
    fn ask(&mut self, line: &str, words: &[&str]) -> String {
        let before = self.said().len();
        self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
        self.wait_behind(before, line, words)
    }

    fn wait(&self, words: &str) -> String {
        self.wait_behind(0, words, &[words])
    }

    fn wait_behind(&self, before: usize, what: &str, words: &[&str]) -> String {
        let all = || Some(self.said().split_off(before)).filter(|said| words.iter().all(|word| said.contains(word)));
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wait_for(what, SOON, all)));
        found.unwrap_or_else(|_| panic!("{what}: {words:?} not said:\n{}", self.said()))
    }

    /// Asks until all of `words` are said: an event may be told a moment before the state has it.
    fn ask_until(&mut self, line: &str, words: &[&str]) {
        wait_for(&format!("{line}: {words:?}"), SOON, || {
            let before = self.said().len();
            // A line that is no order ends what is said to the one before it.
            self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
            self.ask("no-order", &["\"no-order\" is no order"]);
            let all = self.said().split_off(before);
            words.iter().all(|word| all.contains(word)).then_some(())
        });
    }

    fn end(&mut self) -> ExitStatus {
        wait_for("the end", SOON, || self.child.try_wait().unwrap())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

#[test]
fn all_facts_are_said_in_lines() {
    if !can_run(&["udhcpc", "logger"]) {
        return;
    }
    let segment = Segment::new("lines");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    segment.conf("10.77.0.1/lease", "soon");
    let host = segment.host("web1", "52:54:00:00:00:60");
    let mut lines = Lines::run(&segment, &[]);
    lines.wait("service.started: dhcp listens");
    assert!(host.sh("udhcpc -i eth0 -n -q -t 5 -T 1 -s /bin/true").status.success());
    lines.wait("web1 info dhcp.acknowledged: leased 10.77.0.60");
    host.address("10.77.0.60");
    assert!(
        host.sh("logger -n 10.77.0.1 -P 514 -d -p daemon.err -t nginx '└─ no \u{1b}[31mhost key'").status.success()
    );
    lines.wait("web1 err syslog.received: nginx: -- no");
    lines.ask_until("machines", &["Machines: 1\n", "web1, 10.77.0.60, 52:54:00:00:00:60", "power by wol"]);
    lines.ask_until("leases", &["Leases: 1\n", "10.77.0.60, 52:54:00:00:00:60, web1, of conf", " left\n"]);
    lines.ask_until("syslog", &["Syslog: 1\n", "web1 err syslog.received: nginx: -- no"]);
    lines.ask("syslog severity<=crit", &["Syslog with \"severity<=crit\": no line fits"]);
    // The filter's own language, and the journal.
    lines.ask("audit kind=dhcp.acknowledged", &["searching the journal", "Audit with \"kind=dhcp.acknowledged\": 1\n"]);
    let page = lines.ask("machine web1", &["web1: ", "power by wol", "Heard last", "Logged last", "nginx: -- no"]);
    assert!(page.contains("dhcp.acknowledged leased 10.77.0.60"), "{page}");
    lines.ask("troubles", &["10.77.0.1/lease: \"soon\" is not a duration", "What to do: correct the file"]);
    lines.ask("servers", &["dhcp of 10.77.0.1 runs: UDP port 67 of br0"]);
    lines.ask("segments", &["10.77.0.1 test.lan, mode authoritative"]);
    lines.ask("replicas", &["no database is named in conf"]);
    lines.ask("power on web1", &["asked for", "power.accepted"]);
    lines.ask("adopt 52:54:00:00:00:60 10.77.0.61 web2", &["52:54:00:00:00:60"]);
    lines.ask("at -1h", &["this is the past: "]);
    lines.ask("machines", &["Machines: no machine"]);
    lines.ask("now", &["this is the present"]);
    lines.ask("machines", &["Machines: 1\n"]);
    lines.ask("quiet", &["not told any more"]);
    lines.ask("help", &["machine MACHINE: all that is known of it", "quit: ends the program"]);
    lines.ask("hepl", &["\"hepl\" is no order: did you mean help?"]);
    // The machine that was switched on boots.
    lines.ask("quit", &["1 boot is under way", "y quits"]);
    lines.ask("y", &[]);
    assert!(lines.end().success());
    let said = lines.seen.lock().unwrap().clone();
    assert!(!said.contains(&0x1b), "an escape sequence");
    let said = String::from_utf8(said).unwrap();
    assert!(!said.chars().any(|c| ('\u{2500}'..='\u{259f}').contains(&c)), "a box is drawn: {said}");
    assert!(!said.contains("> "), "nobody sits there to be prompted: {said}");
}

#[test]
fn lines_go_on_without_orders_and_end_with_their_reader() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("pipes");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    let mut lines = Lines::run(&segment, &["--read-only"]);
    lines.wait("conf read: 1 machine");
    lines.ask_until("machines", &["web1, "]);
    lines.ask("power on web1", &["read-only: nothing is changed from here"]);
    // The end of orders is not that of the program.
    lines.input = None;
    segment.machine(61, "52:54:00:00:00:61", "web2");
    lines.wait("conf read: 2 machines");
    kill(Pid::from_raw(lines.child.id() as i32), Signal::SIGTERM).unwrap();
    assert!(lines.end().success());

    // Who has read enough closes the pipe.
    let mut command = segment.command(PROGRAM);
    command.current_dir(segment.folder.path()).args(["run", "--plain"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let _ = child.stdin.as_mut().unwrap().write_all(b"machines\n");
    assert!(wait_for("the end", SOON, || child.try_wait().unwrap()).success());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(told, "");
}

#[test]
fn a_running_machine_is_switched_off_after_a_question() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("asked");
    vm::Vm::new(&segment, 60, "bios1", "bios");
    let mut command = Command::new(PROGRAM);
    command.current_dir(segment.folder.path()).arg("practice");
    let mut lines = Lines::open(command, &[]);
    lines.wait("info power.observed: is off");
    lines.ask_until("machines", &["bios1, "]);
    lines.ask("power on bios1", &["power.accepted", "power.confirmed"]);
    let process: PathBuf = segment.folder.path().join("run/10.77.0.60.pid");
    assert!(process.exists());
    lines.ask("power off bios1", &["bios1: It runs. Switch it off?"]);
    lines.ask("no", &["left as it is"]);
    lines.ask_until("machines", &["power on"]);
    lines.ask("power off bios1", &["y does it"]);
    lines.ask("y", &["asked for", "power.confirmed: power off by qemu"]);
    lines.ask_until("machines", &["power off"]);
    lines.ask("quit", &[]);
    if lines.said().contains("y quits") {
        lines.ask("y", &[]);
    }
    assert!(lines.end().success());
}

#[test]
fn at_a_terminal_there_is_a_prompt_and_control_d_leaves() {
    if !can_run(&["tmux"]) {
        return;
    }
    let segment = Segment::new("dumb");
    let screen = Screen::open(&segment, 100, 30, &format!("TERM=dumb {PROGRAM} run --plain; echo ENDED $?"));
    screen.wait("radv listens");
    // Events may come between the prompt, what is typed, and its answer: which they stand beside is chance.
    screen.text("servers");
    screen.keys(&["Enter"]);
    let shown = screen.wait("Servers: ");
    assert!(shown.lines().any(|line| line.starts_with('>')), "a prompt: {shown}");
    assert!(shown.contains("servers"), "what was typed: {shown}");
    screen.keys(&["C-d"]);
    screen.wait("ENDED 0");
}
