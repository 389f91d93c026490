//! An event as a row, and back.

use crate::event::{Event, Fact};
use jiff::Timestamp;
use rusqlite::{CachedStatement, Row, params};

/// In the order in which [`event`] reads them.
pub const COLUMNS: &str = "id, time, segment, machine, mac, kind, details";

/// Takes an [`Event`]'s values.
pub const INSERT: &str = "insert into event (time, segment, machine, mac, service, kind, severity, details) \
                          values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Writes one event with a statement made of [`INSERT`].
pub fn insert(statement: &mut CachedStatement<'_>, event: &Event) -> rusqlite::Result<()> {
    // A fact is serialized as {"kind": …, "details": …}; the row wants the details alone.
    let fact = serde_json::to_string(&event.fact).unwrap_or_default();
    let begin = format!("{{\"kind\":\"{}\",\"details\":", event.kind());
    let details = fact.strip_prefix(&begin).and_then(|rest| rest.strip_suffix('}')).unwrap_or("{}");
    statement.execute(params![
        event.time.as_microsecond(),
        event.segment.map(|a| a.to_string()),
        event.machine.map(|a| a.to_string()),
        event.mac.map(|m| m.to_string()),
        event.service().name(),
        event.kind(),
        event.severity().number(),
        details,
    ])?;
    Ok(())
}

/// The event of a row that selected [`COLUMNS`]; none where this version does not know its kind.
pub fn event(row: &Row<'_>) -> rusqlite::Result<Option<Event>> {
    let address = |column| row.get::<_, Option<String>>(column).map(|text| text.and_then(|t| t.parse().ok()));
    let (kind, details): (String, String) = (row.get(5)?, row.get(6)?);
    let (Some(fact), Ok(time)) = (fact(&kind, &details), Timestamp::from_microsecond(row.get(1)?)) else {
        return Ok(None);
    };
    let mac = row.get::<_, Option<String>>(4)?.and_then(|text| text.parse().ok());
    Ok(Some(Event { time, segment: address(2)?, machine: address(3)?, mac, fact }))
}

/// What happened, as two columns say it; none where this version does not know the kind.
pub fn fact(kind: &str, details: &str) -> Option<Fact> {
    let details: serde_json::Value = serde_json::from_str(details).unwrap_or_default();
    serde_json::from_value(serde_json::json!({"kind": kind, "details": details})).ok()
}
