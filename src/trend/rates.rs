//! How often things happen: the fold of events that becomes rates. Pure.

use super::family::name_of;
use crate::{
    event::{Event, Fact, Service, Severity, Transfer},
    sample::{Of, Sample},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
};

/// Families and their values, in their order.
const DHCP: [&str; 6] = ["discovered", "offered", "acknowledged", "refused", "ignored", "released"];
const DNS: [&str; 3] = ["answered", "forwarded", "refused"];
const FILES: [&str; 4] = ["completed", "abandoned", "refused", "sent"];
/// The bus itself.
const BUS: [&str; 2] = ["events", "dropped"];
/// Transfers that are followed at the same time; one that never ends is let go with all others.
const TRANSFERS: usize = 1 << 14;

/// What happened since it was asked last, and since the begin.
#[derive(Debug, Default)]
pub struct Rates {
    counts: BTreeMap<(Of, &'static str), Vec<u64>>,
    totals: BTreeMap<(Of, &'static str), Vec<u64>>,
    moved: HashMap<(Option<Ipv4Addr>, Service, u64), u64>,
}

/// The values of a family that is counted here.
fn values(family: &str) -> Vec<&'static str> {
    match family {
        "dhcp" => DHCP.to_vec(),
        "dns" => DNS.to_vec(),
        "tftp" | "http" => FILES.to_vec(),
        "syslog" => Severity::ALL.iter().map(|severity| severity.name()).collect(),
        _ => BUS.to_vec(),
    }
}

impl Rates {
    /// Counts a family from now on, also while nothing happens.
    pub fn begin(&mut self, of: Of, family: &'static str) {
        self.counts.entry((of, family)).or_insert_with(|| vec![0; values(family).len()]);
    }

    /// It is counted already.
    pub fn has(&self, of: Of, family: &'static str) -> bool {
        self.counts.contains_key(&(of, family))
    }

    /// All of a segment.
    pub fn begin_segment(&mut self, segment: Ipv4Addr) {
        ["dhcp", "tftp", "http", "dns", "syslog"]
            .into_iter()
            .for_each(|family| self.begin(Of::Segment(segment), family));
    }

    /// The families of a machine that are counted: those of one that nothing is heard of are not begun.
    pub const OF_MACHINES: [&'static str; 3] = ["tftp", "http", "syslog"];

    /// Takes an event in. `is_machine` says that its machine is one of conf.
    pub fn take(&mut self, event: &Event, is_machine: bool) {
        self.add(Of::Program, "bus", "events", 1);
        let (family, value, count) = match &event.fact {
            Fact::DhcpDiscovered { .. } => ("dhcp", "discovered", 1),
            Fact::DhcpOffered { .. } => ("dhcp", "offered", 1),
            Fact::DhcpAcknowledged { .. } => ("dhcp", "acknowledged", 1),
            Fact::DhcpRefused { .. } => ("dhcp", "refused", 1),
            Fact::DhcpIgnored { .. } => ("dhcp", "ignored", 1),
            Fact::DhcpReleased { .. } => ("dhcp", "released", 1),
            Fact::DnsAnswered { .. } => ("dns", "answered", 1),
            Fact::DnsForwarded { .. } => ("dns", "forwarded", 1),
            Fact::DnsRefused { .. } => ("dns", "refused", 1),
            Fact::TftpProgressed { transfer } => ("tftp", "sent", self.moved(event, transfer, false)),
            Fact::HttpProgressed { transfer } => ("http", "sent", self.moved(event, transfer, false)),
            Fact::TftpCompleted { transfer } => self.ended(event, transfer, "tftp", "completed", is_machine),
            Fact::HttpCompleted { transfer } => self.ended(event, transfer, "http", "completed", is_machine),
            Fact::TftpAbandoned { transfer, .. } => self.ended(event, transfer, "tftp", "abandoned", is_machine),
            Fact::HttpAbandoned { transfer, .. } => self.ended(event, transfer, "http", "abandoned", is_machine),
            Fact::TftpRefused { .. } => ("tftp", "refused", 1),
            Fact::HttpRefused { .. } => ("http", "refused", 1),
            Fact::SyslogReceived { severity, .. } => ("syslog", severity.name(), 1),
            Fact::EventsDropped { count, .. } => return self.add(Of::Program, "bus", "dropped", *count),
            _ => return,
        };
        self.count(event, is_machine, (family, value, count));
    }

    fn count(&mut self, event: &Event, is_machine: bool, (family, value, count): (&'static str, &'static str, u64)) {
        let Some(segment) = event.segment else { return };
        self.add(Of::Segment(segment), family, value, count);
        if let Some(machine) = event.machine.filter(|_| is_machine && Rates::OF_MACHINES.contains(&family)) {
            self.add(Of::Machine(segment, machine), family, value, count);
        }
    }

    fn ended(
        &mut self,
        event: &Event,
        transfer: &Transfer,
        family: &'static str,
        how: &'static str,
        is_machine: bool,
    ) -> (&'static str, &'static str, u64) {
        let moved = self.moved(event, transfer, true);
        self.count(event, is_machine, (family, "sent", moved));
        (family, how, 1)
    }

    /// Bytes that were sent since the transfer was heard of last.
    fn moved(&mut self, event: &Event, transfer: &Transfer, is_over: bool) -> u64 {
        let key = (event.segment, event.fact.service(), transfer.id);
        if self.moved.len() >= TRANSFERS {
            self.moved.clear();
        }
        let before = match is_over {
            true => self.moved.remove(&key),
            false => self.moved.insert(key, transfer.bytes),
        };
        transfer.bytes.saturating_sub(before.unwrap_or(0))
    }

    fn add(&mut self, of: Of, family: &'static str, value: &'static str, count: u64) {
        let values = values(family);
        let Some(place) = values.iter().position(|name| *name == value) else { return };
        let counts = self.counts.entry((of, family)).or_insert_with(|| vec![0; values.len()]);
        counts[place] += count;
    }

    /// The rates of the `seconds` before `time`; counting begins anew.
    pub fn drain(&mut self, time: Timestamp, seconds: f64) -> Vec<Sample> {
        let seconds = seconds.max(0.001);
        let sample = |((of, family), counts): (&(Of, &'static str), &mut Vec<u64>)| {
            let totals = self.totals.entry((*of, family)).or_insert_with(|| vec![0; counts.len()]);
            totals.iter_mut().zip(counts.iter()).for_each(|(total, count)| *total += count);
            let rates = counts.iter_mut().map(|count| Some(std::mem::take(count) as f64 / seconds));
            Sample {
                time,
                of: *of,
                family: (*family).to_owned(),
                values: values(family).into_iter().zip(rates).collect(),
            }
        };
        self.counts.iter_mut().map(sample).collect()
    }

    /// What was counted since the begin, as of the last [`Rates::drain`]: family, value, count.
    pub fn totals(&self) -> impl Iterator<Item = (Of, &'static str, &'static str, u64)> {
        let each = |((of, family), counts): (&(Of, &'static str), &Vec<u64>)| {
            let (of, family) = (*of, *family);
            let values = values(family).into_iter().zip(counts.clone());
            values.map(move |(value, count)| (of, family, value, count)).collect::<Vec<_>>()
        };
        self.totals.iter().flat_map(each)
    }

    /// Lets go machines and segments that conf has no longer.
    pub fn retain(&mut self, keep: impl Fn(Of) -> bool) {
        self.counts.retain(|(of, _), _| keep(*of));
        self.totals.retain(|(of, _), _| keep(*of));
    }
}

/// What an event about a machine of conf tells in numbers.
pub fn told(event: &Event) -> Option<Sample> {
    let of = Of::Machine(event.segment?, event.machine?);
    let (family, values) = match &event.fact {
        Fact::BootCompleted { millis } => ("boot".to_owned(), vec![("total", Some(*millis as f64 / 1000.0))]),
        Fact::TrackMeasured { container, cpus, load, memory, memory_used, disk, disk_used } => {
            let family = container.as_ref().map_or("use".to_owned(), |name| format!("use-{}", name_of(name)));
            // What there is nothing of is not known.
            let cpu = (*cpus > 0).then(|| f64::from(*load) / 100.0 / f64::from(*cpus));
            let of = |used: u64, all: u64| (all > 0).then_some(used as f64);
            (family, vec![("cpu", cpu), ("memory", of(*memory_used, *memory)), ("disk", of(*disk_used, *disk))])
        }
        _ => return None,
    };
    Some(Sample { time: event.time, of, family, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Role;

    const SEGMENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
    const WEB1: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 60);

    fn event(fact: Fact) -> Event {
        Event::new(Some(SEGMENT), fact).about(Some(WEB1), None)
    }

    fn transfer(id: u64, bytes: u64) -> Transfer {
        Transfer { id, file: "linux".into(), role: Role::default(), size: None, bytes, millis: 1 }
    }

    fn rate(samples: &[Sample], of: Of, family: &str, value: &str) -> Option<f64> {
        let sample = samples.iter().find(|sample| sample.of == of && sample.family == family)?;
        sample.values.iter().find(|(name, _)| *name == value)?.1
    }

    #[test]
    fn bytes_are_counted_as_they_go() {
        let mut rates = Rates::default();
        let (segment, machine) = (Of::Segment(SEGMENT), Of::Machine(SEGMENT, WEB1));
        rates.begin_segment(SEGMENT);
        for fact in [
            Fact::TftpProgressed { transfer: transfer(1, 400) },
            Fact::HttpProgressed { transfer: transfer(1, 50) },
            Fact::TftpProgressed { transfer: transfer(1, 1000) },
        ] {
            rates.take(&event(fact), true);
        }
        let samples = rates.drain(Timestamp::UNIX_EPOCH, 10.0);
        assert_eq!(rate(&samples, segment, "tftp", "sent"), Some(100.0));
        assert_eq!(rate(&samples, machine, "http", "sent"), Some(5.0));
        assert_eq!(rate(&samples, segment, "dns", "answered"), Some(0.0), "nothing is a value too");
        rates.take(&event(Fact::TftpCompleted { transfer: transfer(1, 1500) }), false);
        rates.take(&event(Fact::TftpAbandoned { transfer: transfer(2, 70), reason: String::new() }), true);
        let samples = rates.drain(Timestamp::UNIX_EPOCH, 1.0);
        assert_eq!(rate(&samples, segment, "tftp", "sent"), Some(570.0));
        assert_eq!(rate(&samples, machine, "tftp", "sent"), Some(70.0), "who is not of conf has no file");
        assert_eq!(rate(&samples, segment, "tftp", "completed"), Some(1.0));
        let total = rates.totals().find(|(of, family, value, _)| (*of, *family, *value) == (segment, "tftp", "sent"));
        assert_eq!(total.map(|(.., count)| count), Some(1570));
    }

    #[test]
    fn boots_and_containers() {
        let sample = told(&event(Fact::BootCompleted { millis: 8100 })).unwrap();
        assert_eq!((sample.family.as_str(), sample.values), ("boot", vec![("total", Some(8.1))]));
        let container = Some("Web Shop".to_owned());
        let (memory, memory_used, disk, disk_used) = (4, 3, 2, 1);
        let fact = Fact::TrackMeasured { container, cpus: 4, load: 200, memory, memory_used, disk, disk_used };
        let sample = told(&event(fact)).unwrap();
        assert_eq!(sample.family, "use-web-shop");
        assert_eq!(sample.values, [("cpu", Some(0.5)), ("memory", Some(3.0)), ("disk", Some(1.0))]);
        let fact =
            Fact::TrackMeasured { container: None, cpus: 0, load: 0, memory: 0, memory_used: 0, disk: 0, disk_used: 0 };
        assert_eq!(told(&event(fact)).unwrap().values, [("cpu", None), ("memory", None), ("disk", None)]);
    }

    #[test]
    fn syslog_by_severity() {
        let mut rates = Rates::default();
        for severity in [Severity::Err, Severity::Err, Severity::Debug] {
            let (facility, tag, host, sent, text) = (None, None, None, None, "x".to_owned());
            rates.take(&event(Fact::SyslogReceived { severity, facility, tag, host, sent, text }), true);
        }
        let samples = rates.drain(Timestamp::UNIX_EPOCH, 1.0);
        let of = |value| rate(&samples, Of::Machine(SEGMENT, WEB1), "syslog", value);
        assert_eq!((of("err"), of("debug"), of("emerg")), (Some(2.0), Some(1.0), Some(0.0)));
        assert_eq!(rate(&samples, Of::Program, "bus", "events"), Some(3.0));
        rates.retain(|of| of == Of::Program);
        assert_eq!(rates.drain(Timestamp::UNIX_EPOCH, 1.0).len(), 1);
    }
}
