//! What is shown to people: a file a view. All paths are below `/pxelator`.

use super::{Site, Viewer, layout};
use axum::{Router, routing::get};
use maud::{Markup, html};

/// The views.
pub fn routes() -> Router<Site> {
    Router::new().route("/", get(overview))
}

async fn overview(viewer: Viewer) -> Markup {
    layout::page(&viewer, "Segments", &html! {})
}
