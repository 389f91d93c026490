//! Style, script and picture of the page: files of their own, so that nothing of them stands in a view. They are in the program.

use super::view::ROOT;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A file that views name.
pub struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// How the page looks.
pub static STYLE: Asset =
    Asset { name: "page.css", kind: "text/css; charset=utf-8", text: include_str!("assets/page.css") };
/// What keeps views up to date, and the keys.
pub static SCRIPT: Asset =
    Asset { name: "page.js", kind: "text/javascript; charset=utf-8", text: include_str!("assets/page.js") };
/// The tab's picture.
pub static ICON: Asset = Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("assets/icon.svg") };

static ALL: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];
/// What all of them are, so that a browser asks anew where one is other.
static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    ALL.iter().for_each(|asset| digest.update(asset.text));
    hex::encode(&digest.finalize()[..6])
});

impl Asset {
    /// Where it is.
    pub fn url(&self) -> String {
        format!("{ROOT}/files/{}?{}", self.name, *DIGEST)
    }
}

/// The file of this name.
pub fn give(name: &str, asked: &HeaderMap) -> Response {
    let Some(asset) = ALL.iter().find(|asset| asset.name == name) else { return StatusCode::NOT_FOUND.into_response() };
    let tag = format!("\"{}\"", *DIGEST);
    let cache = (header::CACHE_CONTROL, HeaderValue::from_static("max-age=31536000, immutable"));
    let Ok(tag) = HeaderValue::from_str(&tag) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    if asked.get(header::IF_NONE_MATCH) == Some(&tag) {
        return (StatusCode::NOT_MODIFIED, [cache, (header::ETAG, tag)]).into_response();
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    ([cache, (header::ETAG, tag), kind], asset.text).into_response()
}
