//! Keeps views up to date: one look at the state a view, however many watch it, and streams of what is other (server-sent events, as HTML's
//! standard has them). Who watches something that does not change costs a comment every 20 seconds.

use super::{
    Source, lookup,
    part::{Part, difference},
    view::View,
    views::{self, Extra, Scene},
};
use crate::event::now;
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use parking_lot::Mutex;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

/// How often is looked whether anything happened, and the least time between two looks at a view.
const BEAT: Duration = Duration::from_millis(250);
/// A view is looked at anew after that time though nothing happened: leases and silences end by themselves, and trends go on.
const STALE: Duration = Duration::from_secs(10);
/// A stream says so often that it is still there.
const QUIET: Duration = Duration::from_secs(20);
/// A stream ends after that time, so that it is asked anew whether they may read.
const LONGEST: Duration = Duration::from_secs(600);
/// Streams at the same time.
const STREAMS: usize = 1_000;
/// Views that are kept though nobody watches them.
const KEPT: usize = 32;

/// All views that somebody looked at lately.
pub struct Live {
    source: Source,
    views: Mutex<HashMap<View, Arc<Entry>>>,
    versions: AtomicU64,
    streams: Arc<Semaphore>,
}

struct Entry {
    look: watch::Sender<Option<Arc<Look>>>,
    /// Only one looks at a time; the others get what it found.
    turn: tokio::sync::Mutex<()>,
    used: Mutex<Instant>,
    followed: Mutex<bool>,
}

/// A view at a moment.
pub struct Look {
    /// Another number for other parts.
    pub version: u64,
    /// What there was to see.
    pub parts: Vec<Part>,
    /// What was looked up for it.
    pub extra: Arc<Extra>,
    /// The state's number.
    generation: u64,
    at: Instant,
    took: Duration,
    /// What is other than in the version before, ready to be sent.
    step: Option<(u64, Bytes)>,
}

impl Live {
    /// Views of this source.
    pub fn new(source: Source) -> Arc<Live> {
        // Another run has other numbers: a browser's version is not taken for one of this.
        let begin = u64::try_from(now().as_microsecond()).unwrap_or_default();
        let streams = Arc::new(Semaphore::new(STREAMS));
        Arc::new(Live { source, views: Mutex::default(), versions: AtomicU64::new(begin), streams })
    }

    fn entry(&self, view: &View) -> Arc<Entry> {
        let mut views = self.views.lock();
        if let Some(entry) = views.get(view) {
            *entry.used.lock() = Instant::now();
            return entry.clone();
        }
        while views.len() >= KEPT {
            let unwatched = views.iter().filter(|(_, entry)| !*entry.followed.lock() && Arc::strong_count(entry) == 1);
            let Some(oldest) = unwatched.min_by_key(|(_, entry)| *entry.used.lock()).map(|(view, _)| view.clone())
            else {
                break;
            };
            views.remove(&oldest);
        }
        let entry = Arc::new(Entry {
            look: watch::Sender::new(None),
            turn: tokio::sync::Mutex::new(()),
            used: Mutex::new(Instant::now()),
            followed: Mutex::new(false),
        });
        views.insert(view.clone(), entry.clone());
        entry
    }

    /// The view as it is now.
    pub async fn get(self: &Arc<Live>, view: &View) -> Option<Arc<Look>> {
        let entry = self.entry(view);
        self.fresh(view, &entry).await
    }

    fn current(&self, entry: &Entry) -> Option<Arc<Look>> {
        let look = entry.look.borrow().clone()?;
        let generation = self.source.state.read().generation;
        (look.generation == generation && look.at.elapsed() < STALE).then_some(look)
    }

    /// None where the program ends.
    async fn fresh(self: &Arc<Live>, view: &View, entry: &Entry) -> Option<Arc<Look>> {
        if let Some(look) = self.current(entry) {
            return Some(look);
        }
        let _turn = entry.turn.lock().await;
        if let Some(look) = self.current(entry) {
            return Some(look);
        }
        let before = entry.look.borrow().clone();
        let (live, view) = (self.clone(), view.clone());
        // Files are read, and a long list takes its time.
        let look = tokio::task::spawn_blocking(move || Arc::new(live.look(&view, before.as_deref()))).await.ok()?;
        entry.look.send_replace(Some(look.clone()));
        Some(look)
    }

    fn look(&self, view: &View, before: Option<&Look>) -> Look {
        let at = Instant::now();
        // What nobody watched meanwhile may have gaps.
        let known = before.filter(|before| before.at.elapsed() < 2 * STALE).map(|before| &before.extra);
        let mut extra = lookup::look(&self.source, view, known);
        let conf = self.source.conf.borrow().clone();
        let replicas = self.source.replicas.borrow().clone();
        let (parts, generation) = {
            let state = self.source.state.read();
            let scene = Scene { state: &state, conf: &conf, replicas: &replicas, extra: &extra, now: now() };
            let parts = views::parts(view, scene);
            if let Some(kept) = views::keep(view, scene) {
                extra = Arc::new(kept);
            }
            (parts, state.generation)
        };
        let (version, step) = match before {
            Some(before) if before.parts == parts => (before.version, before.step.clone()),
            Some(before) => {
                let version = self.versions.fetch_add(1, Relaxed);
                (version, Some((before.version, message(version, &before.parts, &parts))))
            }
            None => (self.versions.fetch_add(1, Relaxed), None),
        };
        Look { version, parts, extra, generation, at, took: at.elapsed(), step }
    }

    /// Looks at a view as long as somebody follows it.
    fn follow(self: &Arc<Live>, view: &View) -> (Arc<Entry>, watch::Receiver<Option<Arc<Look>>>) {
        let entry = self.entry(view);
        let receiver = entry.look.subscribe();
        let mut followed = entry.followed.lock();
        if !*followed {
            *followed = true;
            let (live, view, entry) = (self.clone(), view.clone(), entry.clone());
            tokio::spawn(async move { live.keep(&view, &entry).await });
        }
        drop(followed);
        (entry, receiver)
    }

    async fn keep(self: &Arc<Live>, view: &View, entry: &Entry) {
        loop {
            let took = entry.look.borrow().as_ref().map_or(Duration::ZERO, |look| look.took);
            tokio::select! {
                () = self.source.shutdown.cancelled() => return,
                // A view that takes long is looked at less often.
                () = sleep(BEAT.max(4 * took)) => {}
            }
            {
                let mut followed = entry.followed.lock();
                if entry.look.receiver_count() == 0 {
                    *followed = false;
                    return;
                }
            }
            self.fresh(view, entry).await;
        }
    }

    /// The stream of what is other than in the version that a browser has.
    pub async fn stream(self: &Arc<Live>, view: View, has: Option<u64>) -> Response {
        let Ok(permit) = self.streams.clone().try_acquire_owned() else {
            let words = "too many browsers watch this page; the view is there without being brought up to date\n";
            return (StatusCode::SERVICE_UNAVAILABLE, words).into_response();
        };
        let (entry, receiver) = self.follow(&view);
        let Some(first) = self.fresh(&view, &entry).await else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let begin = match has {
            Some(version) if version == first.version => Bytes::from_static(b": nothing is other\n\n"),
            _ => message(first.version, &[], &first.parts),
        };
        let ends = Instant::now() + LONGEST;
        let follower = Follower { live: self.clone(), receiver, has: first, begin: Some(begin), ends, _permit: permit };
        let events = stream::unfold(follower, |mut follower| async {
            let next = follower.next().await?;
            Some((Ok::<_, std::convert::Infallible>(next), follower))
        });
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        // Proxies are not to gather it.
        let flowing = (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        ([kind, flowing], Body::from_stream(events)).into_response()
    }
}

/// One browser that watches.
struct Follower {
    live: Arc<Live>,
    receiver: watch::Receiver<Option<Arc<Look>>>,
    has: Arc<Look>,
    begin: Option<Bytes>,
    ends: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(begin) = self.begin.take() {
            return Some(begin);
        }
        loop {
            if Instant::now() >= self.ends {
                return None;
            }
            let changed = tokio::select! {
                () = self.live.source.shutdown.cancelled() => return None,
                changed = timeout(QUIET, self.receiver.changed()) => changed,
            };
            match changed {
                Err(_) => return Some(Bytes::from_static(b": quiet\n\n")),
                Ok(Err(_)) => return None,
                Ok(Ok(())) => {}
            }
            let Some(look) = self.receiver.borrow_and_update().clone() else { continue };
            if look.version == self.has.version {
                continue;
            }
            let bytes = match &look.step {
                Some((from, bytes)) if *from == self.has.version => bytes.clone(),
                // It was too slow for some of them.
                _ => message(look.version, &self.has.parts, &look.parts),
            };
            self.has = look;
            return Some(bytes);
        }
    }
}

/// One event: the version, and what is other.
fn message(version: u64, before: &[Part], after: &[Part]) -> Bytes {
    let other = json!({ "version": version.to_string(), "parts": difference(before, after) });
    Bytes::from(format!("data: {other}\n\n"))
}
