//! Syslog's scale of severities (RFC 5424, section 6.2.1), which all events use.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How much a message matters; the first is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 0: system is unusable.
    Emerg,
    /// 1: action must be taken at once.
    Alert,
    /// 2: critical.
    Crit,
    /// 3: error.
    Err,
    /// 4: warning.
    Warning,
    /// 5: normal but significant.
    Notice,
    /// 6: informational.
    Info,
    /// 7: debug.
    Debug,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Severity; 8] = [
        Severity::Emerg,
        Severity::Alert,
        Severity::Crit,
        Severity::Err,
        Severity::Warning,
        Severity::Notice,
        Severity::Info,
        Severity::Debug,
    ];

    /// The severity of a number from 0 to 7; larger numbers count as 7.
    pub fn from_number(number: u8) -> Severity {
        Severity::ALL[usize::from(number.min(7))]
    }

    /// 0 to 7.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The short name that syslog.conf uses.
    pub fn name(self) -> &'static str {
        ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"][self as usize]
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
