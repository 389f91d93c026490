//! Goes through what switches a machine, and takes certificates into conf.

use super::{
    look,
    press::{no_way, target},
    segments::Shared,
};
use crate::{
    command::Place,
    conf,
    event::{Alarm, Event, Fact, printable},
    power::{PowerError, Steps, Target},
};
use std::{collections::BTreeSet, future::Future, time::Duration};
use tokio::{task::JoinSet, time::timeout};

/// What one way gets for all its steps.
const PATIENCE: Duration = Duration::from_secs(90);
/// What an alarm clock gets to answer.
const CLOCK: Duration = Duration::from_secs(30);
/// Characters of an alarm's name that are told.
const NAME: usize = 100;

/// Looks now whether machines are on.
pub async fn look_all(shared: &Shared, machines: Vec<Place>) {
    ask_all(
        shared,
        machines,
        |shared, target| async move {
            let look = look::look(&shared.ways.of(&target), &target).await;
            look::tell_all(&shared, &target, look);
        },
        |place, error| nowhere(shared, place, error),
    )
    .await;
}

/// Lists the alarms of machines' own clocks.
pub async fn list_alarms(shared: &Shared, machines: Vec<Place>) {
    ask_all(
        shared,
        machines,
        |shared, target| async move {
            let fact = alarms(&shared, &target).await;
            look::tell(&shared, &target, fact);
        },
        |(segment, machine), PowerError { error, next_step }| {
            let fact = Fact::AlarmUnlisted { method: None, error, next_step };
            shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), None));
        },
    )
    .await;
}

/// Asks some machines at a time; of those that are not there says `missing`.
async fn ask_all<F: Future<Output = ()> + Send + 'static>(
    shared: &Shared,
    machines: Vec<Place>,
    ask: impl Fn(Shared, Target) -> F,
    missing: impl Fn(Place, PowerError),
) {
    const AT_ONCE: usize = 32;
    let mut asked = JoinSet::new();
    for place in machines.into_iter().collect::<BTreeSet<_>>() {
        if asked.len() >= AT_ONCE {
            asked.join_next().await;
        }
        match target(shared, place) {
            Ok(target) => drop(asked.spawn(ask(shared.clone(), target))),
            Err(error) => missing(place, error),
        }
    }
    while asked.join_next().await.is_some() {}
}

/// The alarms of the first way that has a clock.
async fn alarms(shared: &Shared, target: &Target) -> Fact {
    for way in shared.ways.of(target) {
        let Some(clock) = way.alarms() else { continue };
        let method = way.method().to_owned();
        let PowerError { error, next_step } = match timeout(CLOCK, clock.list(target)).await {
            Ok(Ok(alarms)) => {
                // Others set them too, by whatever name.
                let shown = |Alarm { name, due }| Alarm { name: printable(&name, NAME), due };
                return Fact::AlarmListed { method, alarms: alarms.into_iter().map(shown).collect() };
            }
            Ok(Err(error)) => error,
            Err(_) => PowerError {
                error: format!("no answer within {} s", CLOCK.as_secs()),
                next_step: format!("go through it: pxelator power doctor {}", target.machine.hostname),
            },
        };
        return Fact::AlarmUnlisted { method: Some(method), error, next_step };
    }
    let error = "nothing that switches it has an alarm clock".to_owned();
    Fact::AlarmUnlisted { method: None, error, next_step: "amt has".to_owned() }
}

fn nowhere(shared: &Shared, (segment, machine): Place, PowerError { error, next_step }: PowerError) {
    let fact = Fact::PowerUnobserved { method: "power".to_owned(), error, next_step };
    shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), None));
}

/// Goes through each way to switch a machine, to the first step that is wrong.
pub async fn examine(shared: &Shared, place: Place) {
    let target = match target(shared, place) {
        Ok(target) => target,
        Err(error) => {
            nowhere(shared, place, error);
            let fact = Fact::PowerDiagnosed { well: 0, ill: 1 };
            return shared.bus.publish(Event::new(Some(place.0), fact).about(Some(place.1), None));
        }
    };
    let mut tell = |fact: Fact| look::tell(shared, &target, fact);
    let (mut well, mut ill) = (0, 0);
    for way in shared.ways.of(&target) {
        let mut steps = Steps::new(way.method(), &mut tell);
        let examined = timeout(PATIENCE, way.examine(&target, &mut steps)).await;
        match examined {
            Ok(Ok(())) => well += 1,
            Ok(Err(_)) => ill += 1,
            Err(_) => {
                ill += 1;
                let error = format!("no end within {} s", PATIENCE.as_secs());
                let next_step = "see that what switches it is not busy: restart it, or try again".to_owned();
                let _ = steps.step("time", Err::<(), _>(PowerError { error, next_step }), |()| String::new());
            }
        }
    }
    if well + ill == 0 {
        ill = 1;
        let _ = Steps::new("power", &mut tell).step("conf", Err::<(), _>(no_way(place.1)), |()| String::new());
    }
    tell(Fact::PowerDiagnosed { well, ill });
}

/// Takes the certificate of what switches a machine into conf.
pub fn trust(shared: &Shared, place: Place, method: String, fingerprint: &str) {
    let conf = shared.conf.borrow().clone();
    let machine = conf.machine(place).map(|(_, machine)| machine);
    let written = conf::trust(&shared.options.conf, place, &method, fingerprint);
    let fact = match written {
        Ok(fingerprint) => Fact::PowerTrusted { method, fingerprint },
        Err(error) => {
            Fact::ConfUnwritten { path: format!("{}/{}/{method}.pin", place.0, place.1), error: error.to_string() }
        }
    };
    let mac = machine.map(|machine| machine.mac);
    shared.bus.publish(Event::new(Some(place.0), fact).about(Some(place.1), mac));
}
