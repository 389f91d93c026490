//! Events of the journal as JSON, one a line, sent while they are read.

use crate::journal::{Journal, JournalError, Query};
use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use tokio::sync::mpsc;

/// Chunks that may wait for a slow reader.
const WAITING: usize = 4;

/// Sends chunks of a stream; an error breaks it off, so that nobody takes a part for the whole.
pub type Sender = mpsc::Sender<Result<Bytes, JournalError>>;

/// A stream, and where its chunks go in.
pub fn ndjson() -> (Sender, Response) {
    let (sender, chunks) = mpsc::channel(WAITING);
    let chunks = futures_util::stream::unfold(chunks, |mut chunks| async { Some((chunks.recv().await?, chunks)) });
    (sender, ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(chunks)).into_response())
}

/// Sends the events until all are sent or the reader is gone; takes its time.
pub fn send(journal: &Journal, mut query: Query, sender: &Sender) {
    let told = journal.lines(&mut query, |chunk| sender.blocking_send(Ok(chunk.into())).is_ok());
    let _ = told.map_err(|error| sender.blocking_send(Err(error)));
}
