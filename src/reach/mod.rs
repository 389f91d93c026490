//! Machines and containers reached over ssh: commands run on them, files pulled from them and pushed to them. The system's own ssh(1)
//! and rsync(1), run as the operator; never a password, never a question. Knows no screen.

mod error;
mod filter;
mod keyscan;
mod probe;
mod pull;
mod push;
mod rsync;
mod run;
mod ssh;
mod subject;

pub use error::ReachError;
pub use keyscan::{Key, scan};
pub use probe::{Measured, Probe};
pub use pull::Pulled;
pub use run::{Ended, Line};
pub use ssh::Reach;
pub use subject::{Files, Folders, Subject, all_subjects, namesake, standing, subjects};

/// What went wrong, and what helps.
pub type Result<T> = std::result::Result<T, ReachError>;
