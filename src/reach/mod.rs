//! Machines and containers reached over ssh: commands run on them, files pulled from them and pushed to them. The system's own ssh(1)
//! and rsync(1), run as the operator; never a password, never a question. Knows no screen.

mod error;
mod probe;
mod pull;
mod ssh;

pub use error::ReachError;
pub use probe::{Measured, Probe};
pub use pull::Pulled;
pub use ssh::{Ended, Line, Reach};

/// What went wrong, and what helps.
pub type Result<T> = std::result::Result<T, ReachError>;
