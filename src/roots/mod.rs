//! Root file systems of machines: a base that they share, and over it a layer of each machine's own. Knows files, not
//! sockets, not screens.
//!
//! `roots/<base>/` is the lower layer and never written. `overlay/<machine>/` belongs to the machine at that address (its
//! folder in conf has the same name, and a hostname may change). In it are
//!
//! - `upper/`: all that the machine changed, in plain files, as overlayfs(5) keeps it: a removed name is a character device
//!   0/0, a folder that hides the base's has the attribute `trusted.overlay.opaque` (`user.overlay.opaque` where that is not
//!   allowed). So the kernel's overlayfs shows the same tree of the same folders;
//! - `work/`: what is being made, on its way to `upper`; whatever is left there may be deleted;
//! - `merged/`: where the kernel's overlayfs is mounted, seen by the server's threads only;
//! - `index`: which file handle is which file (see [`Index`]);
//! - `base`: the name of the base that `upper` belongs to;
//! - `snapshots/<name>/`: copies of `upper`, with the `base` of each.
//!
//! Renaming `overlay/<machine>` away, or deleting it, resets the machine; also while it is served: the server sees that
//! `upper` is another and answers old handles with ESTALE.

mod base;
pub mod build;
mod change;
mod compare;
mod copy;
mod graft;
mod index;
mod kept;
mod layers;
mod links;
mod listing;
mod log;
mod overlay;
mod own;
mod tree;
mod trouble;
mod xattr;

pub use base::{Base, Beside, bases, boot_files, find_base, promote};
pub use change::{Changes, Kind, When};
pub use compare::{Aspect, Attributes, Change, Difference, compare};
pub use graft::Copied;
pub use index::{Id, Index, ROOT};
pub use listing::Named;
pub use overlay::{NoOverlay, Overlay};
pub use own::{Own, Snapshot, owns};
pub use tree::{Changed, Tree};
pub use trouble::{Trouble, check_name};

use nix::errno::Errno;

/// What went wrong, in the kernel's own words.
pub type Result<T> = std::result::Result<T, Errno>;

#[cfg(test)]
mod care_tests;
/// The same of what others than nix say.
fn errno(error: impl Into<std::io::Error>) -> Errno {
    error.into().raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests;
