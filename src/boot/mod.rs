//! What a machine is to boot, decided once for all protocols. Pure: knows no socket and no file.

mod grub;
mod policy;
mod programs;
mod role;
mod scripts;
mod template;
#[cfg(test)]
mod tests;

pub use policy::{Asker, BootFile, Firmware, Named, Served, boot_file, files, role, serve};
pub use programs::{Climb, Program, Programs, Tried, ladder};
pub use role::role_of;
pub use template::faults;
