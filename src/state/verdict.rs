//! Why a boot stands still, in words with the next step. Pure: (machine, boot, now) in, verdict out.

use super::Stage;

/// The judgement on a boot that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The last stage it reached.
    pub stage: Option<Stage>,
    /// The cause: what was seen, in words.
    pub cause: String,
    /// What the operator can do.
    pub next_step: String,
}
