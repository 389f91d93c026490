//! The console in a real terminal: its panes and words, terminals, captures, recorded boots.

mod captures;
mod panes;
mod recorder;
#[path = "../support/mod.rs"]
mod support;
mod terminal_inside;
mod terminal_windows;
mod timeline;
mod words;
