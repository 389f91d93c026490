//! Whether an event is wanted.

use super::{Address, Hardware, Literal, Named, Node, Number, Order, Term, Test};
use crate::{event::Event, net::Mac};
use serde_json::Value;
use std::{cell::OnceCell, net::Ipv4Addr};

/// The event as the line that bare words are looked for in.
pub fn line(event: &Event) -> String {
    let machine = event.machine.map(|a| a.to_string()).unwrap_or_default();
    let mac = event.mac.map(|m| m.to_string()).unwrap_or_default();
    format!("{} {} {machine} {mac} {} {}", event.severity(), event.service(), event.kind(), event.fact)
}

/// An event under a filter, with what is made of it only once.
pub struct Seen<'a> {
    event: &'a Event,
    line: OnceCell<String>,
    details: OnceCell<Value>,
}

impl<'a> Seen<'a> {
    pub fn of(event: &'a Event) -> Seen<'a> {
        Seen { event, line: OnceCell::new(), details: OnceCell::new() }
    }

    pub fn node(&self, node: &Node) -> bool {
        match node {
            Node::All(nodes) => nodes.iter().all(|node| self.node(node)),
            Node::Any(nodes) => nodes.iter().any(|node| self.node(node)),
            Node::Not(node) => !self.node(node),
            Node::Is(term) => self.term(term),
        }
    }

    fn term(&self, term: &Term) -> bool {
        let event = self.event;
        match term {
            Term::Line(word) => self.line.get_or_init(|| line(event).to_lowercase()).contains(word),
            Term::Machine(address) => event.machine.is_some_and(|machine| address.is(machine)),
            Term::Segment(address) => event.segment.is_some_and(|segment| address.is(segment)),
            Term::Mac(hardware) => event.mac.is_some_and(|mac| hardware.is(mac)),
            Term::Named(named) => named.are(event),
            Term::Service(services) => services.contains(&event.service()),
            Term::Kind(kinds) => kinds.contains(&event.kind()),
            Term::Severity(severities) => severities.contains(&event.severity()),
            Term::Time(order, moment) => order.holds(event.time.cmp(moment)),
            Term::Detail(path, test) => {
                let details = self.details.get_or_init(|| details(event));
                let found = path.iter().try_fold(details, |value, name| value.as_object()?.get(name));
                found.is_some_and(|value| test.holds(value))
            }
        }
    }
}

fn details(event: &Event) -> Value {
    let mut fact = serde_json::to_value(&event.fact).unwrap_or_default();
    fact.get_mut("details").map(Value::take).unwrap_or_default()
}

impl Address {
    fn is(&self, address: Ipv4Addr) -> bool {
        match self {
            Address::Known => true,
            Address::Is(wanted) => *wanted == address,
            Address::In(network) => network.contains(&address),
            Address::Like(glob) => glob.matches(&address.to_string()),
        }
    }
}

impl Hardware {
    fn is(&self, mac: Mac) -> bool {
        match self {
            Hardware::Known => true,
            Hardware::Is(wanted) => *wanted == mac,
            Hardware::Like(glob) => glob.matches(&mac.to_string()),
        }
    }
}

impl Named {
    fn are(&self, event: &Event) -> bool {
        let of_segment = event.segment.and_then(|segment| self.addresses.get(&segment));
        event.machine.is_some_and(|machine| of_segment.is_some_and(|addresses| addresses.contains(&machine)))
            || event.mac.is_some_and(|mac| self.macs.contains(&mac))
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Test::Known, value) => !value.is_null(),
            (_, Value::Array(elements)) => elements.iter().any(|element| self.holds_of(element)),
            (_, Value::Object(fields)) => fields.values().any(|element| self.holds_of(element)),
            (_, single) => self.holds_of(single),
        }
    }

    fn holds_of(&self, value: &Value) -> bool {
        match (self, value) {
            (Test::Equals(wanted), Value::Bool(truth)) => wanted.truth() == Some(*truth),
            (Test::Equals(wanted), Value::Number(_)) => wanted.lies(Order::Equal, value),
            (Test::Equals(Literal { glob, .. }) | Test::Like(glob), Value::String(text)) => glob.matches(text),
            (Test::Compares(order, wanted), Value::Number(_)) => wanted.lies(*order, value),
            (Test::Compares(order, Literal { text: wanted, number: None, .. }), Value::String(text)) => {
                order.holds(text.as_str().cmp(wanted))
            }
            _ => false,
        }
    }
}

impl Literal {
    /// The truth that it is.
    pub fn truth(&self) -> Option<bool> {
        match self.glob.exact()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    fn lies(&self, order: Order, value: &Value) -> bool {
        let found = value.as_number().and_then(Number::of);
        found.zip(self.number).is_some_and(|(found, wanted)| order.holds(found.compare(wanted)))
    }
}
