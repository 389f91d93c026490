//! The program as a whole: its start and end, its conf tree, its journal, and what the command line does.

mod arming;
mod bad_conf;
mod conf_live;
mod couch_proxy;
mod filter_stores;
mod journal_faults;
mod log;
mod practice;
mod profiles;
mod retention;
mod start_faults;
mod start_stop;
#[path = "../support/mod.rs"]
mod support;
mod vm;
