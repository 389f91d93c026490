//! `GET /pxelator/log?filter=…&limit=…`: the journal for programs on this host. Machines are not told what others did.

use super::ndjson;
use crate::{
    journal::{Journal, QuestionError},
    servers::Context,
};
use axum::{
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::net::Ipv4Addr;

/// The path.
pub const PATH: &str = "/pxelator/log";
/// Events, where no limit is asked for.
const LIMIT: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    filter: String,
    limit: Option<usize>,
}

/// Answers one request.
pub async fn answer(context: &Context, client: Ipv4Addr, method: &Method, uri: &Uri) -> Response {
    if client != context.segment && !client.is_loopback() {
        let words = format!("the log is told to this host alone: ask from {} itself\n", context.segment);
        return (StatusCode::FORBIDDEN, words).into_response();
    }
    if method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")], "the log is only read\n").into_response();
    }
    let asked = match axum::extract::Query::<Asked>::try_from_uri(uri) {
        Ok(axum::extract::Query(asked)) => asked,
        Err(error) => return bad(format!("{}; expected {PATH}?filter=…&limit=…", error.body_text())),
    };
    let path = context.journal.clone();
    let opened = tokio::task::spawn_blocking(move || {
        Journal::question(&path, &asked.filter, Some(asked.limit.unwrap_or(LIMIT)))
    });
    let (journal, query) = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(QuestionError::Filter(error))) => return bad(error),
        Ok(Err(QuestionError::Journal(error))) => {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response();
        }
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let (sender, response) = ndjson::ndjson();
    tokio::task::spawn_blocking(move || ndjson::send(&journal, query, &sender));
    response
}

fn bad(words: impl std::fmt::Display) -> Response {
    (StatusCode::BAD_REQUEST, format!("{words}\n")).into_response()
}
