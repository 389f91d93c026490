//! Goes through what switches a machine, and takes certificates into conf.

use super::{
    look,
    press::{no_way, target},
    segments::Shared,
};
use crate::{
    command::Place,
    conf,
    event::{Event, Fact},
    power::{PowerError, Steps},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::{task::JoinSet, time::timeout};

/// What one way gets for all its steps.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks now whether machines are on.
pub async fn look_all(shared: &Shared, machines: Vec<Place>) {
    const AT_ONCE: usize = 32;
    let mut looks = JoinSet::new();
    for place in machines.into_iter().collect::<BTreeSet<_>>() {
        if looks.len() >= AT_ONCE {
            looks.join_next().await;
        }
        let target = match target(shared, place) {
            Ok(target) => target,
            Err(error) => {
                nowhere(shared, place, error);
                continue;
            }
        };
        let shared = shared.clone();
        looks.spawn(async move {
            let look = look::look(&shared.ways.of(&target), &target).await;
            look::tell_all(&shared, &target, look);
        });
    }
    while looks.join_next().await.is_some() {}
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
