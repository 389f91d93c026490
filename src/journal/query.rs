//! Questions to the journal: the events of a machine, a service, a time.

use super::{Journal, JournalError, row};
use crate::{
    event::{Event, Service},
    net::Mac,
};
use jiff::Timestamp;
use rusqlite::types::ToSql;
use std::net::Ipv4Addr;

/// Which events are wanted. Nothing set means all.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Of any of these addresses (or of `mac`).
    pub machines: Vec<Ipv4Addr>,
    /// Of this hardware address (or of `machines`).
    pub mac: Option<Mac>,
    /// Of this service.
    pub service: Option<Service>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// After this row.
    pub after: i64,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl Journal {
    /// Hands each wanted event to `take`, the oldest first; returns the last row's number, 0 if there was none.
    pub fn select(&self, query: &Query, take: impl FnMut(Event)) -> Result<i64, JournalError> {
        let mut conditions = vec!["id > ?".to_owned()];
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(query.after)];
        let mut who = Vec::new();
        for machine in &query.machines {
            who.push("machine = ?");
            values.push(Box::new(machine.to_string()));
        }
        if let Some(mac) = query.mac {
            who.push("mac = ?");
            values.push(Box::new(mac.to_string()));
        }
        if !who.is_empty() {
            conditions.push(format!("({})", who.join(" or ")));
        }
        if let Some(service) = query.service {
            conditions.push("service = ?".to_owned());
            values.push(Box::new(service.name()));
        }
        if let Some(since) = query.since {
            conditions.push("time >= ?".to_owned());
            values.push(Box::new(since.as_microsecond()));
        }
        let wanted = format!("select * from event where {}", conditions.join(" and "));
        let sql = match query.limit {
            None => format!("select {} from ({wanted}) order by id", row::COLUMNS),
            Some(limit) => {
                values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
                format!("select {} from ({wanted} order by id desc limit ?) order by id", row::COLUMNS)
            }
        };
        let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        self.each(&sql, &values, take)
    }
}
