//! Carries recipes through on machines: when asked, and in their pace where a machine is to have them.

use super::segments::Shared;
use crate::{
    command::Place,
    event::{Asker, RecipeManner},
};

/// Mends what is other until shutdown.
pub async fn keep(shared: Shared) {
    shared.shutdown.cancelled().await;
}

/// Carries one through on machines, a few at a time.
pub async fn carry_through(
    _shared: &Shared,
    _machines: Vec<Place>,
    _container: Option<String>,
    _recipe: String,
    _manner: RecipeManner,
    _by: Asker,
) {
}
