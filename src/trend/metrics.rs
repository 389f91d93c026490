//! The last values as OpenMetrics text, for Prometheus and its like. Reads no file.

use super::{Trends, family};
use crate::{
    event::PowerState,
    sample::Of,
    state::{Machine, State, alerts::Phase, checked::CheckResult},
};
use jiff::Timestamp;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{collections::BTreeMap, net::Ipv4Addr, sync::atomic::AtomicU64};

/// What the text is, for HTTP's `Content-Type`.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// Everything that has a value now, with names that begin with `pxelator_`; ends with `# EOF`.
pub fn metrics(trends: &Trends, state: &State, now: Timestamp) -> String {
    let mut gauges = Gauges::default();
    gauges.set("build_info", "The program's version.", vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1.0);
    of_state(&mut gauges, state, now);
    for sample in trends.latest() {
        // Of what is counted there are counters.
        if family::unit(&sample.family, "") == "/s" {
            continue;
        }
        let (kind, of) = sample.family.split_once('-').unwrap_or((&sample.family, ""));
        let mut labels = labels(state, sample.of);
        if !of.is_empty() {
            let own = (kind == "check").then(|| check_called(state, sample.of, &sample.family)).flatten();
            labels.push((of_what(kind), own.unwrap_or(of).to_owned()));
        }
        for (value, number) in &sample.values {
            // Whether a check comes through is said by the state.
            let Some(number) = number.filter(|_| (kind, *value) != ("check", "up")) else { continue };
            let (end, by) = match family::unit(&sample.family, value) {
                "ms" => ("_seconds", 0.001),
                "s" => ("_seconds", 1.0),
                "bytes" => ("_bytes", 1.0),
                "bytes/s" => ("_bytes_per_second", 1.0),
                "ratio" => ("_ratio", 1.0),
                _ => ("", 1.0),
            };
            gauges.set(&format!("{kind}_{value}{end}"), &help(kind, value), labels.clone(), number * by);
        }
    }
    let mut registry = Registry::with_prefix("pxelator");
    for (name, (help, gauge)) in gauges.all {
        registry.register(name, help, gauge);
    }
    let mut counters: BTreeMap<String, (&str, Family<Labels, Counter>)> = BTreeMap::new();
    for (of, family, value, count) in trends.totals() {
        let (name, help, label) = match (family, value) {
            ("bus", "events") => ("events".to_owned(), "Events since the start", None),
            ("bus", _) => ("events_dropped".to_owned(), "Events that a reader had no room for", None),
            (_, "sent") => (format!("{family}_sent_bytes"), "Bytes sent", None),
            ("syslog", value) => ("syslog_messages".to_owned(), "Messages of machines", Some(("severity", value))),
            (_, value) => (family.to_owned(), "What was done, by how it came out", Some(("result", value))),
        };
        let mut labels = labels(state, of);
        // Of machines beside that of their segment, so that a sum over one name counts nothing twice.
        let name = if matches!(of, Of::Machine(..)) { format!("machine_{name}") } else { name };
        labels.extend(label.map(|(label, value)| (label, value.to_owned())));
        let (_, counter) = counters.entry(name).or_insert_with(|| (help, Family::default()));
        counter.get_or_create(&labels).inc_by(count);
    }
    for (name, (help, counter)) in counters {
        registry.register(name, help, counter);
    }
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => text,
        // Writing to memory; a part would be taken for all.
        Err(_) => "# EOF\n".to_owned(),
    }
}

/// What no sample says: machines, checks, alerts, servers.
fn of_state(gauges: &mut Gauges, state: &State, now: Timestamp) {
    for (address, segment) in &state.segments {
        if !segment.current {
            continue;
        }
        let label = || ("segment", address.to_string());
        let machines = segment.machines.values().filter(|machine| machine.in_conf);
        gauges.set("machines", "Machines of conf.", vec![label()], machines.clone().count() as f64);
        let leased = segment.leases.iter().filter(|lease| lease.is_active(now)).count();
        gauges.set("leases", "Addresses that are leased.", vec![label()], leased as f64);
        gauges.set("rivals", "Other DHCP servers that answer.", vec![label()], segment.rivals.len() as f64);
        for (service, health) in &segment.services {
            let runs = matches!(health, crate::state::Health::Running { .. });
            let labels = vec![label(), ("service", service.name().to_owned())];
            gauges.set("service_up", "1 while the server listens.", labels, f64::from(u8::from(runs)));
        }
        let mut checks = |labels: Labels, all: &crate::state::checked::Checks| {
            for (check, found) in all {
                let up = match found.result {
                    CheckResult::Passed => 1.0,
                    CheckResult::Failed => 0.0,
                    CheckResult::Paused => continue,
                };
                let mut labels = labels.clone();
                labels.push(("check", check.clone()));
                gauges.set("check_success", "1 while a check comes through, 0 while it fails.", labels, up);
            }
        };
        checks(vec![label()], &segment.checks);
        for machine in segment.machines.values().filter(|machine| machine.in_conf) {
            let Some(at) = machine.address else { continue };
            checks(labels(state, Of::Machine(*address, at)), &machine.checks);
        }
        for machine in machines {
            let on = match machine.power {
                Some(PowerState::On) => 1.0,
                Some(PowerState::Off) => 0.0,
                _ => continue,
            };
            let Some(at) = machine.address else { continue };
            gauges.set("machine_on", "1 for a machine that has power.", labels(state, Of::Machine(*address, at)), on);
        }
    }
    let open = |phase: Phase| state.alerts.open.values().filter(|alert| alert.phase == phase).count() as f64;
    for (phase, word) in [(Phase::Pending, "pending"), (Phase::Firing, "firing")] {
        gauges.set("alerts", "Alerts that are open.", vec![("phase", word.to_owned())], open(phase));
    }
    let journal = f64::from(u8::from(state.journal_trouble.is_none()));
    gauges.set("journal_up", "1 while events can be stored.", vec![], journal);
}

/// A gauge for each set of labels.
type Values = Family<Labels, Gauge<f64, AtomicU64>>;

#[derive(Default)]
struct Gauges {
    all: BTreeMap<String, (String, Values)>,
}

impl Gauges {
    fn set(&mut self, name: &str, help: &str, labels: Labels, value: f64) {
        // The full stop is put there when it is written.
        let new = || (help.trim_end_matches('.').to_owned(), Family::default());
        let (_, gauge) = self.all.entry(name.to_owned()).or_insert_with(new);
        gauge.get_or_create(&labels).set(value);
    }
}

/// The check's own name, as all that is said of it has it.
fn check_called<'a>(state: &'a State, of: Of, family: &str) -> Option<&'a str> {
    let checks = match of {
        Of::Program => return None,
        Of::Segment(segment) => &state.segments.get(&segment)?.checks,
        Of::Machine(segment, machine) => &known(state, segment, machine)?.checks,
    };
    checks.keys().map(String::as_str).find(|check| family::of_check(check) == family)
}

/// A machine of conf.
fn known(state: &State, segment: Ipv4Addr, address: Ipv4Addr) -> Option<&Machine> {
    let mut machines = state.segments.get(&segment)?.machines.values();
    machines.find(|machine| machine.in_conf && machine.address == Some(address))
}

fn labels(state: &State, of: Of) -> Labels {
    match of {
        Of::Program => vec![],
        Of::Segment(segment) => vec![("segment", segment.to_string())],
        Of::Machine(segment, machine) => {
            let name = known(state, segment, machine).map_or(machine.to_string(), Machine::name);
            vec![("segment", segment.to_string()), ("machine", machine.to_string()), ("name", name)]
        }
    }
}

fn of_what(kind: &str) -> &'static str {
    match kind {
        "interface" => "interface",
        "check" => "check",
        "use" => "container",
        _ => "of",
    }
}

fn help(kind: &str, value: &str) -> String {
    format!("{}: {value}, as measured last", family::title(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Event, Fact},
        sample::Sample,
        state::checked,
    };
    use std::path::PathBuf;

    #[test]
    fn values_with_their_units_and_whose_they_are() {
        let trends = Trends::new(PathBuf::from("/none"));
        let (segment, machine) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 60));
        let note = |of, family: &str, values| {
            trends.note(&Sample { time: Timestamp::UNIX_EPOCH, of, family: family.into(), values });
        };
        note(Of::Machine(segment, machine), "ping", vec![("rtt", Some(1.5)), ("loss", Some(0.0))]);
        note(Of::Machine(segment, machine), "check-tcp-22", vec![("up", Some(1.0)), ("time", Some(2.0))]);
        note(Of::Segment(segment), "check-tcp-80", vec![("up", Some(1.0)), ("time", Some(0.5))]);
        note(Of::Segment(segment), "interface-br0", vec![("received", Some(1000.0))]);
        note(Of::Segment(segment), "dns", vec![("answered", Some(3.0))]);
        trends.note_totals(vec![
            (Of::Segment(segment), "dns", "answered", 42),
            (Of::Segment(segment), "syslog", "err", 7),
            (Of::Machine(segment, machine), "tftp", "sent", 1000),
            (Of::Program, "bus", "events", 9),
        ]);
        let mut state = State::default();
        let here = state.segments.entry(segment).or_default();
        here.current = true;
        let passed = Fact::CheckPassed { check: "tcp 80".into(), said: String::new() };
        checked::apply(&mut here.checks, &Event::new(Some(segment), passed));
        let text = metrics(&trends, &state, Timestamp::UNIX_EPOCH);
        for line in [
            "pxelator_ping_rtt_seconds{segment=\"10.77.0.1\",machine=\"10.77.0.60\",name=\"10.77.0.60\"} 0.0015",
            "pxelator_check_success{segment=\"10.77.0.1\",check=\"tcp 80\"} 1.0",
            "pxelator_check_time_seconds{segment=\"10.77.0.1\",check=\"tcp 80\"} 0.0005",
            // Nobody knows its own name any more.
            "pxelator_check_time_seconds{segment=\"10.77.0.1\",machine=\"10.77.0.60\",name=\"10.77.0.60\",check=\"tcp-22\"} 0.002",
            "pxelator_interface_received_bytes_per_second{segment=\"10.77.0.1\",interface=\"br0\"} 1000.0",
            "pxelator_dns_total{segment=\"10.77.0.1\",result=\"answered\"} 42",
            "pxelator_syslog_messages_total{segment=\"10.77.0.1\",severity=\"err\"} 7",
            "pxelator_machine_tftp_sent_bytes_total{segment=\"10.77.0.1\",machine=\"10.77.0.60\",name=\"10.77.0.60\"} 1000",
            "pxelator_events_total 9",
            "# TYPE pxelator_ping_rtt_seconds gauge",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n") && !text.contains("check_up"), "{text}");
    }
}
