//! Why somebody could not be told, and what the operator can do. No secret is in it.

use crate::causes::causes;
use std::{error::Error, io, process::ExitStatus, time::Duration};

/// Why somebody could not be told.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The program cannot be started.
    #[error("cannot run {program}: {source}")]
    Run {
        /// Its name.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The program says that it failed.
    #[error("{program} ended with {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Ended {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said, shortened.
        said: String,
    },
    /// It takes too long.
    #[error("{what} did not end within {} s", .patience.as_secs())]
    Slow {
        /// A program, or a server.
        what: String,
        /// How long it had.
        patience: Duration,
    },
    /// The mail cannot be made.
    #[error("the mail cannot be made: {0}")]
    Mail(String),
    /// The mail is not taken.
    #[error("{server} does not take the mail: {said}")]
    Smtp {
        /// Where it was handed over.
        server: String,
        /// What came.
        said: String,
        /// What is wrong.
        fault: SmtpFault,
    },
    /// Nothing can be sent by TLS.
    #[error("this host trusts no certificates: {0}")]
    Client(String),
    /// Its certificate is not trusted.
    #[error("the certificate of {place} is not trusted: {said}")]
    Untrusted {
        /// Host and port.
        place: String,
        /// What is wrong with the certificate.
        said: String,
    },
    /// The request did not come through.
    #[error("{place} cannot be reached: {said}")]
    Unreached {
        /// Host and port.
        place: String,
        /// What came.
        said: String,
    },
    /// The request came through and was not taken.
    #[error("{place} answered {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Refused {
        /// Host and port.
        place: String,
        /// Of HTTP.
        status: u16,
        /// The begin of the answer, or where it points to.
        said: String,
        /// It wants to be left alone for so long.
        after: Option<Duration>,
    },
}

/// Why a server does not take a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpFault {
    /// It is not there, or says what no server of mails says.
    Absent,
    /// It cannot now (RFC 5321, section 4.2.1).
    Later,
    /// It looked at the mail and refused it for good.
    Mail,
    /// It wants a login, or another one (RFC 4954, section 6).
    Login,
    /// It does not offer what is needed: STARTTLS, or a login.
    Offer,
}

impl TellError {
    /// What was to be told was looked at and not taken: of several alerts perhaps for the sake of one.
    pub fn is_refusal(&self) -> bool {
        match self {
            TellError::Mail(_) | TellError::Smtp { fault: SmtpFault::Mail, .. } => true,
            // Not: who asks or where (RFC 9110, 15.5), be slower, or come again (RFC 6585, section 4).
            TellError::Refused { status, .. } => {
                matches!(status, 400..=499) && !matches!(status, 401 | 403 | 404 | 405 | 407 | 408 | 410 | 429)
            }
            _ => false,
        }
    }

    /// It wants to be left alone for so long.
    pub fn after(&self) -> Option<Duration> {
        match self {
            TellError::Refused { after, .. } => *after,
            _ => None,
        }
    }

    /// What the operator can do.
    pub fn next_step(&self) -> String {
        match self {
            TellError::Run { program, source }
                if source.kind() == io::ErrorKind::NotFound && program == "notify-send" =>
            {
                "install libnotify-bin".to_owned()
            }
            TellError::Run { program, .. } => format!("see that {program} is there and the operator may run it"),
            TellError::Ended { program, .. } if program == "notify-send" => {
                "see that the operator is logged in at a desktop of this host".to_owned()
            }
            TellError::Ended { program, .. } | TellError::Slow { what: program, .. } => {
                format!("try {program} by hand with an alert as JSON on its standard input")
            }
            TellError::Mail(_) => "see the addresses of this receiver".to_owned(),
            TellError::Smtp { fault: SmtpFault::Mail, .. } => {
                "see the addresses of this receiver, and what the server wants".to_owned()
            }
            TellError::Smtp { fault: SmtpFault::Login, .. } => {
                "write user:password into NAME.secret as the server knows them".to_owned()
            }
            TellError::Smtp { server, fault: SmtpFault::Offer, .. } => {
                format!(
                    "see what {server} offers: smtp+starttls:// needs STARTTLS, smtps:// has TLS from the first byte, a login needs AUTH"
                )
            }
            TellError::Smtp { server, fault: SmtpFault::Absent, .. } => {
                format!("see that {server} is there and speaks SMTP")
            }
            TellError::Smtp { fault: SmtpFault::Later, .. } => {
                "wait; if it stays so, see what the server logs".to_owned()
            }
            TellError::Client(_) => "install ca-certificates".to_owned(),
            TellError::Untrusted { .. } => {
                "see that it is in date and for this name; if it is of an authority of yours, put the authority's into \
                /usr/local/share/ca-certificates/NAME.crt and run update-ca-certificates"
                    .to_owned()
            }
            TellError::Unreached { place, .. } => format!("see that {place} is there and can be reached from here"),
            TellError::Refused { status: 401 | 403, .. } => "see what NAME.secret of this receiver holds".to_owned(),
            TellError::Refused { status: 300..=399, .. } => "write the URL that it names into this receiver".to_owned(),
            TellError::Refused { status: 429, .. } => {
                "wait; if it comes often, have this receiver told less: severity, to".to_owned()
            }
            TellError::Refused { place, status: 500..=599, .. } => format!("see what {place} logs"),
            TellError::Refused { .. } => "see the receiver's form and URL".to_owned(),
        }
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    crate::event::printable(&crate::causes::chain(error), 200)
}

/// It came of a certificate that is not trusted.
pub fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_fault_of_the_alert_is_no_refusal_of_it() {
        let answered = |status| TellError::Refused { place: "h".into(), status, said: String::new(), after: None };
        for (status, is_refusal, step) in [
            (308, false, "the URL that it names"),
            (400, true, "form and URL"),
            (401, false, "NAME.secret"),
            (404, false, "form and URL"),
            (413, true, "form and URL"),
            (429, false, "wait"),
            (503, false, "see what h logs"),
        ] {
            let error = answered(status);
            assert_eq!(error.is_refusal(), is_refusal, "{status}");
            assert!(error.next_step().contains(step), "{status}: {}", error.next_step());
        }
        for (fault, is_refusal, step) in [
            (SmtpFault::Absent, false, "see that h is there"),
            (SmtpFault::Later, false, "wait"),
            (SmtpFault::Mail, true, "addresses"),
            (SmtpFault::Login, false, "NAME.secret"),
            (SmtpFault::Offer, false, "STARTTLS"),
        ] {
            let error = TellError::Smtp { server: "h".into(), said: String::new(), fault };
            assert_eq!(error.is_refusal(), is_refusal, "{fault:?}");
            assert!(error.next_step().contains(step), "{fault:?}: {}", error.next_step());
        }
    }
}
