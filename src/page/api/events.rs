//! What happened, from the journal, by the filter of the audit; and what machines logged.

use super::{Asked, Site, Viewer, broken, problem};
use crate::{
    event::Event,
    journal::{Journal, Query, QuestionError},
    servers::http::ndjson,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use utoipa::{IntoParams, ToSchema};

/// Events, where no limit is asked for, and at most in one document.
const LIMIT: usize = 1_000;
const MOST: usize = 10_000;
/// What a question waits for others to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// As in `pxelator log`: words, or fields with values: `machine=web1 kind=dhcp.* since=-2h`.
    #[serde(default)]
    #[param(max_length = 4096)]
    filter: String,
    /// At most so many, the newest; 1000 unless given.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
}

/// Which events, without a bound.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct All {
    /// As in `pxelator log`.
    #[serde(default)]
    #[param(max_length = 4096)]
    filter: String,
    /// At most so many, the newest; all unless given.
    #[param(minimum = 1)]
    limit: Option<usize>,
}

/// Events, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Events {
    #[schema(value_type = Vec<Happened>)]
    events: Vec<Event>,
}

/// An event: what happened, to whom, when.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it stands for `Event` in the document")]
pub struct Happened {
    #[schema(format = DateTime)]
    time: String,
    #[schema(format = "ipv4")]
    segment: Option<String>,
    #[schema(format = "ipv4")]
    machine: Option<String>,
    mac: Option<String>,
    /// `dhcp`, `boot`, …
    service: String,
    /// As syslog has it: `info`, `warning`, …
    severity: String,
    /// `dhcp.offered`, …
    kind: String,
    /// What there is to it; each kind has its own.
    details: serde_json::Value,
}

/// A limit within its bounds.
pub fn limit(asked: Option<usize>, usual: usize, most: usize) -> Result<usize, Response> {
    let limit = asked.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(problem(StatusCode::BAD_REQUEST, format!("limit: expected 1 to {most}"), "ask for fewer, or in parts"))
}

/// Events by a filter
#[utoipa::path(
    get,
    path = "/events",
    params(Which),
    responses((status = 200, body = Events), (status = "4XX", body = super::Problem), (status = 503, body = super::Problem))
)]
pub async fn events(_: Viewer, State(site): State<Site>, Asked(which): Asked<Which>) -> Result<Json<Events>, Response> {
    found(site, which.filter, limit(which.limit, LIMIT, MOST)?).await
}

/// What machines logged, by a filter
#[utoipa::path(
    get,
    path = "/syslog",
    params(Which),
    responses((status = 200, body = Events), (status = "4XX", body = super::Problem), (status = 503, body = super::Problem))
)]
pub async fn syslog(_: Viewer, State(site): State<Site>, Asked(which): Asked<Which>) -> Result<Json<Events>, Response> {
    let limit = limit(which.limit, LIMIT, MOST)?;
    let filter = match which.filter.trim() {
        "" => "kind=syslog.received".to_owned(),
        // A part of its own is told from ours also where it is wrong.
        text => {
            check(&site, text.to_owned()).await?;
            format!("kind=syslog.received ({text})")
        }
    };
    found(site, filter, limit).await
}

/// Events by a filter, an object a line
#[utoipa::path(
    get,
    path = "/events.ndjson",
    params(All),
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson"),
        (status = "4XX", body = super::Problem),
        (status = 503, body = super::Problem)
    )
)]
pub async fn lines(_: Viewer, State(site): State<Site>, Asked(which): Asked<All>) -> Result<Response, Response> {
    let limit = which.limit.map(|asked| limit(Some(asked), LIMIT, usize::MAX)).transpose()?;
    let turn = site.turn().await?;
    let (journal, query) = site.question(which.filter, limit).await?;
    let (sender, response) = ndjson::ndjson();
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        ndjson::send(&journal, query, &sender);
    });
    Ok(response)
}

/// Why nothing was found, as an answer.
fn unfit(error: QuestionError) -> Response {
    match error {
        QuestionError::Filter(words) => {
            problem(StatusCode::BAD_REQUEST, words, "see pxelator log --help for what a filter may say")
        }
        QuestionError::Journal(error) => broken(error),
    }
}

async fn check(site: &Site, filter: String) -> Result<(), Response> {
    let (turn, path) = (site.turn().await?, site.source.journal.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Journal::question(&path, &filter, None).map(|_| ())
    });
    opened.await.map_err(broken)?.map_err(unfit)
}

async fn found(site: Site, filter: String, limit: usize) -> Result<Json<Events>, Response> {
    let (turn, path) = (site.turn().await?, site.source.journal.clone());
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let (journal, query) = Journal::question(&path, &filter, Some(limit))?;
        let mut events = Vec::new();
        journal.select(&query, |event| events.push(event))?;
        Ok(events)
    });
    let events = read.await.map_err(broken)?.map_err(unfit)?;
    Ok(Json(Events { events }))
}

impl Site {
    /// The journal, and what is asked of it.
    pub(super) async fn question(&self, filter: String, limit: Option<usize>) -> Result<(Journal, Query), Response> {
        let path = self.source.journal.clone();
        let opened = tokio::task::spawn_blocking(move || Journal::question(&path, &filter, limit));
        opened.await.map_err(broken)?.map_err(unfit)
    }

    /// A turn to read files: some at the same time, so that questions leave the disk to machines that boot.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Response> {
        match timeout(PATIENCE, self.reading.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(problem(StatusCode::SERVICE_UNAVAILABLE, "others ask too much", "try again in some seconds")),
        }
    }
}
