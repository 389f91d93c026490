//! Recovery documents: all that is known of a machine, on a page that a person can follow. Pure; the record is read by others.

mod accounts;
mod commands;
mod document;
mod html;
mod known;
mod markdown;
mod sh;
mod sort;
#[cfg(test)]
mod tests;

pub use document::document;
pub use html::html;
pub use known::{Accounts, Before, Had, Known, SMALL, Shown};
