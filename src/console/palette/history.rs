//! What was typed before, each line once, the newest last. Pure.

/// Lines that are kept.
const MOST: usize = 200;

/// What was typed before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    lines: Vec<String>,
    /// The line that is to be kept in the file.
    new: Option<String>,
}

impl History {
    /// That of a file.
    pub fn of(text: &str) -> History {
        let mut history = History::default();
        text.lines().filter(|line| line.len() <= 1000).for_each(|line| history.add(line));
        history
    }

    /// The file's text.
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Adds a line; what was there already is the newest now.
    pub fn add(&mut self, line: &str) {
        let line: String = line.trim().chars().filter(|c| !c.is_control()).collect();
        if line.is_empty() {
            return;
        }
        self.lines.retain(|before| *before != line);
        self.lines.push(line);
        let more = self.lines.len().saturating_sub(MOST);
        self.lines.drain(..more);
    }

    /// A line was typed just now.
    pub fn typed(&mut self, line: String) {
        self.add(&line);
        self.new = Some(line);
    }

    /// The line that is yet to be kept in the file.
    pub fn take_new(&mut self) -> Option<String> {
        self.new.take()
    }

    /// The line before the newest `back` ones.
    pub fn back(&self, back: usize) -> Option<&str> {
        self.lines.iter().rev().nth(back).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_once_and_not_without_end() {
        let mut history = History::of("page web1\nhelp\npage web1\n\n");
        assert_eq!((history.back(0), history.back(1), history.back(2)), (Some("page web1"), Some("help"), None));
        history.typed("help".to_owned());
        assert_eq!((history.text(), history.take_new()), ("page web1\nhelp\n".to_owned(), Some("help".to_owned())));
        assert_eq!(history.take_new(), None);
        (0..500).for_each(|number| history.add(&number.to_string()));
        assert_eq!((history.back(0), history.back(199), history.back(200)), (Some("499"), Some("300"), None));
        assert_eq!(History::of(&history.text()).text(), history.text());
    }
}
