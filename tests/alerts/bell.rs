//! The bell, heard by the terminal that the console is in.

use crate::{
    deliveries::{log, rule},
    orders::{alerts, said},
    support::{SOON, Screen, Segment, can_run, wait_for},
};
use std::fs;

#[test]
fn the_terminal_rings_as_an_alert_fires() {
    if !can_run(&["logger", "tmux"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-bell");
    segment.conf("10.77.0.1/receivers/bell", "bell\nseverity err");
    rule(&segment, "fan", "");
    rule(&segment, "lamp", "severity warning");
    rule(&segment, "psu", "");
    let screen = Screen::open(&segment, 100, 30, &format!("{} run", env!("CARGO_BIN_EXE_pxelator")));
    let rung = segment.folder.path().join("rung");
    screen.on_bell(&format!("echo >> {}", rung.display()));
    let rings = |count: usize| {
        wait_for(&format!("{count} rings"), SOON, || {
            (fs::read(&rung).unwrap_or_default().len() == count).then_some(())
        });
    };
    screen.wait("dhcp tftp http dns syslog radv");
    assert!(!rung.exists(), "it rings before anything is wrong");
    log(&host, "fan broken");
    rings(1);
    // An end does not ring, nor what matters too little: the next ring is the other alert's.
    log(&host, "fan whole");
    wait_for("its end", SOON, || said(&alerts(&segment, &["--all"])).contains("[over ").then_some(()));
    log(&host, "lamp broken");
    wait_for("the lamp", SOON, || said(&alerts(&segment, &[])).contains("lamp").then_some(()));
    log(&host, "psu broken");
    rings(2);
    screen.keys(&["A"]);
    screen.wait("2 that nobody looks after");
    rings(2);
}
