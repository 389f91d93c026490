//! The part that a file plays in a boot.

use serde::{Deserialize, Serialize};

/// What a file is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A boot loader or a part of one.
    Loader,
    /// What a loader is to do.
    Script,
    /// A kernel.
    Kernel,
    /// An initial file system.
    Initrd,
    /// Anything else.
    #[default]
    Other,
}

impl Role {
    /// `loader`, `script`, `kernel`, `initrd`, `other`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Loader => "loader",
            Role::Script => "script",
            Role::Kernel => "kernel",
            Role::Initrd => "initrd",
            Role::Other => "other",
        }
    }
}
