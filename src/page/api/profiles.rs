//! Profiles, and what machines would get of them. Scripts and answer files are in it, so it is for who may act; secrets are left out.

use super::{Actor, Asked, Named, Problem, Site, broken, missing};
use crate::{
    boot::{Listed, Offered, listed, offered},
    event::Architecture,
    servers::open_below,
};
use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use utoipa::{IntoParams, ToSchema};

/// All profiles.
#[derive(Serialize, ToSchema)]
pub struct Profiles {
    profiles: Vec<Listed>,
}

/// Profiles: what kind of boot each is, who boots it, and what it misses; for who may act
#[utoipa::path(
    get,
    path = "/profiles",
    responses((status = 200, body = Profiles), (status = "4XX", body = Problem), (status = 503, body = Problem))
)]
pub async fn profiles(_: Actor, State(site): State<Site>) -> Result<Json<Profiles>, Response> {
    let turn = site.turn().await?;
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let conf = site.source.conf.borrow().clone();
        listed(&conf, |path| open_below(&site.source.tftpboot, path).is_ok())
    });
    Ok(Json(Profiles { profiles: read.await.map_err(broken)? }))
}

/// As if what were so.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct If {
    /// As if it booted this profile.
    profile: Option<String>,
    /// As if its firmware were this, where conf does not say it; bios unless given.
    #[param(
        value_type = Option<String>,
        pattern = "^(bios|uefi|uefi-ia32|uefi-arm64|uefi-http|uefi-http-arm64|architecture-[0-9]+)$"
    )]
    firmware: Option<Architecture>,
}

/// All that a machine would get: boot file, script, files, answer files without their secrets; for who may act
#[utoipa::path(
    get,
    path = "/segments/{segment}/machines/{machine}/profile",
    params(
        ("segment" = String, Path, format = "ipv4", description = "The server's address of the segment"),
        ("machine" = String, Path, format = "ipv4", description = "The machine's address in conf"),
        If,
    ),
    responses((status = 200, body = Offered), (status = "4XX", body = Problem), (status = 503, body = Problem))
)]
pub async fn offer(
    _: Actor,
    State(site): State<Site>,
    Named(place): Named<(Ipv4Addr, Ipv4Addr)>,
    Asked(If { profile, firmware }): Asked<If>,
) -> Result<Json<Offered>, Response> {
    let turn = site.turn().await?;
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let conf = site.source.conf.borrow().clone();
        let size = |path: &str| open_below(&site.source.tftpboot, path).map(|(_, size)| size);
        let (segment, machine) = conf.machine(place)?;
        Some(offered(&conf, segment, machine, profile.as_deref(), firmware.unwrap_or(Architecture::Bios), size))
    });
    let read = read.await.map_err(broken)?;
    let (segment, machine) = place;
    read.map(Json).ok_or_else(|| missing(format!("conf has no machine {machine} in the segment {segment}")))
}
