//! Text with wildcards: `*` is any text, also none. ASCII letters are the same in both cases.

/// What a text is to look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// What is between the wildcards, lower case. Never empty.
    pieces: Vec<String>,
}

impl Glob {
    /// `text` with `*` as wildcard.
    pub fn new(text: &str) -> Glob {
        let mut pieces: Vec<String> = text.split('*').map(str::to_ascii_lowercase).collect();
        // `a**b` is `a*b`.
        let last = pieces.len() - 1;
        let mut at = 0;
        pieces.retain(|piece| {
            at += 1;
            at == 1 || at == last + 1 || !piece.is_empty()
        });
        Glob { pieces }
    }

    /// `text` as it is.
    pub fn literal(text: &str) -> Glob {
        Glob { pieces: vec![text.to_ascii_lowercase()] }
    }

    /// Anything that has `text` in it.
    pub fn containing(text: &str) -> Glob {
        Glob { pieces: vec![String::new(), text.to_ascii_lowercase(), String::new()] }
    }

    /// What is between the wildcards, lower case.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// The text it is, where it has no wildcard; lower case.
    pub fn exact(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether `text` looks so.
    pub fn matches(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else { return false };
        if self.pieces.len() == 1 {
            return text == *first;
        }
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for piece in &self.pieces[1..self.pieces.len() - 1] {
            let Some(at) = rest.find(piece.as_str()) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn wildcards() {
        for (glob, text, expected) in [
            ("web1", "WEB1", true),
            ("web1", "web10", false),
            ("web*", "web", true),
            ("*1", "web1", true),
            ("w*b*1", "wxb1", true),
            ("w*b*1", "w1b", false),
            ("a*a", "a", false),
            ("a**a", "aa", true),
            ("**", "", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("*É*", "éÉ", true),
            ("*É*", "é", false),
        ] {
            assert_eq!(Glob::new(glob).matches(text), expected, "{glob} {text}");
        }
        assert!(Glob::literal("a*b").matches("A*b") && !Glob::literal("a*b").matches("axb"));
        assert!(Glob::containing("*").matches("2*2") && !Glob::containing("*").matches("22"));
    }
}
