//! Why a machine was not reached, and what helps.

/// What went wrong on the way to a machine, or there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ReachError {
    /// The machine is off or unreachable: it is no fault, and is looked at again later.
    pub is_away: bool,
    /// What went wrong.
    pub error: String,
    /// What helps.
    pub next_step: String,
}
