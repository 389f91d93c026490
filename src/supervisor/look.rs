//! Looks whether a machine has power, and tells what is news.

use super::segments::Shared;
use crate::{
    event::{Event, Fact, PowerState},
    power::{Power, PowerError, Target},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// What one way gets to answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The first way that can tell says so.
    Seen(PowerState, &'static str),
    /// The first way that could tell does not.
    Blind(&'static str, PowerError),
    /// None of its ways can tell.
    Silent,
}

/// Asks the ways of a machine, to the first that tells.
pub async fn look(ways: &[Arc<dyn Power>], target: &Target) -> Look {
    let mut trouble = None;
    for way in ways {
        let told = timeout(PATIENCE, way.observe(target)).await.unwrap_or_else(|_| {
            Err(PowerError {
                error: format!("no answer within {} s", PATIENCE.as_secs()),
                next_step: format!("go through it: pxelator power doctor {}", target.machine.hostname),
            })
        });
        match told {
            Ok(Some(state)) => return Look::Seen(state, way.method()),
            Ok(None) => {}
            Err(error) => drop(trouble.get_or_insert((way.method(), error))),
        }
    }
    trouble.map_or(Look::Silent, |(method, error)| Look::Blind(method, error))
}

/// Tells a state, where the segment as it stands has another.
pub fn tell_news(shared: &Shared, target: &Target, state: PowerState, method: &str) {
    let is_known = {
        let known = shared.state.read();
        let machine = known.machine(target.segment.server, target.machine.mac);
        machine.is_some_and(|machine| machine.power == Some(state) && machine.power_trouble.is_none())
    };
    if !is_known {
        tell(shared, target, Fact::PowerObserved { state, method: method.to_owned() });
    }
}

/// Tells what a look came to, also where it is no news.
pub fn tell_all(shared: &Shared, target: &Target, look: Look) {
    let (method, error, next_step) = match look {
        Look::Seen(state, method) => {
            return tell(shared, target, Fact::PowerObserved { state, method: method.to_owned() });
        }
        Look::Blind(method, PowerError { error, next_step }) => (method, error, next_step),
        Look::Silent if target.machine.power.is_empty() => {
            let next_step =
                format!("write amt, redfish, ipmi, wol or qemu into its `power` ({})", target.machine.address);
            ("power", "conf does not say how it is switched".to_owned(), next_step)
        }
        Look::Silent => {
            let next_step = "a line of amt, redfish or ipmi in its `power` would tell".to_owned();
            ("wol", "nothing answers a magic packet".to_owned(), next_step)
        }
    };
    tell(shared, target, Fact::PowerUnobserved { method: method.to_owned(), error, next_step });
}

/// Publishes what is so of a machine.
pub fn tell(shared: &Shared, target: &Target, fact: Fact) {
    let (segment, machine) = (target.segment.server, &target.machine);
    shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine.address), Some(machine.mac)));
}
