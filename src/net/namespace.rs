//! A network namespace of the program's own, which nothing can leave. What is in it ends with it, also where the
//! program was killed: the next one cleans up.

use super::Mac;
use nix::{
    sched::{CloneFlags, setns},
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use std::{
    fs::{self, File},
    io,
    net::Ipv4Addr,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Where ip-netns(8) keeps named namespaces.
const NAMED: &str = "/run/netns";
/// What processes get to end by themselves.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why there is no namespace.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// Only root makes namespaces.
    #[error("only root can make a network namespace; run it with sudo")]
    NotRoot,
    /// iproute2 is not there.
    #[error("`ip` cannot be run ({0}); install it: apt install iproute2")]
    NoIp(#[source] io::Error),
    /// It does not do what it is told.
    #[error("`ip {line}` failed: {said}; network namespaces may be forbidden here, as they are in many containers")]
    Ip {
        /// Its words.
        line: String,
        /// What it printed.
        said: String,
    },
    /// The kernel does not let this process in.
    #[error("cannot enter the network namespace {name}")]
    Enter {
        /// Its name.
        name: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// A named network namespace, so that `ip netns exec NAME …` leads others in. Dropped, it ends its processes and itself.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace `<prefix>-<process id>` and takes this thread in, and with it the threads and processes it
    /// will start. Namespaces of this prefix whose program is gone are removed first.
    pub fn enter(prefix: &str) -> Result<Namespace, NamespaceError> {
        if !Uid::effective().is_root() {
            return Err(NamespaceError::NotRoot);
        }
        sweep(prefix);
        let name = format!("{prefix}-{}", std::process::id());
        ip(&["netns", "add", &name])?;
        let namespace = Namespace { name };
        let name = &namespace.name;
        File::open(format!("{NAMED}/{name}"))
            .and_then(|file| Ok(setns(file, CloneFlags::CLONE_NEWNET)?))
            .map_err(|source| NamespaceError::Enter { name: name.clone(), source })?;
        ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Makes a bridge with these addresses, which virtual machines can be plugged into.
    pub fn bridge(&self, name: &str, addresses: &[(Ipv4Addr, u8)]) -> Result<(), NamespaceError> {
        // A port that is plugged in forwards at once, and no snooping loses the multicasts that firmware sends.
        // With an address of its own: a bridge takes that of a port else, and changes it with each machine that comes.
        let [a, b, c, d] = addresses.first().map_or([0; 4], |(address, _)| address.octets());
        let mac = Mac([0x02, 0x50, a, b, c, d]).to_string();
        ip(&["link", "add", name, "address", &mac, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"])?;
        for (address, prefix) in addresses {
            ip(&["address", "add", &format!("{address}/{prefix}"), "broadcast", "+", "dev", name])?;
        }
        ip(&["link", "set", name, "up"])
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name, PATIENCE);
    }
}

/// Removes the namespaces whose program no longer lives in them.
fn sweep(prefix: &str) {
    let Ok(entries) = fs::read_dir(NAMED) else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let owner = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).and_then(|id| id.parse().ok());
        if let Some(owner) = owner
            && !processes(&name).contains(&Pid::from_raw(owner))
            && !is_this_program(owner)
        {
            remove(&name, Duration::ZERO);
        }
    }
}

/// One that has just made its namespace is not in it yet.
fn is_this_program(pid: i32) -> bool {
    let name = |pid: &dyn std::fmt::Display| fs::read(format!("/proc/{pid}/comm")).ok();
    name(&pid).is_some_and(|theirs| Some(theirs) == name(&"self"))
}

/// Ends all other processes of a namespace, and the namespace.
fn remove(name: &str, patience: Duration) {
    let began = Instant::now();
    let mut signal = Signal::SIGTERM;
    loop {
        let left: Vec<Pid> = processes(name).into_iter().filter(|pid| *pid != Pid::this()).collect();
        if left.is_empty() || began.elapsed() > 2 * PATIENCE {
            break;
        }
        if began.elapsed() >= patience {
            signal = Signal::SIGKILL;
        }
        for pid in left {
            let _ = kill(pid, signal);
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = ip(&["netns", "delete", name]);
}

fn processes(name: &str) -> Vec<Pid> {
    let listed = ip_says(&["netns", "pids", name]).unwrap_or_default();
    let pids = listed.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw);
    // `ip` itself was one of them.
    pids.filter(|pid| kill(*pid, None).is_ok()).collect()
}

fn ip(words: &[&str]) -> Result<(), NamespaceError> {
    ip_says(words).map(drop)
}

fn ip_says(words: &[&str]) -> Result<String, NamespaceError> {
    let output = Command::new("ip").args(words).stdin(Stdio::null()).output().map_err(NamespaceError::NoIp)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(NamespaceError::Ip { line: words.join(" "), said })
}
