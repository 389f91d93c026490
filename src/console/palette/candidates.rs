//! What typed words may mean here and now, the likeliest first. Pure.

use crate::{
    console::{
        keys::{ACTIONS, Chord, Wish, works},
        lines::current,
        model::Model,
        order::{FORMS, Form, Rest},
    },
    state::State,
};
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

/// An order that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The order.
    pub text: String,
    pub words: &'static str,
    /// The keys of the same.
    pub keys: Vec<Chord>,
    /// Further words are needed.
    pub open: bool,
}

impl Candidate {
    /// The text to go on typing at.
    pub fn completed(&self) -> String {
        if self.open { format!("{} ", self.text) } else { self.text.clone() }
    }
}

/// Other words for what is listed already.
const TWINS: [&str; 6] = ["machine", "power reset", "at", "quiet", "wrong", "pane"];

/// What `typed` may mean, the likeliest first; all there is where nothing is typed.
pub fn candidates(model: &Model, state: &State, typed: &str) -> Vec<Candidate> {
    let all = all(model, state);
    if typed.trim().is_empty() {
        return all;
    }
    let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let mut config = Config::DEFAULT;
    config.prefer_prefix = true;
    let mut matcher = Matcher::new(config);
    let mut letters = Vec::new();
    let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut letters), &mut matcher);
    let mut ranked: Vec<_> = all
        .into_iter()
        .filter_map(|candidate| {
            // A name is meant rather than what it does.
            let named = score(&candidate.text).map(|score| (1, score));
            Some((named.or_else(|| score(candidate.words).map(|score| (0, score)))?, candidate))
        })
        .collect();
    ranked.sort_by_key(|(score, candidate)| (std::cmp::Reverse(*score), candidate.text.len()));
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

fn all(model: &Model, state: &State) -> Vec<Candidate> {
    let here = model.keys.here(model);
    let mut all: Vec<Candidate> = Vec::new();
    for action in
        ACTIONS.iter().filter(|action| !matches!(action.wish, Wish::Palette | Wish::Power) && works(action, model))
    {
        if all.iter().any(|before| before.text == action.name) {
            continue;
        }
        let keys = here.iter().find(|(with_keys, _)| with_keys.name == action.name);
        let keys = keys.map(|(_, keys)| keys.clone()).unwrap_or_default();
        all.push(Candidate { text: action.name.to_owned(), words: action.words, keys, open: false });
    }
    // Machines are switched as they are, not as they were.
    let acts = model.past.is_none() && !model.read_only;
    for form in FORMS.iter().filter(|form| !TWINS.contains(&form.begin)).filter(|form| acts || !form.acts()) {
        let open = matches!(form.rest, Rest::Theme | Rest::Moment | Rest::Adopt | Rest::Arm | Rest::Recipe);
        let is_there = all.iter().any(|before| before.text == form.begin);
        let alone = |text: String| Candidate { text, words: form.words, keys: Vec::new(), open };
        match things(form, state) {
            Some(things) => all.extend(things.into_iter().map(|thing| alone(format!("{} {thing}", form.begin)))),
            None if is_there => {}
            None => all.push(alone(form.begin.to_owned())),
        }
    }
    all
}

/// What can stand behind the words of a form, where that can be listed.
fn things(form: &Form, state: &State) -> Option<Vec<String>> {
    let machines = |seen: bool| {
        let own = current(state).filter(move |(_, segment)| seen || !segment.remote);
        let machines = own.flat_map(|(_, segment)| segment.machines.values());
        machines.filter(|machine| seen || machine.in_conf).map(crate::state::Machine::name).collect()
    };
    match form.rest {
        Rest::Machine | Rest::Machines | Rest::Arm | Rest::Silence => Some(machines(false)),
        Rest::Seen => Some(machines(true)),
        Rest::Segment => Some(current(state).map(|(address, _)| address.to_string()).collect()),
        Rest::List => Some(["machines", "syslog", "leases", "audit"].map(ToOwned::to_owned).to_vec()),
        Rest::Nothing | Rest::Words | Rest::Theme | Rest::Moment | Rest::Adopt | Rest::Recipe => None,
    }
}
