//! The word that was most likely meant. Pure.

/// The one of `known` that is nearest to `word`, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = word.chars().count().div_ceil(3);
    let near = known.into_iter().map(|known| (distance(word, known), known)).filter(|(far, _)| *far <= most);
    near.min_by_key(|(far, _)| *far).map(|(_, known)| known)
}

/// How many characters are to be changed, put in, left out or exchanged with the next to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for at in 0..=one.len() {
        for to in 0..=other.len() {
            rows[at][to] = match (at, to) {
                (0, far) | (far, 0) => far,
                _ => {
                    let same = one[at - 1] == other[to - 1];
                    let changed = rows[at - 1][to - 1] + usize::from(!same);
                    let least = changed.min(rows[at - 1][to] + 1).min(rows[at][to - 1] + 1);
                    let exchanged = at > 1 && to > 1 && one[at - 1] == other[to - 2] && one[at - 2] == other[to - 1];
                    if exchanged { least.min(rows[at - 2][to - 2] + 1) } else { least }
                }
            };
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_what_was_meant() {
        let known = ["power", "power-on", "page-up", "quit", "shell", "help"];
        for (word, expected) in [
            ("power_on", Some("power-on")),
            ("pwoer", Some("power")),
            ("quti", Some("quit")),
            ("hepl", Some("help")),
            ("qit", Some("quit")),
            ("hoover", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
