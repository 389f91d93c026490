//! What a comparison means: the event's own fields, and those of its details. Values are checked here.

use super::{
    Address, Fault, Glob, Hardware, Here, Literal, Named, Node, Number, Order, Term, Test,
    moment::{MOMENTS, moment},
    parse::{Comparison, Value, Wrong},
};
use crate::{
    event::{Fact, Service, Severity},
    net::Mac,
};
use jiff::Timestamp;

/// How many names an error lists.
const LISTED: usize = 12;
const TEXT: &str = "= != ~ or !~";

/// The condition that a comparison is.
pub fn node(comparison: &Comparison, here: &Here<'_>) -> Result<Node, Wrong> {
    let positive = match comparison.operator {
        "!=" => "=",
        "!~" => "~",
        other => other,
    };
    let nodes = comparison.values.iter().map(|value| one(comparison, positive, value, here));
    let node = Node::any(nodes.collect::<Result<Vec<_>, _>>()?.into_iter().fold(Vec::new(), together));
    Ok(if positive == comparison.operator { node } else { Node::Not(Box::new(node)) })
}

/// Alternatives of one column are one set.
fn together(mut nodes: Vec<Node>, next: Node) -> Vec<Node> {
    match (nodes.last_mut(), next) {
        (Some(Node::Is(Term::Service(all))), Node::Is(Term::Service(more))) => all.extend(more),
        (Some(Node::Is(Term::Kind(all))), Node::Is(Term::Kind(more))) => all.extend(more),
        (Some(Node::Is(Term::Severity(all))), Node::Is(Term::Severity(more))) => all.extend(more),
        (_, next) => nodes.push(next),
    }
    nodes
}

fn one(comparison: &Comparison, operator: &'static str, value: &Value, here: &Here<'_>) -> Result<Node, Wrong> {
    let refuse = |expected| {
        let fault = Fault::Operator { field: format!("`{}`", comparison.field), expected };
        Err(Wrong::new(comparison.operator_at, comparison.operator.len(), fault))
    };
    let order = match operator {
        "<" => Some(Order::Less),
        "<=" => Some(Order::AtMost),
        ">=" => Some(Order::AtLeast),
        ">" => Some(Order::More),
        _ => None,
    };
    let contains = operator == "~";
    let term = match comparison.field.as_str() {
        "machine" | "mac" | "segment" | "service" | "kind" if order.is_some() => return refuse(TEXT),
        "machine" => return machine(value, contains, here),
        "mac" => Term::Mac(hardware(value, contains)?),
        "segment" => Term::Segment(address(value, contains).ok_or_else(|| {
            wrong(value, "the server's address on the segment, as 10.77.0.1, a network, or * as wildcard")
        })?),
        "service" => Term::Service(services(value, contains)?),
        "kind" => Term::Kind(kinds(value, contains)?),
        "severity" if contains => return refuse("= != < <= > or >="),
        "severity" => Term::Severity(severities(value, order)?),
        "since" | "until" if comparison.operator != "=" => return refuse("="),
        "since" => Term::Time(Order::AtLeast, time(value, here)?),
        "until" => Term::Time(Order::AtMost, time(value, here)?),
        "time" if contains => return refuse("= != < <= > or >="),
        "time" => Term::Time(order.unwrap_or(Order::Equal), time(value, here)?),
        field => {
            let path: Vec<String> =
                field.strip_prefix("details.").unwrap_or(field).split('.').map(Into::into).collect();
            if path.iter().any(String::is_empty) {
                return Err(Wrong::new(comparison.field_at, comparison.field.chars().count(), Fault::Field));
            }
            let test = match order {
                Some(order) => Test::Compares(order, literal(value)),
                None if contains => Test::Like(Glob::containing(&value.text)),
                None if !value.quoted && value.text == "*" => Test::Known,
                None => Test::Equals(literal(value)),
            };
            Term::Detail(path, test)
        }
    };
    Ok(Node::Is(term))
}

fn wrong(value: &Value, expected: impl Into<String>) -> Wrong {
    Wrong::new(value.at, value.length, Fault::Value { expected: expected.into() })
}

fn glob(value: &Value, contains: bool) -> Glob {
    match (contains, value.quoted) {
        (true, _) => Glob::containing(&value.text),
        (false, true) => Glob::literal(&value.text),
        (false, false) => Glob::new(&value.text),
    }
}

fn literal(value: &Value) -> Literal {
    Literal { glob: glob(value, false), text: value.text.clone(), number: Number::parse(&value.text) }
}

/// Address, MAC, network, or the name of a machine.
fn machine(value: &Value, contains: bool, here: &Here<'_>) -> Result<Node, Wrong> {
    if contains {
        // Of what is seen of a machine: its address, its MAC, its name.
        let like = glob(value, true);
        let (addresses, macs) = (Term::Machine(Address::Like(like.clone())), Term::Mac(Hardware::Like(like.clone())));
        let named = Term::Named(named(&like, here));
        return Ok(Node::any([addresses, macs, named].map(Node::Is).to_vec()));
    }
    if let Some(address) = address(value, false) {
        return Ok(Node::Is(Term::Machine(address)));
    }
    if let Ok(mac) = value.text.parse() {
        return Ok(Node::Is(Term::Mac(Hardware::Is(mac))));
    }
    let mut found = named(&glob(value, false), here);
    if let (true, Some((short, _))) = (found == Named::default(), value.text.split_once('.')) {
        found = named(&Glob::new(short), here);
    }
    if found == Named::default() {
        let names = here.names.names();
        let mut listed = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        if names.len() > LISTED {
            listed += &format!(" and {} more", names.len() - LISTED);
        }
        let names = if names.is_empty() { "no machine has a name".to_owned() } else { format!("there are {listed}") };
        return Err(Wrong::new(value.at, value.length, Fault::NoMachine { names }));
    }
    Ok(Node::Is(Term::Named(found)))
}

fn named(wanted: &Glob, here: &Here<'_>) -> Named {
    let mut found = Named::default();
    for known in here.names.named(wanted) {
        found.macs.insert(known.mac);
        if let Some(address) = known.address {
            found.addresses.entry(known.segment).or_default().insert(address);
        }
    }
    found
}

/// An address, a network, or an address with wildcards.
fn address(value: &Value, contains: bool) -> Option<Address> {
    let text = value.text.as_str();
    let is_spelled = |text: &str| text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '*'));
    if contains {
        return is_spelled(text).then(|| Address::Like(Glob::containing(text)));
    }
    if text == "*" && !value.quoted {
        return Some(Address::Known);
    }
    let network = || text.parse().ok().map(Address::In);
    let like = || (text.contains('*') && !value.quoted && is_spelled(text)).then(|| Address::Like(Glob::new(text)));
    text.parse().ok().map(Address::Is).or_else(network).or_else(like)
}

fn hardware(value: &Value, contains: bool) -> Result<Hardware, Wrong> {
    let text = value.text.replace('-', ":");
    let expected = "six octets, as 52:54:00:12:34:56, or some with * as wildcard";
    match text.parse::<Mac>() {
        _ if text == "*" && !contains && !value.quoted => Ok(Hardware::Known),
        Ok(mac) => Ok(Hardware::Is(mac)),
        Err(_) if !text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '*')) => Err(wrong(value, expected)),
        Err(_) if contains => Ok(Hardware::Like(Glob::containing(&text))),
        Err(_) if text.contains('*') && !value.quoted => Ok(Hardware::Like(Glob::new(&text))),
        Err(_) => Err(wrong(value, expected)),
    }
}

fn services(value: &Value, contains: bool) -> Result<Vec<Service>, Wrong> {
    let like = glob(value, contains);
    let found: Vec<Service> = Service::ALL.into_iter().filter(|service| like.matches(service.name())).collect();
    let names = || Service::ALL.map(Service::name).join(", ");
    if found.is_empty() { Err(wrong(value, format!("one of {}", names()))) } else { Ok(found) }
}

/// Those that this version knows: of others it reads no event.
fn kinds(value: &Value, contains: bool) -> Result<Vec<&'static str>, Wrong> {
    let like = glob(value, contains);
    let found: Vec<&str> = Fact::KINDS.iter().copied().filter(|kind| like.matches(kind)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let subject = value.text.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let near: Vec<&str> =
        Fact::KINDS.iter().copied().filter(|kind| kind.split('.').next() == Some(subject.as_str())).collect();
    let mut subjects: Vec<&str> = Fact::KINDS.iter().filter_map(|kind| kind.split('.').next()).collect();
    subjects.dedup();
    let all = || format!("{}.*", subjects.join(".*, "));
    Err(wrong(value, format!("a kind: {}", if near.is_empty() { all() } else { near.join(", ") })))
}

fn severities(value: &Value, order: Option<Order>) -> Result<Vec<Severity>, Wrong> {
    let expected = || wrong(value, format!("0 to 7 or one of {}", Severity::ALL.map(Severity::name).join(", ")));
    let text = match value.text.to_ascii_lowercase().as_str() {
        "panic" => "emerg".to_owned(),
        "critical" => "crit".to_owned(),
        "error" => "err".to_owned(),
        "warn" => "warning".to_owned(),
        other => other.to_owned(),
    };
    let like = if value.quoted { Glob::literal(&text) } else { Glob::new(&text) };
    let is_it = |severity: &Severity| like.matches(severity.name()) || severity.number().to_string() == text;
    let named: Vec<Severity> = Severity::ALL.into_iter().filter(is_it).collect();
    match (order, named.as_slice()) {
        (_, []) => Err(expected()),
        (None, _) => Ok(named),
        (Some(order), [one]) => {
            Ok(Severity::ALL.into_iter().filter(|severity| order.holds(severity.number().cmp(&one.number()))).collect())
        }
        (Some(_), _) => Err(expected()),
    }
}

fn time(value: &Value, here: &Here<'_>) -> Result<Timestamp, Wrong> {
    moment(&value.text, here.now, here.zone).ok_or_else(|| wrong(value, MOMENTS))
}
