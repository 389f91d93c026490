//! Of which machines files are kept, and what came of the looks at them.

use super::{Problem, Site, Viewer, broken};
use crate::{
    reach::{self, Folders},
    track::looked::Standing,
};
use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

/// All of which files are kept.
#[derive(Serialize, ToSchema)]
pub struct Track {
    track: Vec<Standing>,
}

/// Machines and containers of which files are kept, and what came of the last looks at them
#[utoipa::path(
    get,
    path = "/track",
    responses((status = 200, body = Track), (status = "4XX", body = Problem), (status = 503, body = Problem))
)]
pub async fn track(_: Viewer, State(site): State<Site>) -> Result<Json<Track>, Response> {
    let turn = site.turn().await?;
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let conf = site.source.conf.borrow().clone();
        reach::standing(&conf, Folders { run: &site.source.run, overlay: &site.source.overlay })
    });
    Ok(Json(Track { track: read.await.map_err(broken)? }))
}
