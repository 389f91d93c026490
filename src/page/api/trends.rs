//! What was measured, as numbers.

use super::{Asked, Named, Problem, Site, Viewer, broken, missing, problem};
use crate::{
    event::{self, printable},
    sample,
    trend::TrendError,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use utoipa::{IntoParams, ToSchema};

/// Points, where nothing else is asked for, and at most.
const POINTS: usize = 300;
const MOST: usize = 10_000;
/// The span that is shown where none is asked for.
const SPAN: SignedDuration = SignedDuration::from_hours(3);

/// Of what.
#[derive(Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// The server's address of a segment; without one it is of the program itself.
    #[param(value_type = Option<String>, format = "ipv4")]
    segment: Option<Ipv4Addr>,
    /// A machine's address; without one it is of the segment.
    #[param(value_type = Option<String>, format = "ipv4")]
    machine: Option<Ipv4Addr>,
}

/// Of what, from when to when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct When {
    /// The server's address of a segment; without one it is of the program itself.
    #[param(value_type = Option<String>, format = "ipv4")]
    segment: Option<Ipv4Addr>,
    /// A machine's address; without one it is of the segment.
    #[param(value_type = Option<String>, format = "ipv4")]
    machine: Option<Ipv4Addr>,
    /// Not before; three hours before the end unless given.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Not after; now unless given.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// About so many moments; 300 unless given.
    #[param(minimum = 1, maximum = 10000)]
    points: Option<usize>,
}

/// What is measured of something.
#[derive(Serialize, ToSchema)]
pub struct Families {
    /// `ping`, `boot`, …
    families: Vec<String>,
}

/// Values in the course of time.
#[derive(Serialize, ToSchema)]
pub struct Series {
    family: String,
    /// The moment of the first value.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Seconds from one moment to the next.
    step: f64,
    lines: Vec<Line>,
}

/// One value in the course of time.
#[derive(Serialize, ToSchema)]
pub struct Line {
    name: String,
    /// `ms`, `bytes/s`; empty where it is a count.
    unit: String,
    /// A value a moment; null is a hole.
    values: Vec<Option<f64>>,
}

/// Only what conf has: of nothing else a folder is looked for.
fn of(site: &Site, segment: Option<Ipv4Addr>, machine: Option<Ipv4Addr>) -> Result<sample::Of, Response> {
    let conf = site.source.conf.borrow().clone();
    match (segment, machine) {
        (None, None) => Ok(sample::Of::Program),
        (None, Some(_)) => {
            Err(problem(StatusCode::BAD_REQUEST, "machine: expected with its segment", "say segment=ADDRESS too"))
        }
        (Some(server), None) if conf.segments.contains_key(&server) => Ok(sample::Of::Segment(server)),
        (Some(server), Some(machine)) if conf.machine((server, machine)).is_some() => {
            Ok(sample::Of::Machine(server, machine))
        }
        (Some(server), None) => Err(missing(format!("conf has no segment {server}"))),
        (Some(server), Some(machine)) => Err(missing(format!("conf has no machine {machine} in the segment {server}"))),
    }
}

/// What is measured of a machine, a segment, or the program
#[utoipa::path(
    get,
    path = "/trends",
    params(Of),
    responses((status = 200, body = Families), (status = "4XX", body = Problem), (status = 503, body = Problem))
)]
pub async fn families(
    _: Viewer,
    State(site): State<Site>,
    Asked(asked): Asked<Of>,
) -> Result<Json<Families>, Response> {
    let of = of(&site, asked.segment, asked.machine)?;
    let (turn, trends) = (site.turn().await?, site.source.trends.clone());
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        trends.families(of)
    });
    Ok(Json(Families { families: read.await.map_err(broken)? }))
}

/// Values of a family in the course of time
#[utoipa::path(
    get,
    path = "/trends/{family}",
    params(("family" = String, Path, description = "A name of /trends: ping", pattern = "^[a-z0-9-]{1,80}$"), When),
    responses((status = 200, body = Series), (status = "4XX", body = Problem), (status = 503, body = Problem))
)]
pub async fn series(
    _: Viewer,
    State(site): State<Site>,
    Named(family): Named<String>,
    Asked(asked): Asked<When>,
) -> Result<Json<Series>, Response> {
    let of = of(&site, asked.segment, asked.machine)?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if family.is_empty() || family.len() > 80 || !family.chars().all(is_name) {
        return Err(missing(format!("nothing is measured as {}", printable(&family, 80))));
    }
    let points = super::events::limit(asked.points, POINTS, MOST)?;
    let to = asked.to.unwrap_or_else(event::now);
    let from = asked.from.map_or_else(|| to.checked_sub(SPAN), Ok);
    let from = from.ok().filter(|from| *from < to && from.as_second() >= 0);
    let unfit =
        || problem(StatusCode::BAD_REQUEST, "from: expected a moment before to", "leave it out, or say an earlier one");
    let from = from.ok_or_else(unfit)?;
    let (turn, trends) = (site.turn().await?, site.source.trends.clone());
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        trends.read(of, &family, from, to, points)
    });
    let series = read.await.map_err(broken)?.map_err(|error| match error {
        TrendError::Missing { .. } => missing(error.to_string()),
        other => broken(other),
    })?;
    let lines = series.lines.into_iter().map(|line| Line {
        name: line.name,
        unit: line.unit,
        values: line.values.into_iter().map(|value| value.filter(|value| value.is_finite())).collect(),
    });
    let step = series.step.as_secs_f64();
    Ok(Json(Series { family: series.family, from: series.from, step, lines: lines.collect() }))
}
