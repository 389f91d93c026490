//! The operator's own keys: what `keys.toml` says, and what of it makes no sense. Pure.
//!
//! What makes no sense is told and left out; the rest is in force.

use super::{ACTIONS, Action, Binding, Chord, Keys, When, Where};
use std::collections::BTreeMap;
use toml::{Spanned, Value};

/// One thing that is wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    pub words: String,
}

/// The actions that cannot be without any key.
const NEEDED: [&str; 2] = ["quit", "help"];

/// A line of the file that makes sense.
struct Own {
    line: usize,
    name: &'static str,
    keys: Vec<Chord>,
}

/// The keys in force by the file's text, and what is wrong with it. Errors: it is no TOML at all.
pub fn read(text: &str) -> Result<(Keys, Vec<Fault>), Fault> {
    let line_of = |at: usize| 1 + text.get(..at).unwrap_or(text).matches('\n').count();
    let parsed: BTreeMap<Spanned<String>, Spanned<Value>> = toml::from_str(text).map_err(|error| {
        let line = line_of(error.span().map_or(0, |span| span.start));
        Fault { line, words: format!("{}; expected lines as power-on = \"ctrl-o\"", error.message()) }
    })?;
    let mut lines: Vec<_> = parsed.into_iter().collect();
    lines.sort_by_key(|(name, _)| name.span().start);
    let mut faults = Vec::new();
    let mut own = Vec::new();
    for (name, value) in lines {
        let line = line_of(name.span().start);
        match keys_of(name.get_ref(), value.get_ref()) {
            Ok((name, keys, wrong)) => {
                faults.extend(wrong.into_iter().map(|words| Fault { line, words }));
                own.extend(keys.map(|keys| Own { line, name, keys }));
            }
            Err(words) => faults.push(Fault { line, words }),
        }
    }
    // Of two lines that want the same key the earlier has it; a line never takes a key from an action that keeps its own.
    loop {
        let keys = Keys { bindings: ACTIONS.iter().map(|action| bound(action, &own)).collect() };
        match conflict(&keys, &own) {
            Some((number, words)) => {
                let lost = own.remove(number);
                faults.push(Fault { line: lost.line, words });
            }
            None => {
                faults.sort_by_key(|fault| fault.line);
                return Ok((keys, faults));
            }
        }
    }
}

/// What a line says: the action, its keys where they make sense, and what does not.
type Said = (&'static str, Option<Vec<Chord>>, Vec<String>);

fn keys_of(name: &str, value: &Value) -> Result<Said, String> {
    let known = ACTIONS.iter().map(|action| action.name).find(|known| *known == name);
    let known = known.ok_or_else(|| {
        let near = super::nearest(name, ACTIONS.iter().map(|action| action.name));
        let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
        format!("{name:?} is no action: {near}`pxelator keys` lists them")
    })?;
    let expected =
        || format!("{name}: expected a key as \"ctrl-o\", or a list of keys as [\"t\", \"f2\"], [] for none");
    let words: Vec<&str> = match value {
        Value::String(key) => vec![key],
        Value::Array(keys) => keys.iter().map(|key| key.as_str().ok_or_else(expected)).collect::<Result<_, _>>()?,
        _ => return Err(expected()),
    };
    if words.is_empty() && NEEDED.contains(&name) {
        return Err(format!("{name} cannot be without any key; it keeps {}", spelled(default(known))));
    }
    let (mut keys, mut wrong) = (Vec::new(), Vec::new());
    for word in &words {
        match word.parse::<Chord>() {
            Ok(key) => keys.push(key),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    // Of what is not understood nothing is taken away.
    let keys = (!keys.is_empty() || words.is_empty()).then_some(keys);
    Ok((known, keys, wrong))
}

fn bound(action: &'static Action, own: &[Own]) -> Binding {
    let keys = own.iter().find(|own| own.name == action.name).map_or(action.keys.to_vec(), |own| own.keys.clone());
    Binding { action, keys }
}

/// The line of the file that cannot be kept because of another action's key, and why.
fn conflict(keys: &Keys, own: &[Own]) -> Option<(usize, String)> {
    let number = |name: &str| own.iter().position(|own| own.name == name);
    for (at, first) in keys.bindings.iter().enumerate() {
        for second in &keys.bindings[at + 1..] {
            let (a, b) = (first.action, second.action);
            if a.name == b.name || !meet(a, b) {
                continue;
            }
            let meant = |key: &&Chord| a.keys.contains(key) && b.keys.contains(key);
            let same = first.keys.iter().find(|key| second.keys.contains(key) && !meant(key));
            let Some(key) = same else { continue };
            let (lost, kept) = match (number(a.name), number(b.name)) {
                (Some(one), Some(other)) if one > other => (one, b),
                (Some(_), Some(other)) => (other, a),
                (Some(one), None) => (one, b),
                (None, Some(other)) => (other, a),
                (None, None) => continue,
            };
            let own = &own[lost];
            let words = format!(
                "{}: {key} is the key of {} ({}) where both work; give that another first. {} keeps {}",
                own.name,
                kept.name,
                kept.words,
                own.name,
                spelled(default(own.name))
            );
            return Some((lost, words));
        }
    }
    None
}

fn default(name: &str) -> &'static [Chord] {
    ACTIONS.iter().find(|action| action.name == name).map_or(&[], |action| action.keys)
}

fn spelled(keys: &[Chord]) -> String {
    keys.iter().map(Chord::to_string).collect::<Vec<_>>().join(", ")
}

/// True where two actions can be asked for at the same place and time.
fn meet(a: &Action, b: &Action) -> bool {
    let when = a.when == b.when || a.when == When::Always || b.when == When::Always;
    when && match (a.at, b.at) {
        (Where::Everywhere, _) | (_, Where::Everywhere) => true,
        (Where::Room(a), Where::Room(b)) => a == b,
        (Where::Room(_), _) | (_, Where::Room(_)) => false,
        (Where::Lists, Where::Streams) | (Where::Streams, Where::Lists) => false,
        _ => true,
    }
}

/// The keys in force as a file that could be edited.
pub fn template(keys: &Keys) -> String {
    let mut lines = vec![
        "# Keys of PXElator's console: ~/.config/pxelator/keys.toml. A change takes effect at once.".to_owned(),
        "# An action has one key or several; [] takes its keys away. What is not named keeps its own.".to_owned(),
        "# Keys: o  T  ctrl-r  alt-x  f5  enter  esc  space  tab  shift-tab  up  pgdn  home  backspace  del".to_owned(),
    ];
    let mut seen = Vec::new();
    for Binding { action, keys } in &keys.bindings {
        if seen.contains(&action.name) {
            continue;
        }
        seen.push(action.name);
        let quoted: Vec<String> = keys.iter().map(|key| Value::String(key.to_string()).to_string()).collect();
        let value = if quoted.len() == 1 { quoted.concat() } else { format!("[{}]", quoted.join(", ")) };
        lines.push(format!("{:<42} # {}", format!("{} = {value}", action.name), action.words));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{keys::Wish, model::Model};

    fn faults(text: &str) -> Vec<(usize, String)> {
        let faults = read(text).unwrap().1;
        faults.into_iter().map(|fault| (fault.line, fault.words)).collect()
    }

    fn wishes(text: &str, key: &str) -> Option<Wish> {
        read(text).unwrap().0.wish(key.parse().unwrap(), &Model::new(None))
    }

    #[test]
    fn keys_are_given_and_taken_away() {
        for (text, key, wish) in [
            ("", "o", Some(Wish::PowerOn)),
            ("power-on = 'ctrl-o'", "ctrl-o", Some(Wish::PowerOn)),
            ("power-on = 'ctrl-o'", "o", None),
            ("terminal = ['t', 'f2']", "f2", Some(Wish::Terminal)),
            ("terminal = ['t', 'f2']", "t", Some(Wish::Terminal)),
            ("zoom = []", "z", None),
            // Two that are exchanged meet nowhere.
            ("power = 'o'\npower-on = 'p'", "o", Some(Wish::Power)),
            ("power = 'o'\npower-on = 'p'", "p", Some(Wish::PowerOn)),
            // What works in another place may have the same key.
            ("pause = '@'", "@", None),
        ] {
            assert_eq!((wishes(text, key), faults(text)), (wish, vec![]), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_and_the_rest_is_in_force() {
        for (text, line, words, key, wish) in [
            ("\npower_on = 'x'", 2, "did you mean power-on?", "o", Some(Wish::PowerOn)),
            (
                "zoom = 'x'\nhoover = 'y'",
                2,
                "\"hoover\" is no action: `pxelator keys` lists them",
                "x",
                Some(Wish::Zoom),
            ),
            ("zoom = 'hyper-x'", 1, "zoom: \"hyper-x\" is no key", "z", Some(Wish::Zoom)),
            ("zoom = ['hyper-x', 'x']", 1, "\"hyper-x\" is no key", "x", Some(Wish::Zoom)),
            ("zoom = 3", 1, "zoom: expected a key as", "z", Some(Wish::Zoom)),
            ("zoom = [3]", 1, "zoom: expected a key as", "z", Some(Wish::Zoom)),
            ("quit = []", 1, "quit cannot be without any key; it keeps q", "q", Some(Wish::Quit)),
            ("help = []", 1, "help cannot be without any key; it keeps ?", "?", Some(Wish::Help)),
            ("power-on = 'p'", 1, "p is the key of power (power: on, off, doctor)", "o", Some(Wish::PowerOn)),
            ("# a\nzoom = 'x'\nfleet = 'x'", 3, "fleet: x is the key of zoom", "m", Some(Wish::Fleet)),
            ("quit = '@'", 1, "@ is the key of moment", "q", Some(Wish::Quit)),
            ("quit = 'ctrl-c'", 1, "always quits", "q", Some(Wish::Quit)),
            // The one gives its key up, but gets it back when it cannot have the other: then that is taken.
            ("power = 'q'\npower-on = 'p'", 2, "p is the key of power", "p", Some(Wish::Power)),
        ] {
            let told = faults(text);
            assert!(told.iter().any(|(at, told)| *at == line && told.contains(words)), "{text}: {told:?}");
            assert_eq!(wishes(text, key), wish, "{text}");
        }
        for (text, line, words) in [("zoom =", 1, "expected lines as"), ("zoom = 'x'\nzoom = 'y'", 2, "duplicate key")]
        {
            let fault = read(text).unwrap_err();
            assert!(fault.line == line && fault.words.contains(words), "{text}: {fault:?}");
        }
    }

    #[test]
    fn the_template_is_a_file_that_changes_nothing() {
        let text = template(&Keys::default());
        assert_eq!(read(&text), Ok((Keys::default(), vec![])), "{text}");
        assert!(text.contains("\nnext-pane = [\"tab\", \"right\", \"l\"]"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        let own = read("quit = ['q', '\"', '\\']").unwrap().0;
        assert_eq!(read(&template(&own)), Ok((own, vec![])));
    }
}
