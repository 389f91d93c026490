//! When it is told that trends are not written, and that they are again. Pure.

use super::Outcome;
use crate::event::Fact;

/// What is wrong is told once, and its end once.
#[derive(Debug, Default)]
pub struct Trouble {
    /// It was told, and is not over.
    pub is_told: bool,
    /// Values that were lost and are not told yet.
    pub lost: u64,
}

impl Trouble {
    /// What is to be told after an attempt to write.
    pub fn take(&mut self, outcome: &Outcome) -> Option<Fact> {
        self.lost += outcome.lost;
        match (&outcome.trouble, self.is_told) {
            (Some((error, next_step)), false) => {
                self.is_told = true;
                Some(Fact::TrendFailed { error: error.clone(), next_step: next_step.clone() })
            }
            (None, true) if outcome.written > 0 => {
                self.is_told = false;
                Some(Fact::TrendRecovered { lost: std::mem::take(&mut self.lost) })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_and_so_is_its_end() {
        let bad = |lost| Outcome { lost, trouble: Some(("e".into(), "n".into())), ..Outcome::default() };
        let good = |written| Outcome { written, ..Outcome::default() };
        let mut trouble = Trouble::default();
        assert_eq!(trouble.take(&good(5)), None);
        assert!(matches!(trouble.take(&bad(2)), Some(Fact::TrendFailed { .. })));
        assert_eq!(trouble.take(&bad(3)), None);
        assert_eq!(trouble.take(&good(0)), None, "nothing was written, so nothing is known");
        assert_eq!(trouble.take(&good(1)), Some(Fact::TrendRecovered { lost: 5 }));
        assert_eq!(trouble.take(&good(1)), None);
    }
}
