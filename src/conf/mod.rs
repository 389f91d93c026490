//! The conf tree: what the operator wrote down about segments, machines and profiles. Knows no server and no screen.

mod adopt;
pub mod alerts;
mod arm;
mod changes;
mod check;
pub mod checks;
mod environment;
mod model;
pub mod page;
mod planned;
pub mod power;
mod profile;
mod read;
mod rung;
mod secret;
mod ssh;
mod terminal;
#[cfg(test)]
mod tests;
mod track;
mod trust;
pub mod value;
mod watch;
mod write;

pub use adopt::{AdoptError, adopt, fits, free_address, free_name, suggest};
pub use arm::{arm, armed_at, boots, disarm};
pub use environment::environment;
pub use model::{
    Conf, Container, Database, Loader, Login, Logins, Machine, Mistake, Mode, Once, Pool, Secret, Secrets, Segment,
    Terminal,
};
pub use planned::{SkipError, pass_over};
pub use power::Rung;
pub use profile::{Download, Evidence, NfsServer, Profile, Text};
pub use read::{Reading, read};
pub use ssh::Ssh;
#[cfg(test)]
pub(crate) use track::track;
pub use track::{Track, Wanted};
pub use trust::{TrustError, trust, trust_keys};
pub use value::name;
pub use watch::watch;
pub use write::assign;
