//! The conf tree: what the operator wrote down about segments, machines and profiles. Knows no server and no screen.

mod model;
mod read;
mod watch;

pub use model::{Conf, Loader, Machine, Mistake, Mode, Pool, Profile, Segment};
pub use read::{Reading, read};
pub use watch::watch;
