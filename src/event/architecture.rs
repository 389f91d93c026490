//! What a machine's firmware is, as it says in DHCP option 93.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A client system architecture (RFC 4578, section 2.1, and IANA's registry of processor architecture types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Architecture {
    /// 0: PC BIOS.
    Bios,
    /// 6: 32-bit x86 UEFI.
    UefiIa32,
    /// 7 and 9: 64-bit x86 UEFI.
    UefiX64,
    /// 11: 64-bit ARM UEFI.
    UefiArm64,
    /// 16: 64-bit x86 UEFI that boots over HTTP.
    UefiHttpX64,
    /// 19: 64-bit ARM UEFI that boots over HTTP.
    UefiHttpArm64,
    /// Any other number.
    Other(u16),
}

const NAMED: [(Architecture, &str); 6] = [
    (Architecture::Bios, "bios"),
    (Architecture::UefiIa32, "uefi-ia32"),
    (Architecture::UefiX64, "uefi"),
    (Architecture::UefiArm64, "uefi-arm64"),
    (Architecture::UefiHttpX64, "uefi-http"),
    (Architecture::UefiHttpArm64, "uefi-http-arm64"),
];

impl Architecture {
    /// The architecture of a number in option 93.
    pub fn from_number(number: u16) -> Architecture {
        match number {
            0 => Architecture::Bios,
            6 => Architecture::UefiIa32,
            7 | 9 => Architecture::UefiX64,
            11 => Architecture::UefiArm64,
            16 => Architecture::UefiHttpX64,
            19 => Architecture::UefiHttpArm64,
            other => Architecture::Other(other),
        }
    }
}

impl Architecture {
    /// The same machine as it boots by PXE.
    pub fn without_http(self) -> Architecture {
        match self {
            Architecture::UefiHttpX64 => Architecture::UefiX64,
            Architecture::UefiHttpArm64 => Architecture::UefiArm64,
            other => other,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Architecture::Other(number) => f.pad(&format!("architecture-{number}")),
            named => f.pad(NAMED.iter().find(|(a, _)| a == named).map_or("", |(_, name)| name)),
        }
    }
}

impl FromStr for Architecture {
    type Err = String;
    fn from_str(text: &str) -> Result<Architecture, String> {
        if let Some((architecture, _)) = NAMED.iter().find(|(_, name)| *name == text) {
            return Ok(*architecture);
        }
        let number = text.strip_prefix("architecture-").and_then(|n| n.parse().ok());
        number.map(Architecture::from_number).ok_or_else(|| {
            let names: Vec<_> = NAMED.iter().map(|(_, name)| *name).collect();
            format!("one of {}", names.join(", "))
        })
    }
}

impl TryFrom<String> for Architecture {
    type Error = String;
    fn try_from(text: String) -> Result<Architecture, String> {
        text.parse()
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> String {
        architecture.to_string()
    }
}
