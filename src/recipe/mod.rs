//! Recipes of `conf/recipes`: read, sent to machines and run there, written from what was changed on one. Knows no screen.
//!
//! ```text
//! conf/recipes/nginx.sh              a head of comment fields, then plain shell (`parse.rs`)
//! conf/recipes/nginx/etc/motd        a file that it puts onto machines, as the head's `files` says
//! ```
//!
//! One call of ssh(1) carries all of it to a machine (`payload.rs`), where `harness.sh` compares first and changes only what differs; what
//! it tells is folded in `report.rs`. The machine itself keeps which recipes it was given, in `/var/lib/pxelator/recipes`.

mod escape;
mod from;
mod known;
mod load;
mod parse;
mod payload;
mod report;
mod run;
mod save;
mod status;

pub use escape::word as path_word;
pub use from::{Sources, When, Written, from, left_out};
pub use known::known;
pub use load::{Content, Loaded, is_name, load, names, order};
pub use parse::{Fault, Placed, Recipe, parse};
pub use report::{Outcome, Report, Trouble, shown};
pub use run::carry;
pub use save::save;
pub use status::{Had, Key, Standing, fold};

/// Why a recipe cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}; {next_step}")]
pub struct RecipeError {
    /// What is wrong, and where.
    pub error: String,
    /// What helps.
    pub next_step: String,
}

/// What went wrong, and what helps.
pub type Result<T> = std::result::Result<T, RecipeError>;
