//! The window on the past: asks for a moment, and takes what is shown of it over into the model.

use super::{
    model::{Dialog, Model},
    timeline,
};
use crate::{
    event::now,
    filter,
    state::{
        Shared,
        past::{Go, Request, Sight},
    },
};
use jiff::tz::TimeZone;
use std::{
    net::Ipv4Addr,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};
use tokio::sync::watch;

/// Wishes that may wait: a key held down for some seconds. They are gathered, so that is not for long.
const WAITING: usize = 256;

/// Shows the past to one who asks for it.
#[derive(Clone)]
pub struct Window {
    requests: SyncSender<Request>,
    shown: watch::Receiver<Sight>,
}

impl Window {
    /// A window, and what it is answered through.
    pub fn new() -> (Window, Receiver<Request>, watch::Sender<Sight>) {
        let (requests, asked) = sync_channel(WAITING);
        let (show, shown) = watch::channel(Sight::Present);
        (Window { requests, shown }, asked, show)
    }

    /// Asks; never waits.
    pub(super) fn ask(&self, model: &mut Model, go: Go, segment: Option<Ipv4Addr>) {
        let refused = match self.requests.try_send(Request { go, segment }) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => "the journal does not keep up; try again",
            Err(TrySendError::Disconnected(_)) => "the past cannot be shown any more; start the program anew",
        };
        model.word = Some(refused.to_owned());
    }

    /// Asks for the moment that `text` means; where it means none, the question stays with what is wrong.
    pub(super) fn ask_for(&self, model: &mut Model, state: &Shared, text: &str, zone: &TimeZone) {
        match filter::moment(text, now(), zone) {
            Some(moment) => {
                model.travelling = true;
                let segment = model.segment(&state.read()).map(|(address, _)| address);
                self.ask(model, Go::At(moment), segment);
            }
            None => {
                let error = format!("expected {}", filter::MOMENTS);
                model.dialog = Some(Dialog::Moment(text.to_owned(), Some(error)));
            }
        }
    }

    /// Takes over what is shown by now; true if that is something new.
    pub(super) fn look(&mut self, model: &mut Model) -> bool {
        if !model.travelling || !self.shown.has_changed().unwrap_or(false) {
            return false;
        }
        match &*self.shown.borrow_and_update() {
            // An answer to who looked before.
            Sight::Present => return false,
            Sight::Past(past) => {
                if model.past.is_none() {
                    timeline::enter(model);
                }
                model.past = Some(past.clone());
            }
            Sight::Failed(error) => {
                (model.travelling, model.past) = (false, None);
                model.word = Some(error.clone());
            }
        }
        true
    }
}
