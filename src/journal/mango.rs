//! A filter as a CouchDB Mango selector over the documents of the replica, one a second, machine and service.
//! It finds every document that has a wanted event, and more: who reads them asks [`Filter::matches`] of each event.
//!
//! CouchDB compares values of all types with each other and text by language, PouchDB in JavaScript's way; patterns have no
//! flags. So a term is said in a way that both mean alike, or is left out.

use super::query::prefix;
use crate::{
    event::{Service, Severity},
    filter::{Address, Filter, Glob, Hardware, Literal, Node, Number, Order, Term, Test},
};
use jiff::{Timestamp, Unit};
use serde_json::{Map, Value, json};

/// The longest text that is looked for by a pattern.
const LONGEST: usize = 64;
/// JavaScript's numbers are exact below it.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Whose Mango it is: `GET /` of a PouchDB answers with the field `express-pouchdb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Apache CouchDB's.
    CouchDb,
    /// PouchDB's, which breaks over patterns and over `$and` in `$elemMatch`.
    PouchDb,
}

/// The selector.
pub fn selector(filter: &Filter, dialect: Dialect) -> Value {
    let mut selector = Map::new();
    let terms = match filter.root() {
        Node::All(nodes) => nodes.as_slice(),
        one => std::slice::from_ref(one),
    };
    // What a document has in common with its events is asked of the document, where indexes are.
    let mut seconds = Map::new();
    for node in terms {
        let Node::Is(term) = node else { continue };
        match term {
            Term::Time(order, moment) => within(&mut seconds, *order, *moment),
            Term::Service(services) => {
                let names: Vec<&str> = services.iter().map(|service| service.name()).collect();
                selector.entry("service").or_insert(one_of(names));
            }
            Term::Machine(address) => drop(selector.entry("machine").or_insert(self::address(address))),
            Term::Segment(address) => drop(selector.entry("segment").or_insert(self::address(address))),
            _ => {}
        }
    }
    if seconds.is_empty() {
        seconds.insert("$gt".to_owned(), Value::Null);
    }
    selector.insert("second".to_owned(), Value::Object(seconds));
    if let Some(event) = event(filter.root(), true) {
        let event = if dialect == Dialect::PouchDb { for_pouchdb(event) } else { event };
        selector.insert("events".to_owned(), json!({ "$elemMatch": event }));
    }
    Value::Object(selector)
}

/// The same for PouchDB: any text for each pattern, and no `$and`.
fn for_pouchdb(selector: Value) -> Value {
    match selector {
        Value::Array(elements) => elements.into_iter().map(for_pouchdb).collect(),
        Value::Object(fields) if fields.contains_key("$regex") => json!({"$type": "string"}),
        Value::Object(fields) => match fields.get("$and").and_then(Value::as_array) {
            Some(all) => together(all.iter().cloned().map(for_pouchdb)),
            None => fields.into_iter().map(|(name, value)| (name, for_pouchdb(value))).collect(),
        },
        single => single,
    }
}

/// One object, whose fields all have to fit; what has no room in it is said by two negations.
fn together(all: impl Iterator<Item = Value>) -> Value {
    let (mut fields, mut others) = (Map::new(), Vec::new());
    for one in all {
        match one {
            Value::Object(one) if !one.keys().any(|field| field == "$nor" || fields.contains_key(field)) => {
                fields.extend(one);
            }
            other => others.push(json!({ "$not": other })),
        }
    }
    if !others.is_empty() {
        fields.insert("$nor".to_owned(), Value::from(others));
    }
    Value::Object(fields)
}

/// Narrows the seconds down.
fn within(seconds: &mut Map<String, Value>, order: Order, moment: Timestamp) {
    // Of these years alone all are written alike, so that they are in order as text.
    let Ok(second) = moment.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor))
    else {
        return;
    };
    if second.as_second() < 0 {
        return;
    }
    let text = second.to_string();
    let mut narrow = |bound: &str, is_narrower: fn(&str, &str) -> bool| {
        if seconds.get(bound).and_then(Value::as_str).is_none_or(|old| is_narrower(&text, old)) {
            seconds.insert(bound.to_owned(), Value::from(text.as_str()));
        }
    };
    if matches!(order, Order::AtLeast | Order::More | Order::Equal) {
        narrow("$gte", |new, old| new > old);
    }
    if matches!(order, Order::AtMost | Order::Less | Order::Equal) {
        narrow("$lte", |new, old| new < old);
    }
}

/// What an event must have to be wanted (or, where `wanted` is false, not to be); none where all may.
fn event(node: &Node, wanted: bool) -> Option<Value> {
    match (node, wanted) {
        (Node::Not(node), wanted) => event(node, !wanted),
        (Node::All(nodes), true) | (Node::Any(nodes), false) => {
            let all: Vec<Value> = nodes.iter().filter_map(|node| event(node, wanted)).collect();
            match all.as_slice() {
                [] => None,
                [only] => Some(only.clone()),
                _ => Some(json!({ "$and": all })),
            }
        }
        (Node::Any(nodes), true) | (Node::All(nodes), false) => {
            let any: Option<Vec<Value>> = nodes.iter().map(|node| event(node, wanted)).collect();
            match any?.as_slice() {
                [] => Some(nothing()),
                [only] => Some(only.clone()),
                any => Some(json!({ "$or": any })),
            }
        }
        // What every event has can be said the other way round.
        (Node::Is(Term::Service(services)), wanted) => {
            let is_it = |service: &Service| services.contains(service) == wanted;
            Some(json!({"service": one_of(Service::ALL.into_iter().filter(is_it).map(Service::name).collect())}))
        }
        (Node::Is(Term::Severity(severities)), wanted) => {
            let is_it = |severity: &Severity| severities.contains(severity) == wanted;
            Some(json!({"severity": one_of(Severity::ALL.into_iter().filter(is_it).map(Severity::name).collect())}))
        }
        (Node::Is(Term::Kind(kinds)), true) => Some(json!({ "kind": one_of(kinds.clone()) })),
        (Node::Is(Term::Kind(kinds)), false) => Some(json!({ "kind": { "$nin": kinds } })),
        (Node::Is(term), true) => positive(term),
        (Node::Is(_), false) => None,
    }
}

/// No event is so: each has a kind.
fn nothing() -> Value {
    json!({"kind": {"$in": []}})
}

fn positive(term: &Term) -> Option<Value> {
    let found = match term {
        Term::Machine(address) => json!({ "machine": self::address(address) }),
        Term::Segment(address) => json!({ "segment": self::address(address) }),
        Term::Mac(Hardware::Known) => json!({ "mac": known() }),
        Term::Mac(Hardware::Is(mac)) => json!({"mac": {"$eq": mac.to_string()}}),
        Term::Mac(Hardware::Like(glob)) => json!({ "mac": text(glob) }),
        Term::Named(named) => {
            let addresses: Vec<String> = named.addresses.values().flatten().map(ToString::to_string).collect();
            let macs: Vec<String> = named.macs.iter().map(ToString::to_string).collect();
            json!({"$or": [{"machine": {"$in": addresses}}, {"mac": {"$in": macs}}]})
        }
        Term::Detail(path, test) => {
            let field = format!("details.{}", path.join("."));
            let any: Vec<Value> = values(test).into_iter().map(|value| json!({ &field: value })).collect();
            json!({ "$or": any })
        }
        Term::Line(_) | Term::Time(..) => return None,
        Term::Service(_) | Term::Kind(_) | Term::Severity(_) => return None, // said by `event`
    };
    Some(found)
}

fn known() -> Value {
    json!({ "$gt": null })
}

fn one_of(names: Vec<&str>) -> Value {
    match names.as_slice() {
        [only] => json!({ "$eq": only }),
        _ => json!({ "$in": names }),
    }
}

fn address(address: &Address) -> Value {
    match address {
        Address::Known => known(),
        Address::Is(address) => json!({"$eq": address.to_string()}),
        Address::In(network) if network.prefix_len() < 8 => known(),
        Address::In(network) => json!({"$regex": format!("^{}", prefix(*network).replace('.', "\\."))}),
        Address::Like(glob) => text(glob),
    }
}

/// What a value may be for a test to hold, each alternative alone. Elements of arrays and objects are not looked at.
fn values(test: &Test) -> Vec<Value> {
    let mut any = match test {
        Test::Known => return vec![known()],
        Test::Like(glob) => vec![text(glob)],
        Test::Equals(literal) => {
            let number =
                literal.number.map(|number| exact(number).map_or_else(any_number, |number| json!({ "$eq": number })));
            let truth = literal.truth().map(|truth| json!({ "$eq": truth }));
            [Some(text(&literal.glob)), number, truth].into_iter().flatten().collect()
        }
        Test::Compares(_, Literal { number: None, .. }) => vec![json!({"$type": "string"})],
        Test::Compares(order, Literal { number: Some(number), .. }) => {
            let operator = match order {
                Order::Less => "$lt",
                Order::AtMost => "$lte",
                Order::Equal => "$eq",
                Order::AtLeast => "$gte",
                Order::More => "$gt",
            };
            vec![exact(*number).map_or_else(any_number, |number| json!({ operator: number }))]
        }
    };
    any.extend([json!({"$type": "array"}), json!({"$type": "object"})]);
    any
}

fn any_number() -> Value {
    json!({"$type": "number"})
}

/// A number that JavaScript and Erlang read alike.
fn exact(number: Number) -> Option<Value> {
    match number {
        Number::Int(whole) => ((whole as f64).abs() < EXACT).then(|| Value::from(whole)),
        Number::Real(real) => (real.abs() < EXACT).then(|| Value::from(real)),
    }
}

/// Text that may look so: it has the longest run of printable ASCII in it.
fn text(glob: &Glob) -> Value {
    let is_plain = |c: char| matches!(c, ' '..='~');
    let is_whole = |text: &&str| text.len() <= LONGEST && text.chars().all(is_plain);
    if let Some(exact) = glob.exact().filter(is_whole) {
        return json!({"$regex": format!("^{}$", pattern(exact))});
    }
    let runs = glob.pieces().iter().flat_map(|piece| piece.split(|c| !is_plain(c)));
    match runs.max_by_key(|run| run.len()).filter(|run| !run.is_empty()) {
        Some(run) => json!({"$regex": pattern(&run[..run.len().min(LONGEST)])}),
        None => json!({"$type": "string"}),
    }
}

fn pattern(text: &str) -> String {
    let one = |c: char| match c {
        'a'..='z' => format!("[{c}{}]", c.to_ascii_uppercase()),
        '0'..='9' | ' ' => c.to_string(),
        other => format!("\\{other}"),
    };
    text.chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Here, Names};
    use jiff::tz::TimeZone;

    fn of(text: &str) -> Value {
        let now = "2026-11-24T12:00:00.5Z".parse().unwrap();
        let here = Here { now, zone: &TimeZone::UTC, names: &Names::default() };
        selector(&Filter::parse(text, &here).unwrap(), Dialect::CouchDb)
    }

    #[test]
    fn selectors() {
        for (text, expected) in [
            ("", json!({"second": {"$gt": null}})),
            ("panic", json!({"second": {"$gt": null}})),
            (
                "machine=10.77.0.60 since=-2h until=11:00 since=-3h",
                json!({"second": {"$gte": "2026-11-24T10:00:00Z", "$lte": "2026-11-24T11:00:00Z"},
                       "machine": {"$eq": "10.77.0.60"}, "events": {"$elemMatch": {"machine": {"$eq": "10.77.0.60"}}}}),
            ),
            (
                "service!=dhcp,tftp,http,dns,syslog,radv,nfs,power,vm,fetch,track,recipe,watch,alert,page,conf",
                json!({"second": {"$gt": null}, "events": {"$elemMatch": {"service": {"$in": ["boot", "program"]}}}}),
            ),
            (
                "not (kind=dhcp.offered or xid=1)",
                json!({"second": {"$gt": null}, "events": {"$elemMatch": {"kind": {"$nin": ["dhcp.offered"]}}}}),
            ),
            ("service=dhcp or panic", json!({"second": {"$gt": null}})),
            (
                "text~\"1.ü Pa\"",
                json!({"second": {"$gt": null}, "events": {"$elemMatch": {"$or": [
                    {"details.text": {"$regex": " [pP][aA]"}},
                    {"details.text": {"$type": "array"}}, {"details.text": {"$type": "object"}}]}}}),
            ),
            (
                "bytes>=1000 bytes<9007199254740992",
                json!({"second": {"$gt": null}, "events": {"$elemMatch": {"$and": [
                    {"$or": [{"details.bytes": {"$gte": 1000}},
                             {"details.bytes": {"$type": "array"}}, {"details.bytes": {"$type": "object"}}]},
                    {"$or": [{"details.bytes": {"$type": "number"}},
                             {"details.bytes": {"$type": "array"}}, {"details.bytes": {"$type": "object"}}]}]}}}),
            ),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
