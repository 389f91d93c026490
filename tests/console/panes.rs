//! The console in a real terminal: what it shows of real packets, what its keys do, and that it gives the terminal back.

use crate::support::{Screen, Segment, can_run, wait_for};
use jiff::Timestamp;
use pxelator::{
    bus::Bus,
    command::{Command, Found},
    conf::Conf,
    console,
    event::{Event, Fact},
    journal::Journal,
    state::State,
};
use std::{fs, sync::Arc};
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pxelator");
/// What remembers how the terminal was, runs a program, and compares.
fn guarded(program: &str) -> String {
    format!("stty -g > before; {program}; echo ENDED $?; stty -g | cmp - before && echo RESTORED")
}

#[test]
fn a_stranger_is_seen_adopted_and_served() {
    if !can_run(&["tmux", "udhcpc"]) {
        return;
    }
    let segment = Segment::new("console");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    let screen = Screen::open(&segment, 80, 24, &format!("{PROGRAM} run"));
    let first = screen.wait("dhcp tftp http dns syslog radv");
    assert!(first.contains("10.77.0.1 test.lan") && first.contains("web1    10.77.0.60"), "{first}");

    let host = segment.host("guest", "52:54:00:00:00:99");
    let udhcpc = "udhcpc -i eth0 -n -q -t 2 -T 1 -s /bin/true";
    assert!(!host.sh(udhcpc).status.success(), "nothing is offered to strangers");
    screen.wait("not answered: not in conf, and");

    screen.keys(&["G", "a"]);
    let question = screen.wait("Adopt 52:54:00:00:00:99");
    assert!(question.contains("address   10.77.0.61"), "{question}");
    screen.keys(&["Tab"]);
    (0..30).for_each(|_| screen.keys(&["BSpace"]));
    screen.text("kiosk");
    screen.wait("name      kiosk");
    screen.keys(&["Enter"]);
    screen.wait("kiosk   10.77.0.61");
    let written = |file: &str| fs::read_to_string(segment.conf_dir().join("10.77.0.1/10.77.0.61").join(file)).unwrap();
    assert_eq!((written("mac"), written("hostname")), ("52:54:00:00:00:99\n".to_owned(), "kiosk\n".to_owned()));

    assert!(host.sh(udhcpc).status.success());
    screen.keys(&["Tab", "Tab"]);
    screen.wait_until("its lease", |shown| shown.contains("Leases 1") && shown.contains("kiosk"));
    screen.keys(&["Enter"]);
    screen.wait("leased 10.77.0.61 for 3600 s");
    // Escape and a key right behind it would be one key with Alt.
    screen.keys(&["Escape"]);
    screen.wait("Leases 1");
    screen.keys(&["Tab", "/"]);
    screen.text("adopted");
    screen.keys(&["Enter"]);
    screen
        .wait_until("the audit's line alone", |shown| shown.contains("adopted as kiosk") && shown.contains("Audit 1"));
}

#[test]
fn it_fits_any_size_and_goes_without_colour() {
    if !can_run(&["tmux"]) {
        return;
    }
    let segment = Segment::new("sizes");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    let screen = Screen::open(&segment, 80, 24, &format!("NO_COLOR=1 {PROGRAM} run"));
    screen.wait("web1");
    screen.resize(140, 45);
    screen.wait_until("all panes at once", |shown| {
        ["Machines 1", "Syslog 0", "Leases 0", "Audit"].iter().all(|pane| shown.contains(&format!("┌ {pane}")))
    });
    let colours: Vec<String> = sequences(&screen.coloured()).into_iter().filter(|code| is_colour(code)).collect();
    assert!(colours.is_empty(), "{colours:?}");
    screen.resize(80, 24);
    screen.wait_until("one pane", |shown| !shown.contains("Leases 0") && shown.contains("Machines 1"));
    screen.keys(&["?"]);
    screen.wait("Keys that work here");
}

/// The numbers of a screen's colour sequences: `38;5;1` of `\x1b[38;5;1m`.
fn sequences(screen: &str) -> Vec<String> {
    screen.split("\x1b[").skip(1).filter_map(|rest| Some(rest.split_once('m')?.0.to_owned())).collect()
}

fn is_colour(code: &str) -> bool {
    code.split(';').any(|n| n.parse().is_ok_and(|n: u32| (30..=38).contains(&n) || (40..=48).contains(&n) || n >= 90))
}

#[test]
fn the_terminal_is_given_back() {
    if !can_run(&["tmux", "stty"]) {
        return;
    }
    let segment = Segment::new("restore");
    for how in ["quit", "signal"] {
        let screen = Screen::open(&segment, 80, 24, &guarded(&format!("{PROGRAM} run")));
        screen.wait("dhcp tftp http dns syslog radv");
        assert_eq!((screen.value("alternate_on"), screen.value("mouse_any_flag")), ("1".to_owned(), "1".to_owned()));
        if how == "quit" {
            screen.keys(&["q"]);
        } else {
            let lock = segment.folder.path().join("journal.sqlite.lock");
            let pid = wait_for("the program that holds the journal", crate::support::SOON, || holder(&lock));
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM).unwrap();
        }
        let shown = screen.wait("RESTORED");
        assert!(shown.contains("ENDED 0"), "{how}: {shown}");
        assert_eq!(
            (screen.value("alternate_on"), screen.value("mouse_any_flag")),
            ("0".to_owned(), "0".to_owned()),
            "{how}"
        );
    }
}

/// The process that has a file open.
fn holder(file: &std::path::Path) -> Option<i32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()).find(|pid| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|path| path == file)
    })
}

#[test]
fn the_terminal_is_given_back_after_a_panic() {
    if !can_run(&["tmux", "stty"]) {
        return;
    }
    let segment = Segment::new("panic");
    let this = std::env::current_exe().unwrap();
    let child =
        format!("RUST_BACKTRACE=0 PANIC_HERE=1 {} panes::a_console_that_panics --exact --nocapture", this.display());
    let screen = Screen::open(&segment, 100, 30, &guarded(&child));
    let shown = screen.wait("RESTORED");
    assert!(shown.contains("panicked at") && shown.contains("ENDED 101"), "{shown}");
    assert_eq!((screen.value("alternate_on"), screen.value("mouse_any_flag")), ("0".to_owned(), "0".to_owned()));
}

/// Run by the test above in a terminal: a runtime without a clock makes the console panic once the terminal is its own.
#[test]
fn a_console_that_panics() {
    if std::env::var_os("PANIC_HERE").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let (_conf_sender, conf) = tokio::sync::watch::channel(Arc::new(Conf::default()));
    let (commands, _wishes) = tokio::sync::mpsc::channel::<Command>(1);
    let state = Arc::new(parking_lot::RwLock::new(State::default()));
    let (_gauges, replicas) = tokio::sync::watch::channel(Default::default());
    let past = console::Window::new().0;
    let (_found_sender, found) = tokio::sync::watch::channel(Arc::new(Found::default()));
    let shutdown = CancellationToken::new();
    let source = console::Source {
        trends: pxelator::trend::Trends::new("rrd".into()),
        state,
        replicas,
        conf,
        past,
        found,
        record: console::Record::new().0,
        desk: pxelator::desk::Desk::default(),
        commands,
        shutdown,
        note: None,
        read_only: false,
    };
    let _ = console::run(&source, Some("ansi16"), runtime.handle());
}

#[test]
fn a_filter_of_the_audit_finds_what_the_screen_has_forgotten() {
    if !can_run(&["tmux"]) {
        return;
    }
    let segment = Segment::new("find");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    // More than the screen begins with, and one of them long ago.
    let write = |events: Vec<Event>| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bus = Bus::default();
            let journal = Journal::open(&segment.journal()).unwrap();
            let thread = journal.write(bus.subscribe_durable("journal", 10_000), bus.clone()).unwrap();
            bus.store(events, crate::support::SOON).await.unwrap();
            bus.close();
            thread.join().unwrap();
        });
    };
    let ago = |hours| Timestamp::now() - jiff::SignedDuration::from_hours(hours);
    let address = Some("10.77.0.1".parse().unwrap());
    let adopted =
        |hostname: &str, time| Event { time, ..Event::new(address, Fact::ConfAdopted { hostname: hostname.into() }) };
    let mut events = vec![adopted("longago", ago(48))];
    events.extend((0..2_500).map(|number| adopted(&format!("kiosk{number}"), ago(1))));
    write(events);
    let screen = Screen::open(&segment, 100, 24, &format!("{PROGRAM} run"));
    screen.wait("dhcp tftp http dns syslog radv");
    screen.keys(&["BTab", "/"]);
    screen.text("kind=conf.adopted hostname=");
    screen.wait("column 28: expected a value after `=`");
    screen.keys(&["Enter"]);
    screen.text("longago");
    screen.wait("Audit 0");
    screen.keys(&["Enter"]);
    screen
        .wait_until("it is found", |shown| shown.contains("1 in the journal") && shown.contains("adopted as longago"));
}
