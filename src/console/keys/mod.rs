//! The keys in force: which action a key asks for here and now, and the help made of them. Pure.

mod actions;
mod chord;
mod file;

pub use crate::nearest::nearest;
pub use actions::{ACTIONS, Action, When, Where, Wish};
pub use chord::Chord;
pub use file::{Fault, read, template};

use super::{
    lock,
    model::{Model, Pane},
};
use crate::state::State;

/// The keys in force. Those of the table, until the operator's own file says others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    bindings: Vec<Binding>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Binding {
    action: &'static Action,
    keys: Vec<Chord>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys { bindings: ACTIONS.iter().map(|action| Binding { action, keys: action.keys.to_vec() }).collect() }
    }
}

impl Keys {
    /// No key at all: where orders are words, actions are named by their names.
    pub fn none() -> Keys {
        Keys { bindings: ACTIONS.iter().map(|action| Binding { action, keys: Vec::new() }).collect() }
    }

    /// What `key` asks for here, if it works here.
    pub fn wish(&self, key: Chord, model: &Model) -> Option<Wish> {
        let mut here = self.bindings.iter().filter(|binding| works(binding.action, model));
        here.find(|binding| binding.keys.contains(&key)).map(|binding| binding.action.wish)
    }

    /// The actions that have keys here, each with those keys.
    pub fn here(&self, model: &Model) -> Vec<(&'static Action, Vec<Chord>)> {
        let mut taken: Vec<Chord> = Vec::new();
        let mut own = |binding: &Binding| {
            let keys: Vec<Chord> = binding.keys.iter().filter(|key| !taken.contains(key)).copied().collect();
            taken.extend(&keys);
            (!keys.is_empty()).then_some((binding.action, keys))
        };
        self.bindings.iter().filter(|binding| works(binding.action, model)).filter_map(&mut own).collect()
    }

    /// The keys that work here, each line with what it does.
    pub fn help(&self, model: &Model, unicode: bool) -> Vec<(String, &'static str)> {
        let spelled = |keys: Vec<Chord>| keys.iter().map(|key| key.shown(unicode)).collect::<Vec<_>>().join(" ");
        self.here(model).into_iter().map(|(action, keys)| (spelled(keys), action.words)).collect()
    }

    /// The keys of the last line: the first of each action that matters here.
    pub fn hints(&self, model: &Model, state: &State, unicode: bool) -> Vec<(String, &'static str)> {
        let stranger = model.machine(state).is_some_and(|machine| !machine.in_conf);
        let here = self.here(model).into_iter().filter(|(action, _)| action.wish != Wish::Adopt || stranger);
        here.filter_map(|(action, keys)| Some((keys.first()?.shown(unicode), action.hint?))).collect()
    }

    /// The key of a wish as words name it: `a`. Its name where it has none.
    pub fn of(&self, wish: Wish) -> String {
        let binding = self.bindings.iter().find(|binding| binding.action.wish == wish);
        let name = binding.map(|binding| binding.action.name.to_owned()).unwrap_or_default();
        binding.and_then(|binding| binding.keys.first()).map_or(name, Chord::to_string)
    }

    /// True for a key that acts on machines as they are, while they are shown as they were.
    pub fn is_for_now(&self, key: Chord, model: &Model) -> bool {
        model.past.is_some() && self.changes(key)
    }

    /// True for a key that changes something, wherever it works.
    pub fn changes(&self, key: Chord) -> bool {
        self.bindings.iter().any(|binding| lock::changes(binding.action.wish) && binding.keys.contains(&key))
    }
}

/// True where an action can be asked for here and now.
pub fn works(action: &Action, model: &Model) -> bool {
    let when = match action.when {
        When::Always => true,
        When::Now => model.past.is_none(),
        When::Then => model.past.is_some(),
    };
    let outside = model.room.is_none();
    let panes = outside && model.page.is_none();
    let allowed = !model.read_only || !lock::changes(action.wish);
    when && allowed
        && match action.at {
            Where::Everywhere => true,
            Where::Outside => outside,
            Where::Panes => panes,
            Where::Machines => panes && model.pane == Pane::Machines,
            Where::Lists => panes && !model.pane.grows(),
            Where::Streams => panes && model.pane.grows(),
            Where::Room(kind) => model.room.as_ref().is_some_and(|room| room.kind() == kind),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_makes_sense() {
        for action in ACTIONS {
            assert!(action.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", action.name);
            assert!(action.words.chars().count() <= 26, "{}: no room in the help", action.name);
            assert!(!action.keys.is_empty(), "{}", action.name);
            for other in ACTIONS.iter().filter(|other| other.name == action.name) {
                assert_eq!((action.keys, action.wish), (other.keys, other.wish), "{}", action.name);
            }
            for other in ACTIONS.iter().filter(|other| other.wish == action.wish) {
                assert_eq!(action.name, other.name, "a wish has one name");
            }
        }
    }
}
