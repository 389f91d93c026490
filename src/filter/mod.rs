//! The one language for questions about events: `machine=web1 kind=dhcp.* since=-2h text~"panic" severity<=err`.
//! Text becomes a [`Filter`], which tells of each event whether it is wanted. Pure; knows no store and no screen.
//! Stores translate [`Node`]s into their own language and must give what [`Filter::matches`] gives.

mod directory;
mod error;
mod field;
mod glob;
mod matches;
mod moment;
mod number;
mod parse;
#[cfg(test)]
mod tests;

pub use directory::{Directory, Known, Names};
pub use error::{Fault, FilterError};
pub use glob::Glob;
pub use matches::line;
pub use moment::{MOMENTS, moment};
pub use number::Number;

use crate::{
    event::{Event, Service, Severity},
    net::Mac,
};
use ipnet::Ipv4Net;
use jiff::{Timestamp, tz::TimeZone};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

/// A line of syntax, for helps.
pub const SYNTAX: &str = "words; FIELD=VALUE != ~ !~ < <= > >=; A,B; *; \"…\"; or, not, ( )";
/// What can be written, for helps.
pub const EXAMPLES: [&str; 4] = [
    "machine=web1 service=dhcp,tftp since=-2h",
    "severity<=err not kind=packet.*",
    "text~\"kernel panic\" or bytes>1000000",
    "machine=10.77.0.0/28 refusal.path=*",
];

/// What relative times and host names mean here and now.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The present.
    pub now: Timestamp,
    /// Where the operator is.
    pub zone: &'a TimeZone,
    /// Which machines have which names.
    pub names: &'a dyn Directory,
}

/// Which events are wanted. The default wants all.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Filter {
    root: Node,
}

/// A condition made of others, or of a term.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// All of these hold; none of them: always.
    All(Vec<Node>),
    /// One of these holds.
    Any(Vec<Node>),
    /// This does not hold.
    Not(Box<Node>),
    /// The term holds.
    Is(Term),
}

impl Default for Node {
    fn default() -> Node {
        Node::All(Vec::new())
    }
}

/// One thing that an event has or has not. Names are resolved, wildcards expanded: it means the same everywhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// The event's line has this in it (lower case).
    Line(String),
    /// The machine's address.
    Machine(Address),
    /// The machine, by name.
    Named(Named),
    /// The machine's hardware address.
    Mac(Hardware),
    /// The server's own address.
    Segment(Address),
    /// One of these services.
    Service(Vec<Service>),
    /// One of these kinds.
    Kind(Vec<&'static str>),
    /// One of these severities.
    Severity(Vec<Severity>),
    /// Before or after a moment.
    Time(Order, Timestamp),
    /// A field of the kind's own, by its path: the value there, or one of the elements of an array or object there.
    Detail(Vec<String>, Test),
}

/// What an address is to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// Any.
    Known,
    /// This one.
    Is(Ipv4Addr),
    /// One of a network.
    In(Ipv4Net),
    /// Spelled like this.
    Like(Glob),
}

/// What a hardware address is to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Hardware {
    /// Any.
    Known,
    /// This one.
    Is(Mac),
    /// Spelled like this.
    Like(Glob),
}

/// The machines that have a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named {
    /// Their addresses, by segment.
    pub addresses: BTreeMap<Ipv4Addr, BTreeSet<Ipv4Addr>>,
    /// Their hardware addresses.
    pub macs: BTreeSet<Mac>,
}

/// What a field of the details is to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// There, and not null.
    Known,
    /// This number, this text with its wildcards, or this truth.
    Equals(Literal),
    /// Text that is like this.
    Like(Glob),
    /// A number before or after this one; where this is no number: text before or after it, byte by byte.
    Compares(Order, Literal),
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// Its text, with wildcards where it was not in quotes.
    pub glob: Glob,
    /// As it was written.
    pub text: String,
    /// The number that it is.
    pub number: Option<Number>,
}

/// How two values are to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

impl Order {
    /// Whether two values that lie so are as wanted.
    pub fn holds(self, found: Ordering) -> bool {
        match self {
            Order::Less => found.is_lt(),
            Order::AtMost => found.is_le(),
            Order::Equal => found.is_eq(),
            Order::AtLeast => found.is_ge(),
            Order::More => found.is_gt(),
        }
    }

    /// As people and SQL write it.
    pub fn sign(self) -> &'static str {
        match self {
            Order::Less => "<",
            Order::AtMost => "<=",
            Order::Equal => "=",
            Order::AtLeast => ">=",
            Order::More => ">",
        }
    }
}

impl Filter {
    /// Reads a filter. Empty text wants every event.
    pub fn parse(text: &str, here: &Here<'_>) -> Result<Filter, FilterError> {
        parse::parse(text, here).map(|root| Filter { root })
    }

    /// Wants what both want.
    #[must_use]
    pub fn and(self, other: Filter) -> Filter {
        Filter { root: Node::all(vec![self.root, other.root]) }
    }

    /// True for the filter that wants every event.
    pub fn is_everything(&self) -> bool {
        self.root == Node::default()
    }

    /// Its condition, for stores.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Whether the event is wanted.
    pub fn matches(&self, event: &Event) -> bool {
        matches::Seen::of(event).node(&self.root)
    }
}

impl Node {
    /// All of `nodes`, those that are quickly decided first.
    fn all(nodes: Vec<Node>) -> Node {
        let mut flat: Vec<Node> = Vec::new();
        for node in nodes {
            match node {
                Node::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        flat.sort_by_key(Node::cost);
        match flat.pop() {
            Some(only) if flat.is_empty() => only,
            last => {
                flat.extend(last);
                Node::All(flat)
            }
        }
    }

    fn any(mut nodes: Vec<Node>) -> Node {
        match nodes.pop() {
            Some(only) if nodes.is_empty() => only,
            last => {
                nodes.extend(last);
                Node::Any(nodes)
            }
        }
    }

    fn cost(&self) -> u8 {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().map(Node::cost).max().unwrap_or(0),
            Node::Not(node) => node.cost(),
            Node::Is(Term::Line(_)) => 2,
            Node::Is(Term::Detail(..)) => 1,
            Node::Is(_) => 0,
        }
    }
}

/// `text` in quotes, as the language reads it.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
