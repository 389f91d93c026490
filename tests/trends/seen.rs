//! Graphs as they are looked at: pictures by the command line, curves in the console, a hole where a machine was down.

use crate::{
    SERVER, WEB1, known, pxelator, says,
    support::{Program, Screen, Segment, can_run, run},
    trends, wait_until,
};
use pxelator::sample::Of;
use std::{fs, process::Command};

#[test]
fn pictures_and_numbers() {
    if !can_run(&["rrdtool"]) {
        return;
    }
    let segment = Segment::new("pictures");
    assert!(says(&segment, 0, &["graph"]).contains("nothing is measured yet"));
    assert!(says(&segment, 2, &["graph", "10.77.0.1"]).contains("nothing is measured of 10.77.0.1 yet"));
    let program = Program::start(&segment);
    wait_until(&segment, Of::Segment(SERVER), "dns", |series| !known(series, "answered").is_empty());
    drop(program);
    let read = |name: &str| fs::read(segment.folder.path().join(name)).unwrap();
    says(&segment, 0, &["graph", "10.77.0.1", "dns", "--since", "-10min"]);
    assert!(read("10.77.0.1-dns.png").starts_with(b"\x89PNG"));
    says(&segment, 0, &["graph", "10.77.0.1", "dns", "--dark", "--out", "dns.svg"]);
    let svg = String::from_utf8(read("dns.svg")).unwrap();
    assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    let printed = pxelator(&segment, &["graph", "pxelator", "process", "--out", "-"]);
    assert!(printed.stdout.starts_with(b"\x89PNG"), "{}", String::from_utf8_lossy(&printed.stderr));
    let numbers = says(&segment, 0, &["graph", "10.77.0.1", "dns", "--json", "--since", "-10min"]);
    let numbers: serde_json::Value = serde_json::from_str(&numbers).unwrap();
    assert_eq!((&numbers["step"], &numbers["lines"][0]["name"]), (&10.into(), &"answered".into()), "{numbers}");
    for (words, expected) in [
        (["graph", "nobody", "dns"].as_slice(), "nobody"),
        (&["graph", "10.77.0.1", "dns", "--out", "dns.gif"], "FILE.png"),
        (&["graph", "10.77.0.1", "dns", "--since", "yesteryear"], "-2h"),
        (&["graph", "10.77.0.1", "dns", "--since", "2999-01-01"], "before"),
    ] {
        assert!(says(&segment, 2, words).contains(expected), "{words:?}");
    }
    says(&segment, 0, &["graph", "pxelator", "process", "--value", "memory", "--out", "memory.png"]);
    let missing = says(&segment, 1, &["graph", "pxelator", "process", "--value", "disk"]);
    assert!(missing.contains("the value disk of process") && missing.contains("memory"), "{missing}");
    let missing = says(&segment, 1, &["graph", "10.77.0.1", "nothing"]);
    assert!(missing.contains("nothing is known of nothing") && missing.contains("dns"), "{missing}");
}

#[test]
fn a_machine_that_was_unplugged_is_a_hole() {
    if !can_run(&["rrdtool"]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("hole");
    segment.conf("10.77.0.1/10.77.0.60/checks", "ping every 5s");
    let program = Program::start(&segment);
    let last = |series: &pxelator::trend::Series| {
        let values = &series.lines[0].values;
        // The last moments may not be written yet.
        values.iter().rev().skip_while(|value| value.is_none()).count()
    };
    let before = wait_until(&segment, WEB1, "ping", |series| !known(series, "rtt").is_empty());
    assert!(known(&before, "loss").iter().all(|loss| *loss == 0.0), "{before:?}");
    let plug = |state: &str| {
        let words = ["-n", segment.name.as_str(), "link", "set", "h-web1", state];
        run(Command::new("ip").args(words));
    };
    plug("down");
    wait_until(&segment, WEB1, "ping", |series| known(series, "loss").iter().filter(|loss| **loss > 0.99).count() >= 2);
    plug("up");
    let series = wait_until(&segment, WEB1, "ping", |series| !series.holes().is_empty());
    assert!(last(&series) > 0 && known(&series, "rtt").len() >= 2, "{series:?}");
    drop(program);
    let png = says(&segment, 0, &["graph", "web1", "ping", "--since", "-10min"]);
    assert!(png.contains("web1-ping.png"), "{png}");
}

#[test]
fn curves_in_the_console() {
    if !can_run(&["rrdtool", "tmux"]) {
        return;
    }
    let segment = Segment::new("curves");
    segment.machine(60, "52:54:00:77:00:60", "web1");
    // A day that was, in a file as the program writes it.
    let file = trends(&segment).file(WEB1, "ping");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let now = jiff::Timestamp::now().as_second() / 10 * 10;
    let mut create = Command::new("rrdtool");
    create.arg("create").arg(&file).args(["--step", "10", "--start", &(now - 86_400).to_string()]);
    run(create.args([
        "DS:rtt:GAUGE:130:U:U",
        "DS:loss:GAUGE:130:U:U",
        "RRA:AVERAGE:0.5:1:8640",
        "RRA:AVERAGE:0.5:30:4032",
    ]));
    let rows = (1..8640).map(|row| {
        let hole = (8400..8460).contains(&row);
        let value = if hole { "U:1".to_owned() } else { format!("{}:0", 2.0 + f64::from(row % 60) / 30.0) };
        format!("{}:{value}", now - 86_400 + i64::from(row) * 10)
    });
    let rows: Vec<String> = rows.collect();
    for rows in rows.chunks(1000) {
        run(Command::new("rrdtool").arg("update").arg(&file).args(rows));
    }
    let line = format!("env NO_COLOR=1 TERM=xterm-256color {} run", env!("CARGO_BIN_EXE_pxelator"));
    let screen = Screen::open(&segment, 80, 24, &line);
    screen.wait("web1");
    screen.keys(&["H"]);
    let shown = screen.wait("answers to pings");
    assert!(shown.contains("Graphs of web1") && shown.contains("60 min until now"), "{shown}");
    let shown = screen
        .wait_until("a curve", |shown| shown.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count() > 20);
    assert!(shown.contains("rtt") && shown.contains("loss") && shown.contains("100 %"), "{shown}");
    screen.keys(&["-"]);
    screen.wait("3 h until now");
    screen.keys(&["+"]);
    screen.keys(&["Left"]);
    screen.wait_until("an earlier hour", |shown| shown.contains("60 min until") && !shown.contains("until now"));
    screen.keys(&["0"]);
    screen.wait("until now");
    screen.keys(&["Tab"]);
    screen.wait("Graphs of pxelator");
    screen.keys(&["?"]);
    screen.wait("a shorter time");
    screen.keys(&["Escape"]);
    screen.keys(&["Escape"]);
    screen.wait("Machines");
}
