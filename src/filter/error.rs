//! What is wrong with a filter, where, and what was expected.

use std::fmt;

/// A filter that makes no sense. Displayed as its line with a caret below the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The filter, as one line.
    pub line: String,
    /// Where, in characters; the first is 1.
    pub column: usize,
    /// How many characters it is about; at least 1.
    pub length: usize,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caret = format!("{:blank$}{:^<length$}", "", "", blank = self.column - 1, length = self.length.max(1));
        write!(f, "{}\n{caret} {}", self.line, self.fault)
    }
}

impl std::error::Error for FilterError {}

/// What is wrong at a place of a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More text than a filter may have.
    #[error("expected at most {most} characters")]
    TooLong {
        /// How many it may have.
        most: usize,
    },
    /// Parentheses and `not` in each other.
    #[error("expected at most {most} levels of parentheses and `not`")]
    TooDeep {
        /// How many levels there may be.
        most: usize,
    },
    /// A word, a comparison or a parenthesis is missing.
    #[error("expected a word or FIELD=VALUE after {after}")]
    NoTerm {
        /// What stands before it.
        after: String,
    },
    /// A comparison without a field.
    #[error("expected a field before `{operator}`; as a word, put it in quotes")]
    NoField {
        /// The comparison.
        operator: &'static str,
    },
    /// A comparison without a value.
    #[error("expected a value after `{after}`")]
    NoValue {
        /// What stands before it.
        after: &'static str,
    },
    /// A quote that does not end.
    #[error("expected a closing \" after this one")]
    OpenQuote,
    /// A backslash that means nothing.
    #[error("expected \\\" or \\\\ here; a backslash stands before a quote or another backslash")]
    Escape,
    /// A parenthesis that does not end.
    #[error("expected a closing ) after this one")]
    Open,
    /// A parenthesis that did not begin.
    #[error("expected an opening ( before this one")]
    Closed,
    /// A comparison that the field does not have.
    #[error("expected {expected} after {field}")]
    Operator {
        /// The field.
        field: String,
        /// The comparisons it has.
        expected: &'static str,
    },
    /// A field that cannot be.
    #[error("expected the name of a field, as bytes or refusal.path")]
    Field,
    /// A value that the field cannot have.
    #[error("expected {expected}")]
    Value {
        /// In words.
        expected: String,
    },
    /// A host name that no machine has.
    #[error("expected a machine's address, MAC, network or name; {}", .names)]
    NoMachine {
        /// The names there are, in words.
        names: String,
    },
}
