//! The rules of conf, ready to be asked: filters read, machines found. Pure.

use crate::{
    conf::{
        Conf, Segment,
        alerts::{self, Receiver, Rule},
    },
    event::{Event, Fact},
    filter::{Filter, Here, Node, Term},
    net::Mac,
};
use jiff::{Timestamp, tz::TimeZone};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::Ipv4Addr,
    sync::Arc,
};

/// A rule that can be asked.
#[derive(Debug)]
pub struct Compiled {
    /// Its name.
    pub name: String,
    /// As conf says.
    pub rule: Rule,
    /// Raises.
    pub when: Filter,
    /// Ends.
    pub clear: Option<Filter>,
    /// Explains.
    pub unless: Option<Filter>,
}

/// Rules of one segment, or of what is about the whole program.
#[derive(Debug, Default)]
struct Set {
    rules: Vec<Compiled>,
    /// Those that an event of a kind may mean something to.
    by_kind: HashMap<&'static str, Vec<usize>>,
    /// What it takes to tell.
    receivers: BTreeMap<String, Receiver>,
}

/// All rules in force.
#[derive(Debug, Default)]
pub struct Rules {
    conf: Arc<Conf>,
    segments: BTreeMap<Ipv4Addr, Set>,
    /// The machines on the way to those that have such, and that do not need them in turn.
    depends: BTreeMap<(Ipv4Addr, Mac), BTreeSet<Mac>>,
    /// For events of no segment: each segment's own, where several have one of a name the first's.
    program: Set,
}

impl Rules {
    /// Those of `conf`. A rule that cannot be read is left out; that is told as a mistake of conf.
    pub fn of(conf: Arc<Conf>) -> Rules {
        let names = alerts::names(&conf);
        let here = Here { now: Timestamp::UNIX_EPOCH, zone: &TimeZone::UTC, names: &names };
        let compile = |rules: BTreeMap<String, Rule>| {
            let rule = |(name, rule): (String, Rule)| {
                let read = |text: &String| Filter::parse(text, &here).ok();
                let when = read(&rule.when)?;
                let (clear, unless) = (rule.clear.as_ref().map(read), rule.unless.as_ref().map(read));
                if clear == Some(None) || unless == Some(None) {
                    return None;
                }
                Some(Compiled { name, when, clear: clear.flatten(), unless: unless.flatten(), rule })
            };
            Set::of(rules.into_iter().filter_map(rule).collect())
        };
        let mut own: BTreeMap<String, Rule> = BTreeMap::new();
        let mut receivers: BTreeMap<String, Receiver> = BTreeMap::new();
        for segment in conf.segments.values() {
            for (name, rule) in &segment.alerts {
                own.entry(name.clone()).or_insert_with(|| rule.clone());
            }
            for (name, receiver) in &segment.receivers {
                receivers.entry(name.clone()).or_insert_with(|| receiver.clone());
            }
        }
        let whole = Segment { alerts: own, ..Segment::new(Ipv4Addr::UNSPECIFIED) };
        let program = Set { receivers, ..compile(whole.rules()) };
        let of_segment = |segment: &Arc<Segment>| {
            let set = Set { receivers: segment.receivers.clone(), ..compile(segment.rules()) };
            (segment.server, set)
        };
        let segments = conf.segments.values().map(of_segment).collect();
        let depends = conf.segments.values().flat_map(depending).collect();
        Rules { segments, depends, program, conf }
    }

    fn set(&self, segment: Option<Ipv4Addr>) -> Option<&Set> {
        match segment {
            None => Some(&self.program),
            Some(segment) => self.segments.get(&segment),
        }
    }

    /// Those that an event may mean something to.
    pub fn for_event(&self, event: &Event) -> impl Iterator<Item = &Compiled> {
        // What is said of alerts raises none.
        let set = self.set(event.segment).filter(|_| !event.kind().starts_with("alert."));
        let found = set.and_then(|set| Some((set, set.by_kind.get(event.kind())?)));
        found.into_iter().flat_map(|(set, at)| at.iter().map(|at| &set.rules[*at]))
    }

    /// The rule of this name.
    pub fn rule(&self, segment: Option<Ipv4Addr>, name: &str) -> Option<&Rule> {
        self.set(segment)?.rules.iter().find(|known| known.name == name).map(|known| &known.rule)
    }

    /// Who is told of what a segment has, or of what is about the program.
    pub fn receivers(&self, segment: Option<Ipv4Addr>) -> Option<&BTreeMap<String, Receiver>> {
        self.set(segment).map(|set| &set.receivers)
    }

    /// The machine that an event is about, by its hardware address, which conf may know.
    pub fn mac_of(&self, event: &Event) -> Option<Mac> {
        let by_address = || Some(self.conf.machine((event.segment?, event.machine?))?.1.mac);
        event.mac.or_else(by_address)
    }

    /// The machine's name and address in conf.
    pub fn machine(&self, segment: Option<Ipv4Addr>, mac: Option<Mac>) -> Option<(&str, Ipv4Addr)> {
        let machine = self.conf.segments.get(&segment?)?.machine_by_mac(mac?)?;
        Some((machine.hostname.as_str(), machine.address))
    }

    /// The machines without which this one is not reached, and theirs; not those that need this one themselves. None where there
    /// are none.
    pub fn depends(&self, segment: Option<Ipv4Addr>, mac: Option<Mac>) -> Option<&BTreeSet<Mac>> {
        self.depends.get(&(segment?, mac?))
    }

    /// Machines of a segment, by name or address.
    pub fn called(&self, segment: Option<Ipv4Addr>, names: &[String]) -> Vec<Mac> {
        let Some(segment) = segment.and_then(|segment| self.conf.segments.get(&segment)) else { return Vec::new() };
        names.iter().filter_map(|name| Some(segment.machine_called(name)?.mac)).collect()
    }
}

/// Each machine of a segment that depends on others, with those.
fn depending(segment: &Arc<Segment>) -> impl Iterator<Item = ((Ipv4Addr, Mac), BTreeSet<Mac>)> {
    let depending = segment.machines.values().filter(|machine| !machine.depends.is_empty());
    depending.filter_map(|machine| {
        let mac = machine.mac;
        let mut all = above(segment, mac);
        all.retain(|other| *other != mac && !above(segment, *other).contains(&mac));
        (!all.is_empty()).then_some(((segment.server, mac), all))
    })
}

/// All machines that are on the way to one.
fn above(segment: &Segment, mac: Mac) -> BTreeSet<Mac> {
    let (mut all, mut open) = (BTreeSet::new(), vec![mac]);
    while let Some(mac) = open.pop() {
        let names = segment.machine_by_mac(mac).map(|machine| machine.depends.as_slice()).unwrap_or_default();
        let more = names.iter().filter_map(|name| Some(segment.machine_called(name)?.mac));
        open.extend(more.filter(|mac| all.insert(*mac)));
    }
    all
}

impl Set {
    fn of(rules: Vec<Compiled>) -> Set {
        let mut by_kind: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (at, rule) in rules.iter().enumerate() {
            let filters = [Some(&rule.when), rule.clear.as_ref(), rule.unless.as_ref()];
            let mut meant: BTreeSet<&'static str> = BTreeSet::new();
            for filter in filters.into_iter().flatten() {
                // One that says no kind may mean each.
                meant.extend(kinds(filter.root()).unwrap_or_else(|| Fact::KINDS.to_vec()));
            }
            meant.into_iter().for_each(|kind| by_kind.entry(kind).or_default().push(at));
        }
        Set { rules, by_kind, receivers: BTreeMap::new() }
    }
}

/// The kinds of which an event must be one to be wanted; none where it may be of any.
fn kinds(node: &Node) -> Option<Vec<&'static str>> {
    match node {
        Node::Is(Term::Kind(kinds)) => Some(kinds.clone()),
        Node::All(nodes) => nodes.iter().find_map(kinds),
        Node::Any(nodes) => nodes.iter().map(kinds).collect::<Option<Vec<_>>>().map(|found| found.concat()),
        Node::Is(_) | Node::Not(_) => None,
    }
}
