//! Has what is measured written, and measures what nobody else does: rates of events, of interfaces, of virtual machines.

mod meters;

use super::segments::{Shared, choose};
use crate::{
    bus::Delivery,
    event::Event,
    sample::{Of, Sample},
    trend::{Batch, Gather, Outcome, Rates, Trouble, Writer, told},
};
use jiff::{SignedDuration, Timestamp};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// The step of the finest archive.
const STEP: Duration = Duration::from_secs(10);
/// What samples of a step get to come in after its end.
const LATE: Duration = Duration::from_secs(2);
/// How soon it is tried again after a failure.
const AGAIN: Duration = Duration::from_secs(2);
/// Events that may wait to be counted.
const QUEUE: usize = 1 << 16;
/// Events counted at once.
const BATCH: usize = 1024;
/// From one batch to the next: being woken by each event is more work than to count it.
const PAUSE: Duration = Duration::from_millis(5);
/// A value that did not come for so long is no longer one of now.
const OLD: SignedDuration = SignedDuration::from_mins(10);
/// What the last values get to be written when the program ends.
const LAST: Duration = Duration::from_secs(2);

/// Writes until shutdown.
pub async fn keep(shared: Shared, samples: mpsc::Receiver<Sample>) {
    tokio::join!(count(&shared), meters::measure(&shared), write(&shared, samples));
}

/// Sleeps until a round time of the clock.
async fn next_step(after: Duration) {
    let now = Timestamp::now().as_millisecond();
    let (step, after) = (STEP.as_millis() as i64, after.as_millis() as i64);
    let rest = step - (now - after).rem_euclid(step);
    sleep(Duration::from_millis(rest.unsigned_abs())).await;
}

/// The last round time.
fn this_step() -> Timestamp {
    let step = STEP.as_secs() as i64;
    let now = Timestamp::now().as_second().div_euclid(step) * step;
    Timestamp::from_second(now).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Counts what happens, and hands over the rates of each step.
async fn count(shared: &Shared) {
    let mut heard = shared.bus.subscribe("trends", QUEUE);
    let mut rates = Rates::default();
    let (mut batch, mut drained) = (Vec::with_capacity(BATCH), Instant::now());
    begin(shared, &mut rates);
    let step = next_step(Duration::ZERO);
    tokio::pin!(step);
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = &mut step => {
                for sample in rates.drain(this_step(), drained.elapsed().as_secs_f64()) {
                    shared.samples.put(sample);
                }
                drained = Instant::now();
                shared.trends.note_totals(rates.totals().collect());
                begin(shared, &mut rates);
                step.set(next_step(Duration::ZERO));
            }
            count = heard.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return;
                }
                let conf = shared.conf.borrow().clone();
                for delivery in batch.drain(..) {
                    let Delivery::Event(event) = delivery else { continue };
                    let machines = event.segment.and_then(|segment| conf.segments.get(&segment));
                    let is_machine = |at: Ipv4Addr| machines.is_some_and(|segment| segment.machines.contains_key(&at));
                    let is_machine = event.machine.is_some_and(is_machine);
                    rates.take(&event, is_machine);
                    if is_machine {
                        told(&event).into_iter().for_each(|sample| shared.samples.put(sample));
                    }
                }
                if heard.is_empty() {
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Segments are counted while they are served, machines from when they are first heard of, also by an earlier run.
fn begin(shared: &Shared, rates: &mut Rates) {
    let conf = shared.conf.borrow().clone();
    let served = choose(&shared.options, &conf).unwrap_or_default();
    for (segment, _) in &served {
        rates.begin_segment(*segment);
    }
    rates.retain(|of| match of {
        Of::Program => true,
        Of::Segment(segment) => served.iter().any(|(address, _)| *address == segment),
        Of::Machine(segment, machine) => {
            conf.segments.get(&segment).is_some_and(|segment| segment.machines.contains_key(&machine))
        }
    });
    for (address, _) in served {
        let machines = conf.segments.get(&address).into_iter().flat_map(|segment| segment.machines.keys());
        for of in machines.map(|machine| Of::Machine(address, *machine)) {
            for family in Rates::OF_MACHINES {
                if !rates.has(of, family) && shared.trends.file(of, family).exists() {
                    rates.begin(of, family);
                }
            }
        }
    }
}

/// Takes samples in, and has them written by a task of their own, so that a slow disk hinders nobody.
async fn write(shared: &Shared, mut samples: mpsc::Receiver<Sample>) {
    let (mut gather, mut trouble) = (Gather::default(), Trouble::default());
    let mut writer = Some(Writer::new(shared.trends.clone()));
    let mut busy: Option<JoinHandle<(Writer, Outcome)>> = None;
    let mut taken = Vec::with_capacity(BATCH);
    let turn = rest(false);
    tokio::pin!(turn);
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            count = samples.recv_many(&mut taken, BATCH) => {
                if count == 0 {
                    break;
                }
                for sample in taken.drain(..) {
                    shared.trends.note(&sample);
                    gather.take(&sample);
                }
            }
            Some(ended) = ended(&mut busy) => {
                busy = None;
                // Of one that panicked, what it had in hand is gone.
                let (back, outcome) = ended.unwrap_or_else(|| (Writer::new(shared.trends.clone()), Outcome::default()));
                writer = Some(back);
                trouble.lost += gather.take_lost() + shared.samples.take_lost();
                if let Some(fact) = trouble.take(&outcome) {
                    shared.bus.publish(Event::new(None, fact));
                }
                outcome.left.into_iter().for_each(|batch| gather.put_back(batch));
            }
            () = &mut turn => {
                let now = Timestamp::now();
                if let Some(writer) = writer.take() {
                    // What of a step comes after this is lost.
                    let ready = gather.ready(now.as_second() - 1);
                    busy = Some(tokio::spawn(put(writer, ready, now.as_second())));
                }
                shared.trends.forget(now.saturating_sub(OLD).unwrap_or(Timestamp::UNIX_EPOCH));
                turn.set(rest(trouble.is_told));
            }
        }
    }
    let last = async {
        if let Some(Some((back, outcome))) = ended(&mut busy).await {
            outcome.left.into_iter().for_each(|batch| gather.put_back(batch));
            writer = Some(back);
        }
        if let Some(writer) = writer {
            let now = Timestamp::now().as_second();
            // The step that is under way ends with the program.
            put(writer, gather.ready(now + STEP.as_secs() as i64), now).await;
        }
    };
    let _ = timeout(LAST, last).await;
}

async fn put(mut writer: Writer, batches: Vec<Batch>, now: i64) -> (Writer, Outcome) {
    let outcome = writer.write(batches, now).await;
    (writer, outcome)
}

/// The end of what is under way: none where nothing is, within it none where it panicked.
async fn ended(busy: &mut Option<JoinHandle<(Writer, Outcome)>>) -> Option<Option<(Writer, Outcome)>> {
    Some(busy.as_mut()?.await.ok())
}

/// Until it is written again.
async fn rest(is_failing: bool) {
    if is_failing { sleep(AGAIN).await } else { next_step(LATE).await }
}
