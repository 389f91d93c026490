//! Text from outside, made fit for a screen and a log.

/// At most `most` characters of `text` without anything that a terminal would obey or that would show the rest in another
/// order: control characters, zero-width and bidirectional marks. Breaks and tabs become blanks.
pub fn printable(text: &str, most: usize) -> String {
    let kept = text.trim().chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    kept.filter(|c| !c.is_control() && !is_hidden(*c)).take(most).collect()
}

/// Unicode's marks that take no room, or end a line, and change what is around them (Unicode Standard Annex 9, section 2).
pub fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_is_obeyed_or_turned_around() {
        assert_eq!(printable(" a\tb\n\u{1b}[31mc\u{202e}d\u{feff} ", 99), "a b [31mcd");
        assert_eq!(printable("äöü", 2), "äö");
    }
}
