//! The value `checks`: what of a machine, or of a segment's services, is looked at, and how often.

use super::value::Expected;
use std::time::Duration;

/// Twice a minute, unless a line says otherwise.
const EVERY: Duration = Duration::from_secs(30);

/// One check: a line of `checks`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// What is looked at.
    pub what: What,
    /// `every 1m`.
    pub every: Duration,
    /// `times 3`: fails in a row until it counts as failed.
    pub times: u32,
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// `ping`: ICMP echo (RFC 792).
    Ping,
    /// `arp`: who has its address (RFC 826).
    Arp,
    /// `tcp PORT`: a connection comes about.
    Tcp(u16),
    /// `http URL [STATUS] ["TEXT"]`: also https; a URL that begins with `/` or `:` is of the machine.
    Http {
        /// The URL.
        url: String,
        /// The status that is wanted; 200 to 399 unless given.
        status: Option<u16>,
        /// Text that its answer has.
        text: Option<String>,
    },
    /// `dns NAME [ADDRESS]`: asked of the machine.
    Dns {
        /// The name.
        name: String,
        /// What it is to be; any where it is not given.
        address: Option<std::net::Ipv4Addr>,
    },
    /// `ssh [PORT]`: its banner (RFC 4253, section 4.2).
    Ssh(u16),
    /// `certificate PORT [DAYS]`: it is good for so many days more, 14 unless given.
    Certificate {
        /// The port.
        port: u16,
        /// Days left at least.
        days: u32,
    },
    /// `syslog SPAN`: it logged something within that time.
    Syslog(Duration),
    /// `disk [PERCENT]`: over ssh; at most so much of its root is in use, 90 unless given.
    Disk(u8),
    /// `load [PERCENT]`: over ssh; at most so much load a processor, 400 unless given.
    Load(u32),
    /// `pool [PERCENT]`: of a segment; at most so much of its pool is in use, 90 unless given.
    Pool(u8),
}

impl Check {
    /// A check with the usual pace.
    pub fn new(what: What) -> Check {
        Check { what, every: EVERY, times: 2 }
    }

    /// Its name in events, on the screen and in trends: `ping`, `tcp 22`, `http /health`.
    pub fn name(&self) -> String {
        match &self.what {
            What::Ping => "ping".to_owned(),
            What::Arp => "arp".to_owned(),
            What::Tcp(port) => format!("tcp {port}"),
            What::Http { url, .. } => format!("http {url}"),
            What::Dns { name, .. } => format!("dns {name}"),
            What::Ssh(22) => "ssh".to_owned(),
            What::Ssh(port) => format!("ssh {port}"),
            What::Certificate { port, .. } => format!("certificate {port}"),
            What::Syslog(_) => "syslog".to_owned(),
            What::Disk(_) => "disk".to_owned(),
            What::Load(_) => "load".to_owned(),
            What::Pool(_) => "pool".to_owned(),
        }
    }
}

/// What is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// `off`: nothing is, not even what is sensible.
    pub off: bool,
    /// The lines; where there are none, what is sensible.
    pub checks: Vec<Check>,
}

/// A check a line, or `off`.
pub fn checks(_text: &str) -> Result<Checks, Expected> {
    Err("not read yet".to_owned())
}
