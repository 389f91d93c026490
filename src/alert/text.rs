//! What an alert says, and which part of a machine it is about: made of the event that raised it. Pure.

use super::rules::{Compiled, Rules};
use crate::event::{Event, printable};
use minijinja::{Environment, Value as Rendered};
use serde_json::{Map, Value};

/// Characters of what an alert says.
const LONGEST: usize = 300;
/// Characters of what it is about.
const SUBJECT: usize = 100;
/// A template is rendered with so many steps at most.
const FUEL: u64 = 20_000;

/// The value of the field that a rule makes an alert of each of; empty where it makes one of all. None where the event lacks the
/// field.
pub fn subject(rule: &Compiled, event: &Event) -> Option<String> {
    let Some(field) = &rule.rule.by else { return Some(String::new()) };
    let details = details(event);
    let mut steps = field.split('.');
    let first = details.get(steps.next()?)?;
    match steps.try_fold(first, |value, step| value.get(step))? {
        Value::Null => None,
        value => Some(printable(&words(value), SUBJECT)),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(words).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn details(event: &Event) -> Map<String, Value> {
    let mut fact = serde_json::to_value(&event.fact).unwrap_or_default();
    match fact.get_mut("details").map(Value::take) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// What is said: the rule's template, else the event's own words. A template that cannot be rendered says so.
pub fn text(rules: &Rules, rule: &Compiled, event: &Event) -> String {
    let Some(template) = &rule.rule.text else { return printable(&event.fact.to_string(), LONGEST) };
    let mut values = details(event);
    let mac = rules.mac_of(event);
    let known = rules.machine(event.segment, mac);
    let address = event.machine.or(known.map(|(_, address)| address));
    let mut set = |name: &str, value: Option<String>| values.insert(name.to_owned(), value.unwrap_or_default().into());
    set("machine", known.map(|(name, _)| name.to_owned()).or_else(|| address.map(|address| address.to_string())));
    set("address", address.map(|address| address.to_string()));
    set("mac", mac.map(|mac| mac.to_string()));
    set("segment", event.segment.map(|segment| segment.to_string()));
    set("rule", Some(rule.name.clone()));
    set("severity", Some(rule.rule.severity.to_string()));
    set("kind", Some(event.kind().to_owned()));
    set("event", Some(event.fact.to_string()));
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    let said = environment.render_str(template, rendered(&Value::Object(values)));
    printable(&said.unwrap_or_else(|error| format!("{}; its text cannot be made: {error}", event.fact)), LONGEST)
}

/// The same for templates.
fn rendered(value: &Value) -> Rendered {
    match value {
        Value::Null => Rendered::from(()),
        Value::Bool(truth) => Rendered::from(*truth),
        Value::String(text) => Rendered::from(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Rendered::from(whole),
            (None, broken) => Rendered::from(broken),
        },
        Value::Array(all) => Rendered::from(all.iter().map(rendered).collect::<Vec<_>>()),
        Value::Object(fields) => {
            Rendered::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), rendered(value))))
        }
    }
}
