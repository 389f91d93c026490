//! What a machine is to boot, decided once for all protocols. Pure: knows no socket and no file.

mod evidence;
mod grub;
mod offer;
mod plan;
mod policy;
mod programs;
mod role;
mod scripts;
mod shown;
mod template;
#[cfg(test)]
mod tests;
mod token;

pub use evidence::{LOCAL, evidence, is_listed};
pub use offer::{Listed, Offer, Offered, listed, offered};
pub use plan::{Entry, Linux, Plan};
pub use policy::{
    Asker, BootFile, Firmware, Named, Served, Standing, answer_file, boot_file, chosen, files, find, is_known, planned,
    role, serve, tries,
};
pub use programs::{Climb, Program, Programs, Tried, ladder};
pub use role::role_of;
pub use shown::{Shown, shown};
pub use template::faults;
pub use token::{Token, TokenKey};
