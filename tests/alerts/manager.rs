//! A real Alertmanager (Debian's prometheus-alertmanager), asked by its interface and by amtool.

use crate::{
    deliveries::{log, rule},
    orders::{alerts, said},
    receivers::{Server, start},
    stories::fired,
    support::{Program, SOON, Segment, WEB1, can_run, run, wait_for},
};
use jiff::Timestamp;
use pxelator::event::{Event, Fact};
use serde_json::{Value, json};
use std::{fs, time::Duration};

const PORT: u16 = 9093;
/// The least that conf takes for `repeat`, and a bit.
const AGAIN: Duration = Duration::from_secs(90);

/// Begins with no alert, as it does after each start; silences are kept.
fn manager(segment: &Segment) -> Server {
    let folder = segment.folder.path().join("manager");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("conf"), "route: { receiver: none }\nreceivers: [ { name: none } ]\n").unwrap();
    let mut command = segment.command("prometheus-alertmanager");
    command.args(["--config.file=conf", "--storage.path=.", "--cluster.listen-address=", "--log.level=error"]);
    command.arg(format!("--web.listen-address=127.0.0.1:{PORT}")).current_dir(&folder);
    start(segment, command, PORT, folder)
}

/// The alerts that are not over there, by their names.
fn open(segment: &Segment) -> Vec<Value> {
    let url = format!("http://127.0.0.1:{PORT}/api/v2/alerts");
    let asked = segment.command("curl").args(["-sS", &url]).output().unwrap();
    let mut open: Vec<Value> = serde_json::from_slice(&asked.stdout).unwrap_or_default();
    open.sort_by_key(|alert| alert["labels"]["alertname"].to_string());
    open
}

fn names(open: &[Value]) -> Vec<&str> {
    open.iter().map(|alert| alert["labels"]["alertname"].as_str().unwrap()).collect()
}

fn amtool(segment: &Segment, words: &[&str]) -> String {
    let url = format!("--alertmanager.url=http://127.0.0.1:{PORT}");
    run(segment.command("amtool").arg(url).args(words)).trim().to_owned()
}

#[test]
fn alertmanager_has_what_fires_and_no_more() {
    if !can_run(&["amtool", "curl", "logger", "prometheus-alertmanager"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-am");
    let first = manager(&segment);
    segment.conf("10.77.0.1/receivers/manager", &format!("webhook alertmanager http://127.0.0.1:{PORT}\nrepeat 1m"));
    rule(&segment, "fan", "severity crit");
    rule(&segment, "psu", "");
    let program = Program::start(&segment);
    let is = |wanted: &[&str], patience| {
        wait_for(&format!("{wanted:?} there"), patience, || Some(open(&segment)).filter(|open| names(open) == wanted))
    };
    assert_eq!(said(&alerts(&segment, &["try", "manager"])), "manager was told by webhook\n");
    is(&["test"], SOON);
    let silence = amtool(&segment, &["silence", "add", "alertname=psu", "-c", "on my way", "-a", "ann", "-d", "1h"]);

    log(&host, "fan broken");
    let fan = program.wait("that it fires", |event| fired(event, "fan"));
    let open = is(&["fan", "test"], SOON);
    let wanted = json!({
        "alertname": "fan", "severity": "crit", "instance": "web1", "job": "pxelator", "segment": "10.77.0.1",
        "address": "10.77.0.60", "mac": WEB1,
    });
    assert_eq!((&open[0]["labels"], &open[0]["status"]["state"]), (&wanted, &json!("active")));
    let began: Timestamp = open[0]["startsAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(began.as_millisecond(), fan.time.as_millisecond(), "it began as it fired");
    assert_eq!(open[0]["annotations"], json!({ "summary": "web1: fan", "description": "root: fan broken" }));
    assert!(amtool(&segment, &["alert", "query", "alertname=fan", "instance=web1"]).contains("web1: fan"));

    // What is silenced there stays so. Here it is none of our silences.
    log(&host, "psu broken");
    let psu = is(&["fan", "psu", "test"], SOON).remove(1);
    assert_eq!(psu["status"], json!({ "state": "suppressed", "silencedBy": [silence], "inhibitedBy": [] }));
    log(&host, "psu whole");
    is(&["fan", "test"], SOON);
    assert_eq!(amtool(&segment, &["silence", "query", "-q"]), silence);

    // It forgets all with a restart, and is told again; also of what somebody looks after.
    let taken = alerts(&segment, &["acknowledge", "web1"]);
    assert_eq!(taken.status.code(), Some(0), "{}", said(&taken));
    drop(first);
    let _second = manager(&segment);
    assert!(self::open(&segment).is_empty());
    let again = is(&["fan"], AGAIN);
    assert_eq!((&again[0]["labels"], &again[0]["startsAt"]), (&wanted, &open[0]["startsAt"]));
    log(&host, "fan whole");
    is(&[], SOON);
    let undelivered = |event: &&Event| matches!(event.fact, Fact::AlertUndelivered { .. });
    assert_eq!(program.events().iter().filter(undelivered).count(), 0);
}
