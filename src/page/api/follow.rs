//! Events as they come, an object a line. It ends by itself after some minutes, so that it is asked anew whether they may be read;
//! what it says in between is where to go on.

use super::{Asked, Site, Viewer, events::limit, problem};
use crate::{
    journal::{Journal, JournalError, Query},
    servers::http::ndjson::{Sender, ndjson},
};
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::json;
use std::{
    thread,
    time::{Duration, Instant},
};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

/// How often the journal is looked at for what is new.
const LOOK: Duration = Duration::from_millis(200);
/// Where to go on is said so often though nothing came: who is gone is found out, and what lies between does not close it.
const BEAT: Duration = Duration::from_secs(15);
/// It ends after that time.
const LONGEST: Duration = Duration::from_secs(600);

/// Which events, and from where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// As in `pxelator log`.
    #[serde(default)]
    #[param(max_length = 4096)]
    filter: String,
    /// Of those that were before at most so many, the newest; all unless given.
    #[param(minimum = 1)]
    limit: Option<usize>,
    /// Only what came after this, as a line `{"after":N}` said.
    #[serde(default)]
    #[param(minimum = 0)]
    after: i64,
}

/// Events by a filter, an object a line, as they happen. In between, `{"after":N}` says how to go on when it has ended
#[utoipa::path(
    get,
    path = "/events/follow",
    params(From),
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson"),
        (status = "4XX", body = super::Problem),
        (status = 503, body = super::Problem)
    )
)]
pub async fn follow(_: Viewer, State(site): State<Site>, Asked(from): Asked<From>) -> Result<Response, Response> {
    let limit = from.limit.map(|asked| limit(Some(asked), 1, usize::MAX)).transpose()?;
    let room = site.following.clone().try_acquire_owned().map_err(|_| {
        problem(StatusCode::TOO_MANY_REQUESTS, "too many follow events", "try again when one of them has ended")
    })?;
    let turn = site.turn().await?;
    let (journal, query) = site.question(from.filter, limit).await?;
    let query = Query { after: from.after, ..query };
    let (sender, response) = ndjson();
    let shutdown = site.source.shutdown.clone();
    tokio::task::spawn_blocking(move || {
        let _room = room;
        let told = send(&journal, query, &sender, || shutdown.is_cancelled(), turn);
        let _ = told.map_err(|error| sender.blocking_send(Err(error)));
    });
    Ok(response)
}

/// Sends what comes until the reader is gone, or it is time to end. The turn is for the first look, which may go over the whole journal.
fn send(
    journal: &Journal,
    mut query: Query,
    sender: &Sender,
    is_over: impl Fn() -> bool,
    turn: OwnedSemaphorePermit,
) -> Result<(), JournalError> {
    let (begun, mut said, mut turn) = (Instant::now(), None::<Instant>, Some(turn));
    while !is_over() && !sender.is_closed() && begun.elapsed() < LONGEST {
        let mut count = 0;
        journal.lines(&mut query, |chunk| {
            count += chunk.len();
            sender.blocking_send(Ok(chunk.into())).is_ok()
        })?;
        drop(turn.take());
        if count > 0 || said.is_none_or(|said| said.elapsed() > BEAT) {
            let mut line = json!({ "after": query.after }).to_string();
            line.push('\n');
            if sender.blocking_send(Ok(line.into())).is_err() {
                break;
            }
            said = Some(Instant::now());
        }
        thread::sleep(LOOK);
    }
    Ok(())
}
