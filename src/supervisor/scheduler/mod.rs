//! Does what schedules ask for when it is due: sends the same commands as the operator.

mod agenda;

use super::segments::{Shared, choose};
use crate::{
    command::{Command, Place},
    conf,
    event::{self, Asker, Event, Fact},
};
use agenda::{Agenda, Due};
use jiff::Timestamp;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the time of day is looked at: the clock may be set, and a host that slept is not told how long.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// So that a hall of machines does not draw its first current at once.
const STAGGER: Duration = Duration::from_secs(2);

/// Sends what is due to `commands` until shutdown. `last` is when the program did something before this run.
pub async fn keep(shared: Shared, commands: mpsc::Sender<Command>, last: Option<Timestamp>) {
    let mut conf = shared.conf.clone();
    let mut agenda = Agenda::new(last, event::now());
    let mut tree = conf.borrow_and_update().clone();
    let mut next = agenda.next(&tree);
    loop {
        let now = event::now();
        if agenda.turned_back(now) {
            next = agenda.next(&tree);
        }
        if next.is_some_and(|next| next <= now) {
            let served = choose(&shared.options, &tree).unwrap_or_default();
            let served = served.into_iter().map(|(address, _)| address).collect();
            let Due { told, wishes } = agenda.due(&tree, &served, now);
            told.into_iter().for_each(|event| shared.bus.publish(event));
            for ((action, line), machines) in wishes {
                let wish = Command::Power { machines, action, stagger: STAGGER, by: Asker::Schedule(line) };
                tokio::select! {
                    () = shared.shutdown.cancelled() => return,
                    sent = commands.send(wish) => if sent.is_err() { return },
                }
            }
            next = agenda.next(&tree);
        }
        let left = next.and_then(|next| Duration::try_from(next.duration_since(event::now())).ok());
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            changed = conf.changed() => {
                if changed.is_err() {
                    return;
                }
                // What is due under the new conf is due from now on.
                agenda.pass(event::now(), next);
                tree = conf.borrow_and_update().clone();
                next = agenda.next(&tree);
            }
            () = tokio::time::sleep(left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)) => {}
        }
    }
}

/// Passes over the next scheduled change of a machine, or does not after all.
pub fn pass_over(shared: &Shared, (segment, machine): Place, skip: bool) {
    let conf = shared.conf.borrow().clone();
    let done = match conf.machine((segment, machine)) {
        Some((segment, machine)) => conf::pass_over(&shared.options.conf, segment, machine, skip, event::now()),
        None => Err(conf::SkipError::NothingScheduled),
    };
    // What was written is told when it is read.
    if let Err(error) = done {
        let fact = Fact::ConfUnwritten { path: format!("{segment}/{machine}/skip"), error: error.to_string() };
        shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), None));
    }
}
