//! A real Prometheus (Debian's) reads `/metrics`, and has what happened.

use crate::support::{Program, Running, SOON, Segment, can_run, wait_for};
use serde_json::Value;
use std::fs;

const PORT: u16 = 9090;
const CONF: &str = "
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs: [ { job_name: pxelator, static_configs: [ { targets: ['10.77.0.1:80'] } ] } ]
";

/// Starts one that asks once a second.
fn prometheus(segment: &Segment) -> Running {
    let folder = segment.folder.path().join("prometheus");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("conf"), CONF).unwrap();
    let mut command = segment.command("prometheus");
    command.args(["--config.file=conf", "--storage.tsdb.path=data", "--log.level=error"]);
    command.arg(format!("--web.listen-address=127.0.0.1:{PORT}")).current_dir(&folder);
    Running::listening(segment, &mut command, PORT)
}

/// What its interface answers.
fn asked(segment: &Segment, path: &str, words: &[&str]) -> Option<Value> {
    let url = format!("http://127.0.0.1:{PORT}/api/v1/{path}");
    let got = segment.command("curl").args(["-sS", "-G", &url]).args(words).output().unwrap();
    let got: Value = serde_json::from_slice(&got.stdout).ok()?;
    (got["status"] == "success").then(|| got["data"].clone())
}

/// The value of an expression that has one.
fn value(segment: &Segment, expression: &str) -> Option<f64> {
    let data = asked(segment, "query", &["--data-urlencode", &format!("query={expression}")])?;
    data["result"][0]["value"][1].as_str()?.parse().ok()
}

#[test]
fn prometheus_takes_what_is_measured() {
    if !can_run(&["curl", "dig", "logger", "prometheus"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("prometheus");
    segment.conf("10.77.0.1/10.77.0.60/checks", "ping every 1s\ntcp 9 every 1s");
    let program = Program::start(&segment);
    let _prometheus = prometheus(&segment);
    let is = |expression: &str, wanted: &dyn Fn(f64) -> bool| {
        wait_for(expression, SOON, || value(&segment, expression).filter(|value| wanted(*value)));
    };
    is("up{job='pxelator'}", &|up| up == 1.0);
    let errors = "pxelator_syslog_messages_total{segment='10.77.0.1',severity='err'}";
    is(errors, &|count| count == 0.0);
    for number in 0..7 {
        host.sh(&format!("logger -n 10.77.0.1 -P 514 -d -p daemon.err -t nginx 'message {number}'"));
    }
    assert!(host.sh("dig @10.77.0.1 web1.test.lan +short").status.success());
    for (expression, wanted) in [
        (errors, 7.0),
        ("pxelator_machine_syslog_messages_total{name='web1',severity='err'}", 7.0),
        ("pxelator_machines{segment='10.77.0.1'}", 1.0),
        ("pxelator_service_up{service='dhcp'}", 1.0),
        ("pxelator_check_success{machine='10.77.0.60',name='web1',check='ping'}", 1.0),
        ("pxelator_check_success{machine='10.77.0.60',name='web1',check='tcp 9'}", 0.0),
        ("pxelator_journal_up", 1.0),
        ("pxelator_ping_loss_ratio{name='web1'}", 0.0),
    ] {
        is(expression, &|value| value == wanted);
    }
    is("pxelator_dns_total{result='answered'}", &|count| count >= 1.0);
    is("pxelator_ping_rtt_seconds{name='web1'}", &|seconds| (1e-6..1.0).contains(&seconds));
    is("pxelator_process_memory_bytes", &|bytes| bytes > 1e6);
    is("rate(pxelator_events_total[30s])", &|rate| rate > 0.0);

    // It knows what each is, and refused nothing of it.
    let targets = asked(&segment, "targets", &[]).unwrap();
    let target = &targets["activeTargets"][0];
    assert_eq!((&target["health"], &target["lastError"]), (&"up".into(), &"".into()), "{target}");
    let metadata = asked(&segment, "targets/metadata", &["-d", "metric=pxelator_events"]).unwrap();
    assert_eq!((&metadata[0]["type"], &metadata[0]["help"]), (&"counter".into(), &"Events since the start.".into()));
    drop(program);
    is("up{job='pxelator'}", &|up| up == 0.0);
}
