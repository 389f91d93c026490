//! PXElator: every server that a network segment needs to bring machines up, in one terminal console.
//!
//! The floors of the house, the ground first; a module uses its own floor and those below:
//! `event`, `command`, `bus`, `causes`, `nearest`, `part`, `sample`, `sh`, `net` · `conf`, `boot`, `schedule`, `filter`, `packet` · `state` · `journal`, `roots`, `vm`, `track` · `servers`, `fetch`, `power`, `desk`, `reach`, `recipe`, `recovery`, `watch`, `alert`, `trend` ·
//! `console`, `page` · `supervisor`, `cli`.

#![warn(missing_docs)]
// What cannot fail is written so that the compiler sees it; a server that panics takes its clients with it.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod alert;
pub mod boot;
pub mod bus;
pub mod causes;
pub mod cli;
pub mod command;
pub mod conf;
pub mod console;
pub mod desk;
pub mod event;
pub mod fetch;
pub mod filter;
pub mod journal;
pub mod nearest;
pub mod net;
pub mod packet;
pub mod page;
pub mod part;
pub mod power;
pub mod reach;
pub mod recipe;
pub mod recovery;
pub mod roots;
pub mod sample;
pub mod schedule;
pub mod servers;
pub mod sh;
pub mod state;
pub mod supervisor;
pub mod track;
pub mod trend;
pub mod vm;
pub mod watch;
