//! Why words are no order, and what was expected.

/// Words that are no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("expected an order, as power on web1; help lists them")]
    Nothing,
    #[error("{word:?} is no order{}", .near.as_ref().map(|near| format!(": did you mean {near}?")).unwrap_or_default())]
    Unknown { word: String, near: Option<String> },
    #[error("expected {expected} after {begin:?}")]
    Expected { begin: &'static str, expected: &'static str },
    #[error("expected nothing more after {begin:?} and before {more:?}")]
    More { begin: &'static str, more: String },
    #[error("no machine is called {word:?}{}", .near.as_ref().map(|near| format!(": did you mean {near}?")).unwrap_or_default())]
    NoMachine { word: String, near: Option<String> },
    #[error("{word:?} is a machine of {}: say its address", .segments.join(" and of "))]
    Several { word: String, segments: Vec<String> },
    #[error("{name} is not in conf: adopt it first")]
    NotInConf { name: String },
    #[error("{word:?} is no segment; there are {}", .known.join(", "))]
    NoSegment { word: String, known: Vec<String> },
}
