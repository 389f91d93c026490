//! The word that was most likely meant. Pure.

/// The one of `known` that is nearest to `word`, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() + 2) / 3;
    let near = known.into_iter().map(|known| (distance(word, known), known)).filter(|(far, _)| *far <= most);
    near.min_by_key(|(far, _)| *far).map(|(_, known)| known)
}

/// How many characters are to be changed, put in or left out to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, character) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = number + 1;
        for (at, wanted) in other.iter().enumerate() {
            let changed = before + usize::from(character != *wanted);
            before = row[at + 1];
            row[at + 1] = changed.min(before + 1).min(row[at] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_what_was_meant() {
        let known = ["power", "power-on", "page-up", "quit"];
        for (word, expected) in [
            ("power_on", Some("power-on")),
            ("pwoer", Some("power")),
            ("quti", Some("quit")),
            ("qit", Some("quit")),
            ("hoover", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
