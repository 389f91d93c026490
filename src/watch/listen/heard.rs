//! Who spoke last, as those who listen tell those who look; and what is to be asked by ARP.

use crate::net::Mac;
use parking_lot::Mutex;
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc, time::Instant};
use tokio::sync::Notify;

/// Questions that wait, at most.
const QUESTIONS: usize = 1024;

#[derive(Default)]
struct Known {
    /// Machines of conf by segment and hardware address: when.
    spoke: BTreeMap<(Ipv4Addr, Mac), Instant>,
    /// By segment and address: who said that it is his, and when.
    has: BTreeMap<(Ipv4Addr, Ipv4Addr), (Mac, Instant)>,
    questions: Vec<(Ipv4Addr, Ipv4Addr)>,
}

/// What is heard of machines of conf; cheap to clone.
#[derive(Clone, Default)]
pub struct Heard {
    known: Arc<Mutex<Known>>,
    came: Arc<Notify>,
}

impl Heard {
    /// A machine of conf spoke, by this address where it said it.
    pub fn note(&self, segment: Ipv4Addr, mac: Mac, address: Option<Ipv4Addr>, now: Instant) {
        let mut known = self.known.lock();
        known.spoke.insert((segment, mac), now);
        if let Some(address) = address {
            known.has.insert((segment, address), (mac, now));
        }
        drop(known);
        self.came.notify_waiters();
    }

    /// Takes who spoke since this was asked last.
    pub fn take(&self) -> BTreeMap<(Ipv4Addr, Mac), Instant> {
        std::mem::take(&mut self.known.lock().spoke)
    }

    /// Who of conf says that the address is his, once that was asked for; waits for it without end.
    pub async fn ask(&self, segment: Ipv4Addr, address: Ipv4Addr) -> Mac {
        let asked = Instant::now();
        {
            let mut known = self.known.lock();
            if known.questions.len() < QUESTIONS {
                known.questions.push((segment, address));
            }
        }
        loop {
            let came = self.came.notified();
            let has = self.known.lock().has.get(&(segment, address)).copied();
            if let Some((mac, _)) = has.filter(|(_, at)| *at >= asked) {
                return mac;
            }
            came.await;
        }
    }

    /// The addresses of this segment that are to be asked for.
    pub(super) fn take_questions(&self, segment: Ipv4Addr) -> Vec<Ipv4Addr> {
        let mut known = self.known.lock();
        let (mine, rest) = std::mem::take(&mut known.questions).into_iter().partition(|(at, _)| *at == segment);
        known.questions = rest;
        let mine: Vec<(Ipv4Addr, Ipv4Addr)> = mine;
        mine.into_iter().map(|(_, address)| address).collect()
    }
}
