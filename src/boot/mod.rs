//! What a machine is to boot, decided once for all protocols. Pure: knows no socket and no file.

mod plan;
mod policy;
mod role;
mod scripts;
mod template;
#[cfg(test)]
mod tests;
mod token;

pub use plan::{Entry, Linux, Plan};
pub use policy::{
    Asker, BootFile, Firmware, Named, Served, Standing, boot_file, chosen, files, find, is_known, planned, role, serve,
};
pub use role::role_of;
pub use template::faults;
pub use token::{Token, TokenKey};
