//! Follows one transfer to one machine and tells how far it is: the same for TFTP and HTTP.

use super::Context;
use crate::{
    boot::Asker,
    event::{Event, Fact, Refusal, Service, Step, Transfer},
    net::Mac,
};
use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Progress is told no more often.
const EVERY: Duration = Duration::from_millis(250);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A transfer under way. Dropped before [`Meter::complete`] it counts as abandoned.
pub struct Meter {
    context: Context,
    service: Service,
    transfer: Transfer,
    began: Instant,
    told: Instant,
    machine: Option<Ipv4Addr>,
    mac: Option<Mac>,
    ended: bool,
}

/// The event of `fact` about who asks.
pub fn event(context: &Context, asker: &Asker<'_>, fact: Fact) -> Event {
    let machine = asker.machine.map_or(asker.address, |machine| machine.address);
    Event::new(Some(context.segment), fact).about(Some(machine), asker.mac)
}

/// Tells that `file` was not given.
pub fn refused(context: &Context, service: Service, asker: &Asker<'_>, file: &str, refusal: Refusal) {
    let file: String = file.chars().filter(|c| !c.is_control()).take(512).collect();
    context.bus.publish(event(context, asker, Fact::of_refusal(service, file, refusal)));
}

impl Meter {
    /// Tells that `file` of `size` bytes is asked for.
    pub fn start(context: &Context, service: Service, asker: &Asker<'_>, file: &str, size: Option<u64>) -> Meter {
        let file = file.trim_start_matches('/').to_owned();
        let transfer = Transfer { id: NEXT.fetch_add(1, Relaxed), file, size, bytes: 0, millis: 0 };
        let fact = Fact::of_transfer(service, Step::Requested, transfer.clone());
        let event = event(context, asker, fact);
        let (machine, mac, now) = (event.machine, event.mac, Instant::now());
        context.bus.publish(event);
        Meter { context: context.clone(), service, transfer, began: now, told: now, machine, mac, ended: false }
    }

    /// Counts bytes on their way.
    pub fn sent(&mut self, bytes: u64) {
        self.transfer.bytes += bytes;
        if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            self.tell(Step::Progressed);
        }
    }

    /// Bytes on their way so far.
    pub fn bytes(&self) -> u64 {
        self.transfer.bytes
    }

    /// True if every byte is on its way.
    pub fn is_whole(&self) -> bool {
        self.transfer.size == Some(self.transfer.bytes)
    }

    /// Tells that all bytes are sent; later calls of anything tell nothing.
    pub fn complete(&mut self) {
        self.end(Step::Completed);
    }

    /// Tells that the transfer ends early.
    pub fn abandon(&mut self, reason: &str) {
        self.end(Step::Abandoned(reason));
    }

    fn end(&mut self, step: Step<'_>) {
        if !std::mem::replace(&mut self.ended, true) {
            self.tell(step);
        }
    }

    fn tell(&mut self, step: Step<'_>) {
        self.transfer.millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let fact = Fact::of_transfer(self.service, step, self.transfer.clone());
        self.context.bus.publish(Event::new(Some(self.context.segment), fact).about(self.machine, self.mac));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.abandon("the client went away");
    }
}
