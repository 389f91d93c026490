//! The state as it stood after any event: from the journal's rows up to that one, in bounded work however long the
//! journal is.

use super::{Journal, JournalError, row, told};
use crate::{
    event::{Event, Service},
    state::State,
};
use rusqlite::{OptionalExtension, types::ToSql};
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

/// Events of the past of each service that a state begins with.
const PAST: usize = 2_000;
/// Messages of machines that it begins with.
const MESSAGES: usize = 1_000;
/// Kinds that say how a machine's arming stands.
pub(super) const ARMING: [&str; 5] = ["boot.armed", "boot.disarmed", "boot.tried", "boot.spent", "boot.told"];
/// Kinds that say which alerts there are, and who was told: one may fire for months while others come and go.
const ALERTS: [&str; 7] = [
    "alert.pending",
    "alert.fired",
    "alert.withdrawn",
    "alert.resolved",
    "alert.acknowledged",
    "alert.silenced",
    "alert.delivered",
];
const COMMANDS: [&str; 2] = ["dns.obeyed", "dns.ran"];
/// Clocks are set: the newest time until a row is looked for in so many rows before it.
const DISORDER: i64 = 4_096;

/// Questions for the last boot file that each machine's firmware got on with; between the two stands of which rows.
pub(super) const LEARNED: &str = "select max(id) from event where kind = 'boot.learned'";
pub(super) const EACH: &str = "group by segment, mac, json_extract(details, '$.architecture')";

/// The rows until one of them.
#[derive(Clone, Copy)]
pub(super) struct Until {
    id: i64,
    /// No row until `id` is later, as far as the rows just before it tell.
    time: i64,
}

impl Until {
    /// All rows.
    pub const ALL: Until = Until { id: i64::MAX, time: i64::MAX };

    /// A question for the last lease event of each address of segment `?1`, among those that `these` says. An
    /// acknowledgement says who has the address; a later release or expiry only ends it. So both are wanted.
    pub fn lease_ids(given: bool, these: &str) -> String {
        let kinds = if given { "'dhcp.acknowledged'" } else { "'dhcp.released', 'dhcp.declined', 'dhcp.expired'" };
        format!(
            "select max(id) from event where segment = ?1 and {these} and kind in ({kinds}) \
             and kind in ('dhcp.acknowledged', 'dhcp.released', 'dhcp.declined', 'dhcp.expired') \
             group by json_extract(details, '$.address')"
        )
    }
}

impl Journal {
    /// The segments as they stood after the event of row `id`, or as they stand now: leases, conf, and the newest
    /// events of each service.
    pub fn state(&self, id: Option<i64>) -> Result<State, JournalError> {
        let until = match id {
            None => Until::ALL,
            Some(id) => {
                let sql = "select max(time) from (select time from event where id <= ?1 order by id desc limit ?2)";
                let time = self.value::<Option<i64>>(sql, &[&id, &DISORDER])?.flatten();
                Until { id, time: time.unwrap_or(i64::MAX) }
            }
        };
        // By row, so that an event that several questions give is folded once, and in its place.
        let mut events = BTreeMap::new();
        for segment in self.segments()? {
            events.extend(self.lease_events(segment, until)?);
        }
        events.extend(self.conf_events(until)?);
        events.extend(self.arming_events(until)?);
        events.extend(self.learned_events(until)?);
        events.extend(self.watch_events(until)?);
        events.extend(self.newest(PAST, MESSAGES, until)?);
        let mut state = State::default();
        events.into_values().for_each(|event| state.apply(&Arc::new(event)));
        Ok(state)
    }

    /// Every segment that conf ever had.
    fn segments(&self) -> Result<Vec<Ipv4Addr>, JournalError> {
        let sql = "select distinct segment from event where kind = 'conf.loaded' and segment is not null";
        let mut statement = self.connection.prepare_cached(sql).map_err(told(&self.path))?;
        let found = statement.query_map([], |row| row.get::<_, String>(0)).map_err(told(&self.path))?;
        Ok(found.flatten().filter_map(|text| text.parse().ok()).collect())
    }

    /// The last lease events of each address of a segment.
    pub(super) fn lease_events(&self, segment: Ipv4Addr, until: Until) -> Result<Vec<(i64, Event)>, JournalError> {
        let sql = format!(
            "select {} from event where id in ({}) or id in ({}) order by id",
            row::COLUMNS,
            Until::lease_ids(true, "id <= ?2"),
            Until::lease_ids(false, "id <= ?2"),
        );
        self.rows(&sql, &[&segment.to_string(), &until.id])
    }

    /// What each segment's conf was last: it may be older than much else.
    fn conf_events(&self, until: Until) -> Result<Vec<(i64, Event)>, JournalError> {
        let sql = format!(
            "select {} from event where id in \
             (select max(id) from event where kind = 'conf.loaded' and id <= ?1 group by segment)",
            row::COLUMNS
        );
        self.rows(&sql, &[&until.id])
    }

    /// What machines were armed with, how that went, their commands by DNS, and alerts, which tell what is not to be done twice.
    fn arming_events(&self, until: Until) -> Result<Vec<(i64, Event)>, JournalError> {
        let newest = |kind: &&str| {
            format!(
                "select id from (select id from event where kind = '{kind}' and time <= ?2 and id <= ?3 \
                 order by time desc limit ?1)"
            )
        };
        let ids = ARMING.iter().chain(&COMMANDS).chain(&ALERTS).map(newest).collect::<Vec<_>>().join(" union all ");
        let sql = format!("select {} from event where id in ({ids}) order by id", row::COLUMNS);
        self.rows(&sql, &[&i64::try_from(PAST).unwrap_or(i64::MAX), &until.time, &until.id])
    }

    /// The boot files that machines' firmware got on with: the last of each kind of firmware.
    fn learned_events(&self, until: Until) -> Result<Vec<(i64, Event)>, JournalError> {
        let sql = format!("select {} from event where id in ({LEARNED} and id <= ?1 {EACH})", row::COLUMNS);
        self.rows(&sql, &[&until.id])
    }

    /// How each check stood last, and who was seen: what was told is not told again.
    fn watch_events(&self, until: Until) -> Result<Vec<(i64, Event)>, JournalError> {
        let last = |kinds: &str, of: &str| {
            format!(
                "select max(id) from event where service = 'watch' and id <= ?1 and kind in ({kinds}) group by segment, mac, {of}"
            )
        };
        let checks = "'check.passed', 'check.failed', 'check.recovered', 'check.paused'";
        let sql = format!(
            "select {} from event where id in ({}) or id in ({}) or id in ({}) order by id",
            row::COLUMNS,
            last(checks, "json_extract(details, '$.check')"),
            last("'host.seen'", "kind"),
            last("'rival.found', 'rival.gone'", "service"),
        );
        self.rows(&sql, &[&until.id])
    }

    /// The newest `limit` events of each service, and the newest `messages` of machines. Progress of transfers is left
    /// out, and what is asked of DNS: a day of it would push out the boots.
    pub(super) fn newest(
        &self,
        limit: usize,
        messages: usize,
        until: Until,
    ) -> Result<Vec<(i64, Event)>, JournalError> {
        let newest = |service: Service| {
            let most = if service == Service::Syslog { "?2" } else { "?1" };
            // A look-up in the index of each service, so that a long journal takes no longer.
            format!(
                "select id from (select id from event where service = '{service}' and time <= ?3 and id <= ?4 \
                 and kind not like '%.progressed' order by time desc limit {most})"
            )
        };
        let told = Service::ALL.into_iter().filter(|service| !matches!(service, Service::Dns | Service::Radv));
        let ids = told.map(newest).collect::<Vec<_>>().join(" union all ");
        let sql = format!("select {} from event where id in ({ids}) order by id", row::COLUMNS);
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.rows(&sql, &[&number(limit), &number(messages), &until.time, &until.id])
    }

    /// The events that `sql` (selecting `row::COLUMNS`) gives, with their rows. Kinds that this version does not know
    /// are passed over.
    pub(super) fn rows(&self, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<(i64, Event)>, JournalError> {
        let said = || told(&self.path);
        let mut statement = self.connection.prepare_cached(sql).map_err(said())?;
        let mut rows = statement.query(values).map_err(said())?;
        let mut events = Vec::new();
        while let Some(row) = rows.next().map_err(said())? {
            if let Some(event) = row::event(row).map_err(said())? {
                events.push((row.get(0).map_err(said())?, event));
            }
        }
        Ok(events)
    }

    /// The one value of the first row that `sql` gives.
    pub(super) fn value<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: &[&dyn ToSql],
    ) -> Result<Option<T>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(told(&self.path))?;
        statement.query_row(values, |row| row.get(0)).optional().map_err(told(&self.path))
    }
}
