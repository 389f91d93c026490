//! Carries recipes through on machines: when asked, and in their pace where a machine is to have them.

mod one;
mod pace;

pub use one::UnderWay;
pub use pace::keep;

use super::segments::Shared;
use crate::{
    command::Place,
    event::{Asker, Event, Fact, RecipeManner, printable},
    recipe::{Loaded, RecipeError, order},
};
use one::Who;
use std::sync::Arc;
use tokio::{sync::Semaphore, task::JoinSet};

/// Machines that are worked on at the same time.
const AT_ONCE: usize = 8;

/// Carries one through on machines, a few at a time.
pub async fn carry_through(
    shared: &Shared,
    machines: Vec<Place>,
    container: Option<String>,
    recipe: String,
    manner: RecipeManner,
    by: Asker,
) {
    let order = load(shared, &recipe).await;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut works = JoinSet::new();
    for place in machines {
        let who = Who { place, container: container.clone() };
        match &order {
            Err(RecipeError { error, next_step }) => {
                tell(shared, &who, failed(&recipe, &who, manner, error, next_step));
            }
            Ok(order) => {
                let (shared, order, by, room) = (shared.clone(), order.clone(), by.clone(), room.clone());
                works.spawn(async move {
                    let _place = room.acquire_owned().await;
                    tokio::select! {
                        () = one::carry_in_order(&shared, &who, &order, manner, &by) => {}
                        () = shared.shutdown.cancelled() => {}
                    }
                });
            }
        }
    }
    while works.join_next().await.is_some() {}
}

/// The recipe with those that it needs, itself last.
async fn load(shared: &Shared, recipe: &str) -> Result<Arc<Vec<Loaded>>, RecipeError> {
    let (folder, name) = (shared.options.conf.join("recipes"), recipe.to_owned());
    let loaded = tokio::task::spawn_blocking(move || order(&folder, &name)).await;
    loaded
        .unwrap_or_else(|broken| {
            Err(RecipeError { error: broken.to_string(), next_step: "tell its makers".to_owned() })
        })
        .map(Arc::new)
}

/// Publishes it as of this machine.
fn tell(shared: &Shared, who: &Who, fact: Fact) {
    let mac = shared.conf.borrow().machine(who.place).map(|(_, machine)| machine.mac);
    shared.bus.publish(Event::new(Some(who.place.0), fact).about(Some(who.place.1), mac));
}

fn failed(recipe: &str, who: &Who, manner: RecipeManner, error: &str, next_step: &str) -> Fact {
    Fact::RecipeFailed {
        recipe: recipe.to_owned(),
        container: who.container.clone(),
        manner,
        error: printable(error, 2_000),
        next_step: printable(next_step, 1_000),
    }
}
