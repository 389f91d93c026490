//! Hands views out: as pages, and as streams of what changes in them.

use super::{
    Site, Viewer, assets, layout,
    layout::Sheet,
    login,
    view::View,
    views::{self, Places, Scene},
};
use crate::event::now;
use axum::{
    Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use maud::html;
use serde::Deserialize;

/// Below `/pxelator`.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(show))
        .route("/live", get(live))
        .route("/files/{name}", get(file))
        .route("/{*path}", get(show))
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    assets::give(&name, &headers)
}

async fn show(viewer: Viewer, State(site): State<Site>, request: Request) -> Response {
    let Some(view) = read(&viewer.path) else {
        return login::nothing(request).await;
    };
    if let Some(response) = refused(&viewer, &view) {
        return response;
    }
    let Some(look) = site.live.get(&view).await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let conf = site.source.conf.borrow().clone();
    let replicas = site.source.replicas.borrow().clone();
    let now = now();
    let places = Places::new(&look.parts, now);
    let state = site.source.state.read();
    let scene = Scene { state: &state, conf: &conf, replicas: &replicas, extra: &look.extra, now };
    let body = views::body(&view, &places, scene, &viewer);
    let of = views::of(&view, scene);
    let status = if views::is_there(&view, scene) { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let loud = places.put("loud");
    let sheet = Sheet { view: &view, of, viewer: &viewer, loud: &loud, version: look.version, now };
    (status, layout::view(&sheet, &body)).into_response()
}

/// The view of an address.
fn read(address: &str) -> Option<View> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    View::parse(path, query)
}

/// What files hold is for those alone who have shown who they are: all users of this host read its page, and not its root's files.
fn refused(viewer: &Viewer, view: &View) -> Option<Response> {
    let is_known = viewer.name.is_some() || viewer.may_act;
    if is_known || !matches!(view, View::Change(_)) {
        return None;
    }
    let body = html! {
        p { "What files of machines hold is shown after a login." }
        @if viewer.can_login { p { a href="/pxelator/login" { "Log in" } } }
        @else { p { "Make a user on the host: " code { "pxelator user add NAME" } "." } }
    };
    Some((StatusCode::FORBIDDEN, layout::page(viewer, "Change", &body)).into_response())
}

#[derive(Deserialize)]
struct Watched {
    /// The view's address.
    view: String,
    /// What the browser has of it.
    has: Option<String>,
}

async fn live(viewer: Viewer, State(site): State<Site>, Query(watched): Query<Watched>) -> Response {
    let Some(view) = read(&watched.view).filter(|view| !view.is_still()) else {
        return (StatusCode::NOT_FOUND, "no such view, or one that does not change\n").into_response();
    };
    drop(viewer);
    site.live.stream(view, watched.has.and_then(|has| has.parse().ok())).await
}
