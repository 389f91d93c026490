//! Answers that have secrets in them: each is given to one request at a time, and once it was given, to none any more.
//!
//! The last byte is sent when the journal has it that the secret was told. Who breaks off before may ask once more.

use crate::{
    boot::{self, Asker},
    event::{Event, Fact, Refusal},
    net::Mac,
    servers::{Context, meter},
};
use axum::body::{Body, Bytes};
use jiff::Timestamp;
use parking_lot::Mutex;
use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

/// What the journal gets to have it on the disk. A machine is installed with a broken disk too.
const STORED: Duration = Duration::from_secs(2);

/// A machine, what it is armed with (since when), and the file.
type Key = (Mac, Timestamp, String);

/// The secrets that are being told, and those that were, until the state knows it.
#[derive(Clone, Default)]
pub struct Tellings(Arc<Mutex<BTreeMap<Key, Stage>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    UnderWay,
    Told,
}

/// An answer under way. Dropped before it is told, the secret may be asked for once more.
struct Telling {
    tellings: Tellings,
    key: Key,
}

impl Tellings {
    /// The body of an answer with a secret in it, and its length; or why it is not given.
    pub fn answer(
        &self,
        context: &Context,
        asker: &Asker<'_>,
        path: &str,
        text: String,
    ) -> Result<(Body, u64), Refusal> {
        let Some(file) = boot::answer_file(path) else { return Err(Refusal::Missing { path: path.to_owned() }) };
        let Some((mac, since)) = armed(context, asker) else { return Err(Refusal::Unarmed { file }) };
        let Some(telling) = self.begin((mac, since, file.clone())) else { return Err(Refusal::Told { file }) };
        let told = meter::event(context, asker, Fact::BootTold { file });
        let length = text.len() as u64;
        let mut first = Bytes::from(text);
        let last = first.split_off(first.len().saturating_sub(1));
        let (bus, mut rest) = (context.bus.clone(), Some((telling, told, last)));
        let begin = futures_util::stream::once(async { Ok::<_, Infallible>(first) });
        let end = futures_util::stream::once(async move {
            if let Some((telling, told, last)) = rest.take() {
                let told: Event = told;
                // From here on it counts as told, whatever becomes of the last byte.
                telling.tell();
                let _ = bus.store(vec![Event { time: crate::event::now(), ..told }], STORED).await;
                return Ok(last);
            }
            Ok(Bytes::new())
        });
        Ok((Body::from_stream(futures_util::StreamExt::chain(begin, end)), length))
    }

    /// Takes the place of the one who is told; none where another has it, or had.
    fn begin(&self, key: Key) -> Option<Telling> {
        let mut all = self.0.lock();
        if all.contains_key(&key) {
            return None;
        }
        // What it was armed with before matters no more.
        all.retain(|(mac, since, _), _| *mac != key.0 || *since == key.1);
        all.insert(key.clone(), Stage::UnderWay);
        Some(Telling { tellings: self.clone(), key })
    }
}

impl Telling {
    fn tell(&self) {
        self.tellings.0.lock().insert(self.key.clone(), Stage::Told);
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let mut all = self.tellings.0.lock();
        if all.get(&self.key) == Some(&Stage::UnderWay) {
            all.remove(&self.key);
        }
    }
}

/// Who is to be told, and since when it is armed.
fn armed(context: &Context, asker: &Asker<'_>) -> Option<(Mac, Timestamp)> {
    let state = context.state.read();
    let machine = state.machine(context.segment, asker.mac?)?;
    let arming = machine.arming.as_ref().filter(|arming| arming.is_open())?;
    Some((machine.mac, arming.since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_once() {
        let tellings = Tellings::default();
        let key = |since: i64, file: &str| {
            (Mac([2, 0, 0, 0, 0, 1]), Timestamp::from_second(since).unwrap(), format!("answers/{file}"))
        };
        let first = tellings.begin(key(1, "a")).unwrap();
        assert!(tellings.begin(key(1, "a")).is_none(), "while it is told to another");
        assert!(tellings.begin(key(1, "b")).is_some(), "another file");
        drop(first);
        let again = tellings.begin(key(1, "a")).expect("it was broken off");
        again.tell();
        drop(again);
        assert!(tellings.begin(key(1, "a")).is_none(), "it was told");
        assert!(tellings.begin(key(2, "a")).is_some(), "it is armed anew");
        assert_eq!(tellings.0.lock().len(), 0, "what was before is forgotten");
    }
}
