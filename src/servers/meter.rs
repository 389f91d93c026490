//! Follows one transfer to one machine and tells how far it is: the same for TFTP and HTTP.

use super::Context;
use crate::{
    boot::{self, Asker},
    event::{Event, Fact, Refusal, Role, Service, Step, Transfer, printable},
    net::Mac,
};
use parking_lot::Mutex;
use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Progress is told no more often.
const EVERY: Duration = Duration::from_millis(250);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A transfer under way. Dropped before [`Meter::complete`] it counts as abandoned.
pub struct Meter {
    follows: Arc<Follows>,
}

/// What the meter and the task that tells its progress share.
struct Follows {
    context: Context,
    service: Service,
    began: Instant,
    machine: Option<Ipv4Addr>,
    mac: Option<Mac>,
    bytes: AtomicU64,
    size: Option<u64>,
    /// The transfer as told last; none once its end is told.
    told: Mutex<Option<Transfer>>,
}

/// The event of `fact` about who asks.
pub fn event(context: &Context, asker: &Asker<'_>, fact: Fact) -> Event {
    let machine = asker.machine.map_or(asker.address, |machine| machine.address);
    Event::new(Some(context.segment), fact).about(Some(machine), asker.mac)
}

/// Tells that `file` was not given.
pub fn refused(context: &Context, service: Service, asker: &Asker<'_>, file: &str, refusal: Refusal) {
    let file = printable(file, 512);
    let role = role(context, asker, &file);
    context.bus.publish(event(context, asker, Fact::of_refusal(service, file, role, refusal)));
}

fn role(context: &Context, asker: &Asker<'_>, file: &str) -> Role {
    let conf = context.conf.borrow().clone();
    conf.segments.get(&context.segment).map_or(Role::Other, |segment| boot::role(&conf, segment, *asker, file))
}

impl Meter {
    /// Tells that `file` of `size` bytes is asked for. Must be called within a tokio runtime.
    pub fn start(context: &Context, service: Service, asker: &Asker<'_>, file: &str, size: Option<u64>) -> Meter {
        let file = file.trim_start_matches('/').to_owned();
        let role = role(context, asker, &file);
        let transfer = Transfer { id: NEXT.fetch_add(1, Relaxed), file, role, size, bytes: 0, millis: 0 };
        let fact = Fact::of_transfer(service, Step::Requested, transfer.clone());
        let event = event(context, asker, fact);
        let follows = Arc::new(Follows {
            context: context.clone(),
            service,
            began: Instant::now(),
            machine: event.machine,
            mac: event.mac,
            bytes: AtomicU64::new(0),
            size,
            told: Mutex::new(Some(transfer)),
        });
        context.bus.publish(event);
        tokio::spawn(tell_progress(Arc::downgrade(&follows)));
        Meter { follows }
    }

    /// Counts bytes on their way.
    pub fn sent(&mut self, bytes: u64) {
        self.follows.bytes.fetch_add(bytes, Relaxed);
    }

    /// Bytes on their way so far.
    pub fn bytes(&self) -> u64 {
        self.follows.bytes.load(Relaxed)
    }

    /// True if every byte is on its way.
    pub fn is_whole(&self) -> bool {
        self.follows.size == Some(self.bytes())
    }

    /// Tells that all bytes are sent; later calls of anything tell nothing.
    pub fn complete(&mut self) {
        self.follows.end(Step::Completed);
    }

    /// Tells that only the file's size was wanted.
    pub fn probed(&mut self) {
        self.follows.end(Step::Probed);
    }

    /// Tells that the transfer ends early.
    pub fn abandon(&mut self, reason: &str) {
        self.follows.end(Step::Abandoned(reason));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.abandon("the client went away");
    }
}

/// Tells how far the transfer is until it ends. By the clock, and not when bytes are sent: those of a client that
/// takes them slowly wait in the kernel for long.
async fn tell_progress(transfer: Weak<Follows>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(follows) = transfer.upgrade() else { return };
        let mut told = follows.told.lock();
        let Some(last) = told.as_mut() else { return };
        if last.bytes != follows.bytes.load(Relaxed) {
            follows.tell(last, Step::Progressed);
        }
    }
}

impl Follows {
    fn end(&self, step: Step<'_>) {
        if let Some(mut transfer) = self.told.lock().take() {
            self.tell(&mut transfer, step);
        }
    }

    fn tell(&self, transfer: &mut Transfer, step: Step<'_>) {
        transfer.bytes = self.bytes.load(Relaxed);
        transfer.millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let fact = Fact::of_transfer(self.service, step, transfer.clone());
        self.context.bus.publish(Event::new(Some(self.context.segment), fact).about(self.machine, self.mac));
    }
}
