//! Stub.
use crate::track::Delta;
/// A recipe.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Script.
    pub script: String,
}
/// Writes.
pub fn from(_delta: &Delta) -> Written {
    Written::default()
}
