//! Questions to the journal: a filter as SQL with bound values, over the columns and over the JSON of `details`.
//! It gives exactly the events that [`Filter::matches`] wants.

use super::{Journal, JournalError, row};
use crate::{
    event::Event,
    filter::{self, Address, Filter, Glob, Hardware, Here, Named, Node, Number, Order, Term, Test},
};
use ipnet::Ipv4Net;
use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, functions::FunctionFlags, types::Value};
use std::path::Path;

/// Which events are wanted. The default wants all.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// That the filter wants.
    pub filter: Filter,
    /// After this row.
    pub after: i64,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// Why a question cannot be put.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// The filter makes no sense.
    #[error("{0}")]
    Filter(String),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Bytes of lines that are handed over at once.
const CHUNK: usize = 1 << 15;

impl Journal {
    /// The journal at `path`, and what a filter's text asks of it, as it is meant here and now.
    pub fn question(path: &Path, filter: &str, limit: Option<usize>) -> Result<(Journal, Query), QuestionError> {
        let journal = Journal::read(path)?;
        let here = Here { now: Timestamp::now(), zone: &TimeZone::system(), names: &journal.names()? };
        let filter = Filter::parse(filter, &here).map_err(|error| QuestionError::Filter(error.to_string()))?;
        Ok((journal, Query { filter, after: 0, limit }))
    }

    /// Hands each wanted event to `take`, the oldest first; returns the last row's number, 0 if there was none.
    pub fn select(&self, query: &Query, mut take: impl FnMut(Event)) -> Result<i64, JournalError> {
        self.select_while(query, |event| {
            take(event);
            true
        })
    }

    /// The same, until `take` says no.
    pub fn select_while(&self, query: &Query, take: impl FnMut(Event) -> bool) -> Result<i64, JournalError> {
        let (sql, values) = compiled(query);
        let values: Vec<&dyn rusqlite::types::ToSql> = values.iter().map(|value| value as _).collect();
        self.each(&sql, &values, take)
    }

    /// The same, and makes of `query` the one for what comes afterwards.
    pub fn select_on(&self, query: &mut Query, take: impl FnMut(Event) -> bool) -> Result<(), JournalError> {
        // Asked before: what is written in the meantime is not passed over. What is not wanted is not looked at twice.
        let end = self.last_id()?;
        let last = self.select_while(query, take)?;
        query.after = query.after.max(last).max(end);
        query.limit = None;
        Ok(())
    }

    /// The same as lines of JSON, some at once.
    pub fn lines(&self, query: &mut Query, mut take: impl FnMut(Vec<u8>) -> bool) -> Result<(), JournalError> {
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut goes_on = true;
        self.select_on(query, |event| {
            if serde_json::to_writer(&mut chunk, &event).is_ok() {
                chunk.push(b'\n');
            }
            goes_on = chunk.len() < CHUNK || take(std::mem::take(&mut chunk));
            goes_on
        })?;
        if goes_on && !chunk.is_empty() {
            take(chunk);
        }
        Ok(())
    }
}

/// The statement that gives [`row::COLUMNS`] of what is wanted, and its values.
pub fn compiled(query: &Query) -> (String, Vec<Value>) {
    let mut sql = Sql { values: Vec::new() };
    let mut condition = sql.node(query.filter.root());
    if query.after > 0 {
        condition = format!("id > {} and {condition}", sql.bind(query.after));
    }
    let wanted = match query.limit {
        None => format!("select {} from event where {condition} order by id", row::COLUMNS),
        Some(limit) => {
            let limit = sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
            // Only numbers are sorted; the rows are fetched of those that are kept.
            let newest = format!("select id from event where {condition} order by time desc, id desc limit {limit}");
            format!("select {} from event where id in ({newest}) order by id", row::COLUMNS)
        }
    };
    (wanted, sql.values)
}

/// Values of a statement that is being made. A condition may be null for false: `not` and nothing else takes care of it.
struct Sql {
    values: Vec<Value>,
}

impl Sql {
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    fn node(&mut self, node: &Node) -> String {
        match node {
            Node::All(nodes) => self.joined(nodes, "and", "1"),
            Node::Any(nodes) => self.joined(nodes, "or", "0"),
            Node::Not(node) => format!("not ifnull({}, 0)", self.node(node)),
            Node::Is(term) => self.term(term),
        }
    }

    /// As a balanced tree: SQLite limits how deep a condition is.
    fn joined(&mut self, nodes: &[Node], with: &str, empty: &str) -> String {
        match nodes {
            [] => empty.to_owned(),
            [only] => self.node(only),
            more => {
                let (left, right) = more.split_at(more.len() / 2);
                let (left, right) = (self.joined(left, with, empty), self.joined(right, with, empty));
                format!("({left} {with} {right})")
            }
        }
    }

    fn term(&mut self, term: &Term) -> String {
        match term {
            // Of Unicode's letters, too, both cases are the same here: the line is in lower case, as the word is.
            Term::Line(word) => {
                format!("instr(event_line(machine, mac, kind, details), {}) > 0", self.bind(word.clone()))
            }
            Term::Machine(address) => self.address("machine", address),
            Term::Segment(address) => self.address("segment", address),
            Term::Mac(Hardware::Known) => "mac is not null".to_owned(),
            Term::Mac(Hardware::Is(mac)) => format!("mac = {}", self.bind(mac.to_string())),
            Term::Mac(Hardware::Like(glob)) => self.glob("mac", glob),
            Term::Named(named) => self.named(named),
            Term::Service(services) => self.one_of("service", services.iter().map(|service| service.name())),
            Term::Kind(kinds) => self.one_of("kind", kinds.iter().copied()),
            Term::Severity(severities) => {
                let numbers: Vec<String> = severities.iter().map(|severity| severity.number().to_string()).collect();
                format!("severity in ({})", numbers.join(", "))
            }
            Term::Time(order, moment) => format!("time {} {}", order.sign(), self.bind(moment.as_microsecond())),
            Term::Detail(path, test) => self.detail(path, test),
        }
    }

    fn one_of<'a>(&mut self, column: &str, names: impl Iterator<Item = &'a str>) -> String {
        let names: Vec<String> = names.map(|name| self.bind(name.to_owned())).collect();
        match names.as_slice() {
            // Its rows lie in the index in the order of time.
            [only] => format!("{column} = {only}"),
            _ => format!("{column} in ({})", names.join(", ")),
        }
    }

    fn glob(&mut self, value: &str, glob: &Glob) -> String {
        format!("{value} like {} escape '\\'", self.bind(like(glob)))
    }

    fn address(&mut self, column: &str, address: &Address) -> String {
        match address {
            Address::Known => format!("{column} is not null"),
            Address::Is(address) => format!("{column} = {}", self.bind(address.to_string())),
            Address::In(network) => {
                let (from, to) = (self.bind(prefix(*network)), self.bind(prefix(*network) + "~"));
                // The range of text is for the index.
                format!(
                    "({column} >= {from} and {column} < {to} and in_network({column}, {}))",
                    self.bind(network.to_string())
                )
            }
            Address::Like(glob) => self.glob(column, glob),
        }
    }

    fn named(&mut self, named: &Named) -> String {
        let listed = |texts: Vec<String>| serde_json::to_string(&texts).unwrap_or_default();
        let mut who = Vec::new();
        for (segment, addresses) in &named.addresses {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let machine = match addresses.as_slice() {
                [only] => format!("machine = {}", self.bind(only.clone())),
                _ => format!("machine in (select value from json_each({}))", self.bind(listed(addresses))),
            };
            who.push(format!("(segment = {} and {machine})", self.bind(segment.to_string())));
        }
        let macs: Vec<String> = named.macs.iter().map(ToString::to_string).collect();
        match macs.as_slice() {
            [] => {}
            [only] => who.push(format!("mac = {}", self.bind(only.clone()))),
            _ => who.push(format!("mac in (select value from json_each({}))", self.bind(listed(macs)))),
        }
        if who.is_empty() { "0".to_owned() } else { format!("({})", who.join(" or ")) }
    }

    fn detail(&mut self, path: &[String], test: &Test) -> String {
        let quoted: Vec<String> = path.iter().map(|name| format!("\"{name}\"")).collect();
        let path = self.bind(format!("$.{}", quoted.join(".")));
        let condition = match test {
            Test::Known => return format!("ifnull(json_type(details, {path}), 'null') <> 'null'"),
            Test::Like(glob) => format!("e.type = 'text' and {}", self.glob("e.atom", glob)),
            Test::Equals(literal) => {
                let mut either = vec![format!("e.type = 'text' and {}", self.glob("e.atom", &literal.glob))];
                if let Some(number) = literal.number {
                    either.push(self.number(Order::Equal, number));
                }
                either.extend(literal.truth().map(|truth| format!("e.type = '{truth}'")));
                either.join(" or ")
            }
            Test::Compares(order, literal) => match literal.number {
                Some(number) => self.number(*order, number),
                None => format!("e.type = 'text' and e.atom {} {}", order.sign(), self.bind(literal.text.clone())),
            },
        };
        format!("exists (select 1 from json_each(details, {path}) e where {condition})")
    }

    fn number(&mut self, order: Order, number: Number) -> String {
        let value = match number {
            Number::Int(whole) => Value::Integer(whole),
            Number::Real(real) => Value::Real(real),
        };
        format!("e.type in ('integer', 'real') and e.atom {} {}", order.sign(), self.bind(value))
    }
}

/// The pattern of LIKE, with `\` before what is meant as it is. LIKE, too, takes ASCII letters alone as the same in both cases.
fn like(glob: &Glob) -> String {
    let escaped = |piece: &String| piece.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    glob.pieces().iter().map(escaped).collect::<Vec<_>>().join("%")
}

/// What the text of each address of a network begins with: the octets that it has as a whole.
pub fn prefix(network: Ipv4Net) -> String {
    let octets = network.network().octets();
    let whole = usize::from(network.prefix_len() / 8);
    match whole {
        4 => network.network().to_string(),
        _ => octets[..whole].iter().map(|octet| format!("{octet}.")).collect(),
    }
}

/// Gives a connection the functions that conditions are made with.
pub fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("in_network", 2, flags, |context| {
        let address: Option<String> = context.get(0)?;
        let network: Option<Ipv4Net> = context.get::<String>(1)?.parse().ok();
        let address = address.and_then(|text| text.parse().ok());
        Ok(network.zip(address).is_some_and(|(network, address): (_, std::net::Ipv4Addr)| network.contains(&address)))
    })?;
    // The event's line, lower case; null of a kind that this version does not know.
    connection.create_scalar_function("event_line", 4, flags, |context| {
        let (machine, mac): (Option<String>, Option<String>) = (context.get(0)?, context.get(1)?);
        let (kind, details): (String, String) = (context.get(2)?, context.get(3)?);
        let fact = row::fact(&kind, &details);
        let event = fact.map(|fact| {
            let machine = machine.and_then(|text| text.parse().ok());
            let mac = mac.and_then(|text| text.parse().ok());
            Event { time: jiff::Timestamp::UNIX_EPOCH, segment: None, machine, mac, fact }
        });
        Ok(event.map(|event| filter::line(&event).to_lowercase()))
    })
}
