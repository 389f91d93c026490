//! The carrying of one file to one machine, the same over TFTP and HTTP.

use super::{Fact, Refusal, Role, Service};
use serde::{Deserialize, Serialize};

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Ties the events of one transfer together; unique within a run of the program and a service.
    pub id: u64,
    /// The path as asked, without a leading slash.
    pub file: String,
    /// What the file is for.
    #[serde(default)]
    pub role: Role,
    /// Bytes of the whole file, or of the range asked for.
    pub size: Option<u64>,
    /// Bytes sent so far.
    pub bytes: u64,
    /// Milliseconds since it was asked for.
    pub millis: u64,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Asked for.
    Requested,
    /// Under way.
    Progressed,
    /// Only its size was wanted: firmware asks for that first.
    Probed,
    /// All bytes sent.
    Completed,
    /// Ended early, for this reason.
    Abandoned(&'a str),
}

impl Fact {
    /// It only tells how far a transfer is.
    pub fn is_progress(&self) -> bool {
        matches!(self.transfer(), Some((Step::Progressed, _))) || matches!(self, Fact::FetchProgressed { .. })
    }

    /// The transfer that this is a step of.
    pub fn transfer(&self) -> Option<(Step<'_>, &Transfer)> {
        match self {
            Fact::TftpRequested { transfer } | Fact::HttpRequested { transfer } => Some((Step::Requested, transfer)),
            Fact::TftpProgressed { transfer } | Fact::HttpProgressed { transfer } => Some((Step::Progressed, transfer)),
            Fact::TftpProbed { transfer } => Some((Step::Probed, transfer)),
            Fact::TftpCompleted { transfer } | Fact::HttpCompleted { transfer } => Some((Step::Completed, transfer)),
            Fact::TftpAbandoned { transfer, reason } | Fact::HttpAbandoned { transfer, reason } => {
                Some((Step::Abandoned(reason), transfer))
            }
            _ => None,
        }
    }

    /// The file refused, what it is for, and why.
    pub fn refusal(&self) -> Option<(&str, Role, &Refusal)> {
        match self {
            Fact::TftpRefused { file, role, refusal } | Fact::HttpRefused { file, role, refusal } => {
                Some((file, *role, refusal))
            }
            _ => None,
        }
    }

    /// A step of a transfer over `service`, which is TFTP or else HTTP.
    pub fn of_transfer(service: Service, step: Step<'_>, transfer: Transfer) -> Fact {
        match (service == Service::Tftp, step) {
            (true, Step::Requested) => Fact::TftpRequested { transfer },
            (true, Step::Progressed) => Fact::TftpProgressed { transfer },
            (_, Step::Probed) => Fact::TftpProbed { transfer },
            (true, Step::Completed) => Fact::TftpCompleted { transfer },
            (true, Step::Abandoned(reason)) => Fact::TftpAbandoned { transfer, reason: reason.to_owned() },
            (false, Step::Requested) => Fact::HttpRequested { transfer },
            (false, Step::Progressed) => Fact::HttpProgressed { transfer },
            (false, Step::Completed) => Fact::HttpCompleted { transfer },
            (false, Step::Abandoned(reason)) => Fact::HttpAbandoned { transfer, reason: reason.to_owned() },
        }
    }

    /// A file not given over `service`, which is TFTP or else HTTP.
    pub fn of_refusal(service: Service, file: String, role: Role, refusal: Refusal) -> Fact {
        match service {
            Service::Tftp => Fact::TftpRefused { file, role, refusal },
            _ => Fact::HttpRefused { file, role, refusal },
        }
    }
}
