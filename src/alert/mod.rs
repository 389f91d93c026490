//! Alerts: rules over events, decided purely, and how they are told. Knows no server and no screen.
//!
//! [`Rules`] are those of conf, ready to be asked. [`Engine`] is told events and time, and says what comes of it as events. [`due`]
//! says who is to be told of what, from the alerts as they stand. [`tell`] does it.

mod condition;
mod due;
mod engine;
mod message;
mod notice;
mod rules;
pub mod tell;
#[cfg(test)]
mod tests;
mod text;

pub use due::{Due, GIVE_UP, back_off, due};
pub use engine::Engine;
pub use message::Message;
pub use notice::{Notice, Status};
pub use rules::{Compiled, Rules};
