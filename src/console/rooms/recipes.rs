//! The recipes of conf, whether machines have them, and what one prints that runs. Pure, but for the look at what was answered.

use super::Room;
use crate::{
    command::{Command, Place},
    console::{
        keys::Wish,
        lock,
        marks::Who,
        model::{Dialog, Model},
        power,
        record::{Asked, Recipe, Record},
        update::{Effect, ask},
    },
    event::{Asker, RecipeManner},
    state::{Machine, State},
};
use std::sync::Arc;

/// Where the operator is.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipes {
    /// The machines that are meant.
    pub whom: Vec<Who>,
    /// Recipes by name; none while they are looked for.
    pub recipes: Option<Result<Arc<Vec<Recipe>>, String>>,
    /// Lines on the screen.
    pub height: usize,
    /// The first line shown.
    pub offset: usize,
    /// Lines of output below the screen.
    pub up: usize,
    selected: usize,
    /// They were not asked for yet.
    ask: bool,
}

/// Opens the room of the marked machines, else of the selected one.
pub fn enter(model: &mut Model, state: &State) {
    let Some(whom) = power::whom(model, state) else { return };
    open(model, whom, None);
}

/// Opens the room of these machines.
pub fn open(model: &mut Model, whom: Vec<Who>, recipe: Option<&str>) {
    let (recipes, height) = (None, model.height.max(10));
    let room = Recipes { whom, recipes, height, offset: 0, up: 0, selected: 0, ask: true };
    let chosen = recipe.map(|name| Recipe { name: name.to_owned(), title: String::new(), fault: None });
    // Until all are known it is the only one.
    let recipes = chosen.map(|recipe| Ok(Arc::new(vec![recipe])));
    model.room = Some(Room::Recipes(Box::new(Recipes { recipes, ..room })));
}

/// What a wish changes here.
pub fn follow(model: &mut Model, state: &State, wish: Wish) -> Option<Effect> {
    let Some(Room::Recipes(room)) = &mut model.room else { return None };
    let screen = room.height.max(2) / 2;
    let manner = match wish {
        Wish::Down => return room.moved(1),
        Wish::Up => return room.moved(-1),
        Wish::First => return room.moved(isize::MIN / 2),
        Wish::Last => return room.moved(isize::MAX / 2),
        Wish::PageUp => {
            room.up = room.up.saturating_add(screen);
            return Some(Effect::None);
        }
        Wish::PageDown => {
            room.up = room.up.saturating_sub(screen);
            return Some(Effect::None);
        }
        Wish::Open => RecipeManner::Apply,
        Wish::DryRun => RecipeManner::DryRun,
        Wish::CheckRecipe => RecipeManner::Check,
        _ => return None,
    };
    let Some(recipe) = room.recipe().cloned() else { return Some(Effect::None) };
    if let Some(fault) = recipe.fault {
        model.word = Some(fault);
        return Some(Effect::None);
    }
    let whom = room.whom.clone();
    Some(carry(model, state, whom, recipe.name, manner))
}

/// Asks before something is changed; else begins at once.
pub fn carry(model: &mut Model, state: &State, whom: Vec<Who>, recipe: String, manner: RecipeManner) -> Effect {
    if model.read_only {
        model.word = Some(lock::REFUSED.to_owned());
        return Effect::None;
    }
    if power::is_elsewhere(model, state, &whom) {
        return Effect::None;
    }
    match manner {
        RecipeManner::Apply | RecipeManner::Again | RecipeManner::Enforce => {
            ask(model, Dialog::Recipe { whom, recipe });
            Effect::None
        }
        RecipeManner::Check | RecipeManner::DryRun => begin(model, state, &whom, recipe, manner),
    }
}

/// Carries it through.
pub fn begin(model: &mut Model, state: &State, whom: &[Who], recipe: String, manner: RecipeManner) -> Effect {
    let machines: Vec<Place> = whom.iter().filter_map(|who| power::place(state, *who)).collect();
    if machines.is_empty() {
        return Effect::None;
    }
    if let Some(Room::Recipes(room)) = &mut model.room {
        room.up = 0;
    }
    Effect::Send(Command::Recipe { machines, container: None, recipe, manner, by: Asker::Operator })
}

impl Recipes {
    /// The lines.
    pub fn lines(&self) -> &[Recipe] {
        self.recipes.as_ref().and_then(|recipes| recipes.as_ref().ok()).map_or(&[], |recipes| recipes.as_slice())
    }

    /// The selected line.
    pub fn selected(&self) -> usize {
        self.selected.min(self.lines().len().saturating_sub(1))
    }

    /// The selected recipe.
    pub fn recipe(&self) -> Option<&Recipe> {
        self.lines().get(self.selected())
    }

    /// The machines that are meant, as they are.
    pub fn machines<'a>(&self, state: &'a State) -> Vec<&'a Machine> {
        self.whom.iter().filter_map(|(at, mac)| state.machine(*at, *mac)).collect()
    }

    fn moved(&mut self, by: isize) -> Option<Effect> {
        self.step(by);
        Some(Effect::None)
    }

    /// Moves by so many lines.
    pub fn step(&mut self, by: isize) {
        let last = self.lines().len().saturating_sub(1);
        self.selected = self.selected().saturating_add_signed(by).min(last);
        self.up = 0;
    }

    /// Selects a line that is shown.
    pub fn choose(&mut self, line: usize) {
        if line < self.lines().len() {
            (self.selected, self.up) = (self.offset + line, 0);
        }
    }

    /// Asks what is to be asked, and takes over what was answered.
    pub fn look(&mut self, record: &Record) {
        if self.ask {
            self.ask = !record.ask(Asked::Recipes);
            return;
        }
        if let Some(recipes) = &record.shelf().recipes
            && self.recipes.as_ref() != Some(recipes)
        {
            let name = self.recipe().map(|recipe| recipe.name.clone());
            self.recipes = Some(recipes.clone());
            let same = self.lines().iter().position(|recipe| Some(&recipe.name) == name.as_ref());
            self.selected = same.unwrap_or(self.selected);
        }
    }
}
