//! Numbers and states as the few words that fit a column: those of the state, and what is asked at the end.

pub use crate::state::words::{
    Heard, Mood, bytes, ended, fetching, heard, holder, left, percent, seconds, source, span, standing, who,
};

/// What is asked before the servers end while machines boot.
pub fn quitting(boots: usize) -> String {
    let many = if boots == 1 { "1 boot is".to_owned() } else { format!("{boots} boots are") };
    format!("{many} under way; without the servers they stand still.")
}
