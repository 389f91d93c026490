//! The record of machines' files: a git repository with a folder a machine, in which each change is a commit. Knows files and
//! git(1), no sockets, no screens.
//!
//! ```text
//! hosts/.git                     the repository; written by this program alone
//! hosts/web1/etc/fstab           a file of the machine web1, as git keeps it
//! hosts/web1/.meta               owners, modes, links, special files: what git does not keep (`meta.rs`)
//! hosts/web1/.inventory          packages, services, hardware (`inventory.rs`)
//! hosts/db@web1/                 the same of its container db
//! hosts/web1.md, web1.html       its recovery document
//! run/track/web1/                the machine's files as they came, with their owners: what the next pull compares with
//! ```
//!
//! Commits are made by `git fast-import` from what lies in a mirror, never by `git add`: what a machine calls `.gitignore`,
//! `.gitattributes` or `.git` is a file as any other and has no effect here (`.git` folders are left out).

pub mod accounts;
mod cache;
mod commit;
mod compare;
mod diff;
mod entry;
mod error;
mod export;
mod fast_import;
mod git;
mod inventory;
mod layer;
mod look;
pub mod looked;
mod meta;
mod names;
mod pattern;
mod questions;
mod record;
mod repair;
mod repository;
mod scan;
mod secrets;

pub use commit::{Commit, Status};
pub use compare::{Difference, differences, of_inventory};
pub use entry::{Entry, Kind};
pub use error::TrackError;
pub use inventory::{Delta, Inventory};
pub use names::{of_shown, shown};
pub use questions::Wanted;
pub use record::{Left, Note, Recorded, Source};
pub use repository::Repository;
pub use secrets::NEVER;

/// What went wrong, and what helps.
pub type Result<T> = std::result::Result<T, TrackError>;
