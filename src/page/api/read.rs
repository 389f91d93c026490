//! Segments, machines, leases, changes of machines' files.

use super::{Asked, Named, Site, Viewer, broken, missing, shape};
use crate::{
    event,
    net::Mac,
    state::State,
    track::{self, Repository},
};
use axum::{Json, extract::State as With, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{net::Ipv4Addr, path::Path};
use utoipa::{IntoParams, ToSchema};

/// Changes at most, where nothing else is asked for, and in any case.
const LIMIT: usize = 100;
const MOST: usize = 1_000;

/// All segments.
#[derive(Serialize, ToSchema)]
pub struct Segments {
    segments: Vec<shape::Segment>,
}

/// Machines of one segment, or of all.
#[derive(Serialize, ToSchema)]
pub struct Machines {
    machines: Vec<shape::Machine>,
}

/// Leases of one segment, or of all.
#[derive(Serialize, ToSchema)]
pub struct Leases {
    leases: Vec<shape::Lease>,
}

/// Of which segment.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// The server's address of the segment; all of them unless given.
    #[param(value_type = Option<String>, format = "ipv4")]
    pub segment: Option<Ipv4Addr>,
}

/// The segments of a question.
pub fn segments_of(state: &State, only: Option<Ipv4Addr>) -> Result<Vec<(Ipv4Addr, &crate::state::Segment)>, Response> {
    let all = state.segments.iter().map(|(server, segment)| (*server, segment));
    match only {
        None => Ok(all.collect()),
        Some(server) => {
            let found: Vec<_> = all.filter(|(known, _)| *known == server).collect();
            if found.is_empty() { Err(missing(format!("there is no segment {server}"))) } else { Ok(found) }
        }
    }
}

/// The segments as they stand
#[utoipa::path(get, path = "/segments", responses((status = 200, body = Segments), (status = "4XX", body = super::Problem)))]
pub async fn segments(_: Viewer, With(site): With<Site>) -> Json<Segments> {
    let (state, now) = (site.source.state.read(), event::now());
    let segments = state.segments.iter().map(|(server, segment)| shape::segment(*server, segment, now));
    Json(Segments { segments: segments.collect() })
}

/// One segment
#[utoipa::path(
    get,
    path = "/segments/{segment}",
    params(("segment" = String, Path, format = "ipv4", description = "The server's address of the segment")),
    responses((status = 200, body = shape::Segment), (status = "4XX", body = super::Problem))
)]
pub async fn segment(
    _: Viewer,
    With(site): With<Site>,
    Named(server): Named<Ipv4Addr>,
) -> Result<Json<shape::Segment>, Response> {
    let state = site.source.state.read();
    let segment = state.segments.get(&server).ok_or_else(|| missing(format!("there is no segment {server}")))?;
    Ok(Json(shape::segment(server, segment, event::now())))
}

/// Machines, those of conf and those that were only seen
#[utoipa::path(
    get,
    path = "/machines",
    params(Of),
    responses((status = 200, body = Machines), (status = "4XX", body = super::Problem))
)]
pub async fn machines(
    _: Viewer,
    With(site): With<Site>,
    Asked(Of { segment }): Asked<Of>,
) -> Result<Json<Machines>, Response> {
    let state = site.source.state.read();
    let segments = segments_of(&state, segment)?.into_iter();
    let machines =
        segments.flat_map(|(server, segment)| segment.machines.values().map(move |m| shape::machine(server, m)));
    Ok(Json(Machines { machines: machines.collect() }))
}

/// One machine, with its boots and checks
#[utoipa::path(
    get,
    path = "/segments/{segment}/machines/{machine}",
    params(
        ("segment" = String, Path, format = "ipv4", description = "The server's address of the segment"),
        ("machine" = String, Path, description = "Its address, hardware address or host name"),
    ),
    responses((status = 200, body = shape::Detail), (status = "4XX", body = super::Problem))
)]
pub async fn machine(
    _: Viewer,
    With(site): With<Site>,
    Named((server, wanted)): Named<(Ipv4Addr, String)>,
) -> Result<Json<shape::Detail>, Response> {
    let state = site.source.state.read();
    let segment = state.segments.get(&server).ok_or_else(|| missing(format!("there is no segment {server}")))?;
    let (mac, address) = (wanted.parse::<Mac>().ok(), wanted.parse::<Ipv4Addr>().ok());
    let is_it = |machine: &&crate::state::Machine| {
        Some(machine.mac) == mac
            || address.is_some() && machine.address == address
            || machine.hostname.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&wanted))
    };
    // Two may claim an address: the one of conf is meant.
    let found = segment.machines.values().filter(is_it).max_by_key(|machine| machine.in_conf);
    let found = found.ok_or_else(|| missing(format!("there is no such machine in the segment {server}")))?;
    Ok(Json(shape::detail(server, found)))
}

/// Leases, those that ended too
#[utoipa::path(
    get,
    path = "/leases",
    params(Of),
    responses((status = 200, body = Leases), (status = "4XX", body = super::Problem))
)]
pub async fn leases(
    _: Viewer,
    With(site): With<Site>,
    Asked(Of { segment }): Asked<Of>,
) -> Result<Json<Leases>, Response> {
    let (state, now) = (site.source.state.read(), event::now());
    let segments = segments_of(&state, segment)?.into_iter();
    let leases =
        segments.flat_map(|(server, segment)| segment.leases.iter().map(move |l| shape::lease(server, l, now)));
    Ok(Json(Leases { leases: leases.collect() }))
}

/// Which changes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// A machine, as the record calls it; all unless given.
    #[param(max_length = 255)]
    host: Option<String>,
    /// At most so many, the newest; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Changes of machines' files, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Changes {
    changes: Vec<Change>,
}

/// A change of a machine's files.
#[derive(Serialize, ToSchema)]
pub struct Change {
    /// git's name of it in the repository of the record.
    commit: String,
    /// When it was seen.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// The machine, or a container of it, as the record calls it.
    host: String,
    /// What changed, in a line.
    subject: String,
    /// What made the change, where that is known.
    cause: Option<String>,
    /// Which files.
    files: Vec<String>,
}

/// What changed on machines
#[utoipa::path(
    get,
    path = "/changes",
    params(Which),
    responses((status = 200, body = Changes), (status = "4XX", body = super::Problem), (status = 503, body = super::Problem))
)]
pub async fn changes(
    _: Viewer,
    With(site): With<Site>,
    Asked(Which { host, limit }): Asked<Which>,
) -> Result<Json<Changes>, Response> {
    let limit = super::events::limit(limit, LIMIT, MOST)?;
    if let Some(host) = host.as_ref().filter(|host| crate::conf::name(host).is_err()) {
        let host = event::printable(host, 64);
        return Err(missing(format!("no machine is called {host}")));
    }
    let (hosts, wanted) =
        (site.source.hosts.clone(), track::Wanted { host, limit: Some(limit), ..track::Wanted::default() });
    let turn = site.turn().await?;
    // Questions need no folder of mirrors.
    let asked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Repository::new(&hosts, Path::new("run")).log(&wanted)
    });
    let commits = asked.await.map_err(broken)?.map_err(broken)?;
    let changes = commits.into_iter().map(|commit| Change {
        commit: commit.hash,
        time: commit.time,
        host: commit.host,
        subject: commit.subject,
        cause: commit.cause,
        files: commit.files.into_iter().map(|(_, path)| path).collect(),
    });
    Ok(Json(Changes { changes: changes.collect() }))
}
