//! What happens on a segment becomes RRDtool files, which rrdtool itself reads.

use crate::{
    SERVER, WEB1, file, known, says,
    support::{Program, Segment, can_run, run},
    wait_until,
};
use pxelator::sample::Of;
use std::process::Command;

#[test]
fn what_happens_on_a_segment() {
    if !can_run(&["rrdtool", "logger", "dig", "curl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("rates");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.109");
    segment.serve("file", vec![7; 3_000_000]);
    let program = Program::start(&segment);
    // The first step is one of a part only.
    let segments = Of::Segment(SERVER);
    wait_until(&segment, segments, "syslog", |series| !known(series, "err").is_empty());
    for number in 0..40 {
        host.sh(&format!("logger -n 10.77.0.1 -P 514 -d -p daemon.err -t nginx 'message {number}'"));
    }
    let got = host.sh("dig @10.77.0.1 web1.test.lan +short; curl -sf http://10.77.0.1/file -o /dev/null");
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));

    let sum = |series: &_, line: &str| -> f64 { known(series, line).iter().sum::<f64>() * 10.0 };
    let near = |series: &_, line: &str, all: f64| (sum(series, line) - all).abs() < all * 0.1;
    wait_until(&segment, segments, "syslog", |series| near(series, "err", 40.0));
    wait_until(&segment, WEB1, "syslog", |series| near(series, "err", 40.0));
    // The program asks itself once a minute, too.
    wait_until(&segment, segments, "dns", |series| sum(series, "answered") > 0.9);
    wait_until(&segment, segments, "http", |series| near(series, "sent", 3e6));
    wait_until(&segment, WEB1, "http", |series| near(series, "completed", 1.0));
    wait_until(&segment, segments, "interface-br0", |series| sum(series, "sent") > 3e6);
    wait_until(&segment, segments, "pool", |series| known(series, "size").last() == Some(&10.0));
    wait_until(&segment, Of::Program, "process", |series| known(series, "memory").last() > Some(&1e6));

    // Others than this program read it as any file of rrdtool.
    let info = run(Command::new("rrdtool").arg("info").arg(file(&segment, segments, "syslog")));
    assert!(info.contains("step = 10\n") && info.contains("ds[emerg].type = \"GAUGE\""), "{info}");
    let archive = |steps: u32, rows: u32| {
        (0..5).any(|at| {
            info.contains(&format!("rra[{at}].pdp_per_row = {steps}\n"))
                && info.contains(&format!("rra[{at}].rows = {rows}\n"))
        })
    };
    for (steps, rows) in [(1, 24 * 360), (30, 14 * 288), (720, 730 * 12)] {
        assert!(archive(steps, rows), "{steps} {rows}: {info}");
    }
    let wanted = ["graph", "/dev/null", "--start", "-1h"];
    let mut graph = Command::new("rrdtool");
    let definition = format!("DEF:x={}:err:AVERAGE", file(&segment, segments, "syslog").display());
    run(graph.args(wanted).args([&definition, "LINE1:x#0072b2", "PRINT:x:MAX:%lf"]));

    let all = says(&segment, 0, &["graph"]);
    assert!(all.contains("web1") && all.contains("interface-br0"), "{all}");
    let of_web1 = says(&segment, 0, &["graph", "web1"]);
    assert!(of_web1.contains("syslog") && of_web1.contains("emerg 0/s"), "{of_web1}");
    drop(program);
}

#[test]
fn a_program_that_ends_writes_what_it_has() {
    if !can_run(&["rrdtool", "logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("end");
    let program = Program::start(&segment);
    wait_until(&segment, Of::Program, "bus", |series| !known(series, "events").is_empty());
    drop(program);
    let before = known(&wait_until(&segment, Of::Program, "bus", |_| true), "events").len();
    // Begun again, it goes on with the same files.
    let program = Program::start(&segment);
    host.sh("logger -n 10.77.0.1 -P 514 -d -p daemon.warning -t x 'after it'");
    let series = wait_until(&segment, WEB1, "syslog", |series| known(series, "warning").iter().sum::<f64>() > 0.0);
    assert!(known(&series, "err").iter().all(|rate| *rate == 0.0), "{series:?}");
    wait_until(&segment, Of::Program, "bus", |series| known(series, "events").len() > before);
    assert!(!program.events().iter().any(|event| event.kind().starts_with("trend.")), "nothing went wrong");
}
