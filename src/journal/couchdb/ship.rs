//! Sends what is new, request by request. Whatever becomes of one, sending it again is harmless.

use super::{
    client::{Client, CouchError, words},
    design,
    lane::{Batch, Behind, Lanes},
};
use crate::conf::Database;
use serde_json::json;
use std::{
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};

/// Events of one request.
const MOST: usize = 4_096;
/// How long the database is taken to be the one it was.
const TRUSTED: Duration = Duration::from_secs(5);

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many events are there now, in so many documents, and more wait.
    Sent {
        /// Events.
        events: usize,
        /// Documents.
        documents: usize,
        /// There is no more at this moment.
        last: bool,
    },
    /// The database has nothing of this journal, and was made ready for it.
    Begun,
    /// Nothing is new.
    Idle,
}

/// Sends the lanes of one database.
pub struct Shipper {
    client: Client,
    /// On its way to a thread that may block, and back.
    lanes: Option<Lanes>,
    journal: String,
    most: usize,
    /// When it was last seen that the database is there and knows this journal.
    seen: Option<Instant>,
}

impl Shipper {
    /// Sends the events of `segments` in the journal at `path` to `database`.
    pub fn new(path: &Path, database: &Database, segments: &[Ipv4Addr]) -> Result<Shipper, CouchError> {
        let lanes = Lanes::open(path, &database.url, segments)?;
        let journal = lanes.journal()?;
        Ok(Shipper { client: Client::new(database)?, lanes: Some(lanes), journal, most: MOST, seen: None })
    }

    /// How much waits.
    pub async fn behind(&mut self) -> Result<Behind, CouchError> {
        self.blocking(|lanes| lanes.behind()).await
    }

    /// Sees whether the database answers.
    pub async fn reach(&self) -> Result<(), CouchError> {
        let client = self.client.clone();
        client.get("", &[]).await.map(drop)
    }

    /// From now on everything is sent again.
    pub async fn begin_anew(&mut self) -> Result<(), CouchError> {
        self.blocking(|lanes| lanes.begin_anew()).await
    }

    /// Sends one request's worth. After an error it can be called again at once, or later.
    pub async fn step(&mut self) -> Result<Step, CouchError> {
        if self.seen.is_none_or(|seen| seen.elapsed() > TRUSTED) {
            let begun = self.greet().await?;
            self.seen = Some(Instant::now());
            if begun {
                return Ok(Step::Begun);
            }
        }
        let most = self.most;
        let Some(batch) = self.blocking(move |lanes| lanes.next(most)).await? else { return Ok(Step::Idle) };
        match send(&self.client, &batch).await {
            Ok(()) => self.most = (self.most * 2).min(MOST),
            Err(error) => {
                // It may be another database by now.
                self.seen = None;
                if error.is_of_size() {
                    self.most = (self.most / 2).max(1);
                }
                return Err(error);
            }
        }
        let step = Step::Sent { events: batch.events, documents: batch.documents.len(), last: batch.last };
        self.blocking(move |lanes| lanes.shipped(&batch.segment, batch.until)).await?;
        Ok(step)
    }

    /// The request may be smaller next time: it need not wait.
    pub fn can_shrink(&self, error: &CouchError) -> bool {
        error.code() == Some(413) && self.most > 1
    }

    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Lanes) -> Result<T, CouchError> + Send + 'static,
    ) -> Result<T, CouchError> {
        let gone = || CouchError::Journal("its reader broke".to_owned());
        let mut lanes = self.lanes.take().ok_or_else(gone)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&mut lanes);
            (lanes, result)
        });
        let (lanes, result) = done.await.map_err(|_| gone())?;
        self.lanes = Some(lanes);
        result
    }

    /// Sees that the database is there and has its designs; true if it has nothing of this journal yet. What says so is a
    /// document that is neither replicated nor listed, so that a database that was deleted is known by its absence.
    async fn greet(&mut self) -> Result<bool, CouchError> {
        let witness = format!("/_local/pxelator-{}", self.journal);
        let known = self.client.get(&witness, &[]).await;
        match known {
            Ok(_) if self.seen.is_some() => return Ok(false),
            Ok(_) => {
                design::upgrade(&self.client).await?;
                return Ok(false);
            }
            Err(error) if error.code() == Some(404) => {}
            Err(error) => return Err(error),
        }
        match self.client.make().await {
            // It was there.
            Err(error) if error.code() == Some(412) => {}
            // Who may write need not be allowed to make it.
            Err(error) if error.is_of_login() => match self.client.get("", &[]).await {
                Err(missing) if missing.code() == Some(404) => return Err(error),
                there => drop(there?),
            },
            made => drop(made?),
        }
        design::upgrade(&self.client).await?;
        self.blocking(|lanes| lanes.begin_anew()).await?;
        match self.client.put(&witness, &json!({"journal": self.journal})).await {
            // Another of this journal was quicker, or the answer to the first try was lost.
            Err(error) if error.code() == Some(409) => {}
            put => drop(put?),
        }
        Ok(true)
    }
}

async fn send(client: &Client, batch: &Batch) -> Result<(), CouchError> {
    let body = json_of(batch).map_err(|error| CouchError::Journal(error.to_string()))?;
    let answer = client.post("/_bulk_docs", &[], body).await?;
    let Some(rows) = answer.as_array() else {
        return Err(CouchError::Garbled(format!("expected a list, not {}", words(&answer))));
    };
    match rows.iter().find(|row| row["error"].is_string()) {
        Some(row) => {
            let id = row["id"].as_str().unwrap_or("?").to_owned();
            Err(CouchError::Refused { id, words: words(row) })
        }
        None => Ok(()),
    }
}

fn json_of(batch: &Batch) -> serde_json::Result<Vec<u8>> {
    // Not through a value: that would hold everything twice.
    #[derive(serde::Serialize)]
    struct Body<'a> {
        new_edits: bool,
        docs: &'a [super::document::Document],
    }
    serde_json::to_vec(&Body { new_edits: false, docs: &batch.documents })
}
