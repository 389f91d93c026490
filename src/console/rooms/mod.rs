//! What stands in the place of the panes when it is opened: terminals, interfaces, packets. One file a room.

pub mod terminals;

/// A room, and where the operator is in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Room {
    /// Terminals inside the console.
    Terminals(terminals::Terminals),
}
