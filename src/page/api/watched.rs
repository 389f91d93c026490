//! Checks and alerts as they stand.

use super::{Asked, Site, Viewer, read};
use crate::{
    command::AlertKey,
    event,
    net::Mac,
    state::{
        self,
        alerts::{Alert as Known, Phase},
        checked::CheckResult,
    },
};
use axum::{Json, extract::State, response::Response};
use jiff::Timestamp;
use serde::Serialize;
use std::{collections::BTreeMap, net::Ipv4Addr};
use utoipa::ToSchema;

/// Checks of one segment, or of all.
#[derive(Serialize, ToSchema)]
pub struct Checks {
    checks: Vec<Check>,
}

/// A check.
#[derive(Serialize, ToSchema)]
pub struct Check {
    #[schema(value_type = String, format = "ipv4")]
    segment: Ipv4Addr,
    /// The machine's hardware address; none for the segment's own services.
    #[schema(value_type = Option<String>)]
    mac: Option<Mac>,
    #[schema(value_type = Option<String>, format = "ipv4")]
    address: Option<Ipv4Addr>,
    hostname: Option<String>,
    /// `ping`, `tcp 22`, …
    check: String,
    /// `passed`, `failed` or `paused`.
    result: &'static str,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// What was found, in words.
    said: String,
}

/// The checks of a machine, or of a segment's own services.
pub fn of<'a>(
    segment: Ipv4Addr,
    machine: Option<&'a state::Machine>,
    checks: &'a state::checked::Checks,
) -> impl Iterator<Item = Check> + 'a {
    checks.iter().map(move |(name, known)| Check {
        segment,
        mac: machine.map(|machine| machine.mac),
        address: machine.and_then(|machine| machine.address),
        hostname: machine.and_then(|machine| machine.hostname.clone()),
        check: name.clone(),
        result: match known.result {
            CheckResult::Passed => "passed",
            CheckResult::Failed => "failed",
            CheckResult::Paused => "paused",
        },
        since: known.since,
        said: known.said.clone(),
    })
}

/// What is checked, and how it stands
#[utoipa::path(
    get,
    path = "/checks",
    params(read::Of),
    responses((status = 200, body = Checks), (status = "4XX", body = super::Problem))
)]
pub async fn checks(
    _: Viewer,
    State(site): State<Site>,
    Asked(read::Of { segment }): Asked<read::Of>,
) -> Result<Json<Checks>, Response> {
    let state = site.source.state.read();
    let mut checks = Vec::new();
    for (server, segment) in read::segments_of(&state, segment)? {
        checks.extend(of(server, None, &segment.checks));
        segment.machines.values().for_each(|machine| checks.extend(of(server, Some(machine), &machine.checks)));
    }
    Ok(Json(Checks { checks }))
}

/// All alerts.
#[derive(Serialize, ToSchema)]
pub struct Alerts {
    /// Those that wait or fire.
    open: Vec<Alert>,
    /// Those that fired and are over, the newest last.
    over: Vec<Alert>,
    /// What is not told for a time.
    silences: Vec<Silence>,
}

/// An alert.
#[derive(Serialize, ToSchema)]
pub struct Alert {
    #[schema(value_type = Option<String>, format = "ipv4")]
    segment: Option<Ipv4Addr>,
    #[schema(value_type = Option<String>)]
    mac: Option<Mac>,
    #[schema(value_type = Option<String>, format = "ipv4")]
    machine: Option<Ipv4Addr>,
    /// The rule: a name of `alerts`.
    rule: String,
    /// What of the machine; empty where it is the whole.
    subject: String,
    /// `pending`, `firing` or `resolved`.
    phase: &'static str,
    /// As syslog has it: `err`, `warning`, …
    severity: &'static str,
    /// What is so.
    text: String,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    fired: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    resolved: Option<Timestamp>,
    /// Who looks after it.
    acknowledged: Option<Acknowledged>,
    /// It is not told for a time.
    silenced: bool,
    /// It comes and goes.
    damped: bool,
    /// Receivers, and what went wrong with the last try; null where they were told.
    told: BTreeMap<String, Option<String>>,
}

/// Somebody looks after an alert.
#[derive(Serialize, ToSchema)]
pub struct Acknowledged {
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    note: Option<String>,
}

/// What is not told for a time; what is null is any.
#[derive(Serialize, ToSchema)]
pub struct Silence {
    #[schema(value_type = Option<String>, format = "ipv4")]
    segment: Option<Ipv4Addr>,
    #[schema(value_type = Option<String>)]
    mac: Option<Mac>,
    rule: Option<String>,
    subject: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    by: String,
}

fn alert(key: &AlertKey, known: &Known, silenced: bool) -> Alert {
    Alert {
        segment: key.segment,
        mac: key.mac,
        machine: known.machine,
        rule: key.rule.clone(),
        subject: key.subject.clone(),
        phase: match known.phase {
            Phase::Pending => "pending",
            Phase::Firing => "firing",
            Phase::Resolved => "resolved",
        },
        severity: known.severity.name(),
        text: known.text.clone(),
        since: known.since,
        fired: known.fired,
        resolved: known.resolved,
        acknowledged: known.acknowledged.as_ref().map(|(by, at, note)| Acknowledged {
            by: by.to_string(),
            at: *at,
            note: note.clone(),
        }),
        silenced,
        damped: known.damped,
        told: known.told.iter().map(|(receiver, told)| (receiver.clone(), told.as_ref().err().cloned())).collect(),
    }
}

/// What fires, and what did
#[utoipa::path(get, path = "/alerts", responses((status = 200, body = Alerts), (status = "4XX", body = super::Problem)))]
pub async fn alerts(_: Viewer, State(site): State<Site>) -> Json<Alerts> {
    let (state, now) = (site.source.state.read(), event::now());
    let all = &state.alerts;
    let open = all.open.iter().map(|(key, known)| alert(key, known, all.silence_of(key, now).is_some()));
    let silences = all.silences.iter().filter(|silence| silence.until > now).map(|silence| Silence {
        segment: silence.segment,
        mac: silence.mac,
        rule: silence.rule.clone(),
        subject: silence.subject.clone(),
        until: silence.until,
        by: silence.by.to_string(),
    });
    Json(Alerts {
        open: open.collect(),
        over: all.over.iter().map(|(key, known)| alert(key, known, false)).collect(),
        silences: silences.collect(),
    })
}
