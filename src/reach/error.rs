//! Why a machine was not reached, and what helps. Pure.

use super::Reach;

/// What went wrong on the way to a machine, or there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ReachError {
    /// The machine is off or unreachable: it is no fault, and is looked at again later.
    pub is_away: bool,
    /// What went wrong.
    pub error: String,
    /// What helps.
    pub next_step: String,
}

/// What ssh(1) says of a machine that is not there.
const AWAY: [&str; 6] = [
    "No route to host",
    "Connection timed out",
    "Operation timed out",
    "Connection refused",
    "Host is down",
    "Network is unreachable",
];
/// What it says of a connection that broke off.
const BROKEN: [&str; 8] = [
    "Broken pipe",
    "Timeout, server",
    "Connection reset",
    "closed by remote host",
    "Connection closed",
    "Connection to ",
    "Shared connection to ",
    "mux_client_",
];

impl ReachError {
    /// Of what ssh printed when it did not come through.
    pub fn of_ssh(reach: &Reach, lines: &[String]) -> ReachError {
        let all = lines.join("\n");
        let has = |known: &[&str]| known.iter().any(|known| all.contains(known));
        let name = reach.host();
        let login = format!("ssh {}@{}", reach.user(), reach.address());
        let last = lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
        let last = last.unwrap_or("ssh said nothing");
        // ssh calls the far end so where it is reached through another host, which said why before.
        let on_the_way = all.contains("UNKNOWN port").then(|| lines.iter().map(|line| line.trim()));
        let (is_away, error, next_step) = if has(&["REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
            let step = format!("if it was made anew: pxelator track trust {name}; if not, somebody else answers there");
            (false, "its ssh host key is another than the one that is trusted".to_owned(), step)
        } else if has(&["Host key verification failed", "host key is known"]) {
            match on_the_way {
                Some(_) => {
                    let jump = reach.ssh.jump.as_deref().unwrap_or_default();
                    let step = format!("log in there once by hand, or let it be a machine with an ssh.pin: ssh {jump}");
                    (false, format!("the ssh host key of the jump host {jump} is not known"), step)
                }
                // Conf has no keys of a container that has its own sshd.
                None if reach.container.is_some() && reach.exec.is_empty() => {
                    (false, "its ssh host key is not known".to_owned(), format!("log in there once by hand: {login}"))
                }
                None => {
                    let step = format!("look at its key and take it: pxelator track trust {name}");
                    (false, "its ssh host key is not known".to_owned(), step)
                }
            }
        } else if has(&["Permission denied"]) {
            let step = format!("let the key of who runs this in: ssh-copy-id {}@{}", reach.user(), reach.address());
            (false, format!("ssh lets nobody in: {last}"), step)
        } else if has(&["banner exchange"]) {
            let step = format!("see what holds its sshd up: {login}");
            (false, "it accepts connections and says nothing".to_owned(), step)
        } else if has(&AWAY) {
            let why = lines.iter().map(|line| line.trim()).find(|line| AWAY.iter().any(|known| line.contains(known)));
            (true, why.unwrap_or(last).to_owned(), "it is looked at again when it is there".to_owned())
        } else {
            let why = on_the_way.and_then(|mut lines| lines.find(|line| !line.is_empty())).unwrap_or(last);
            (false, why.to_owned(), format!("try it by hand: {login}"))
        };
        ReachError { is_away, error, next_step }
    }

    /// Of a connection that was there and is no more.
    pub(super) fn broke_off(lines: &[String]) -> ReachError {
        let why = lines.iter().rev().find(|line| BROKEN.iter().any(|known| line.contains(known)));
        let why = why.map_or("the machine is gone", |line| line.trim());
        ReachError::new(format!("the connection broke off: {why}"), "it is tried again at the next look")
    }

    /// ssh(1) says that it did.
    pub(super) fn is_broken(lines: &[String]) -> bool {
        lines.iter().any(|line| BROKEN.iter().any(|known| line.contains(known)))
    }

    /// A fault with a next step.
    pub(super) fn new(error: impl Into<String>, next_step: impl Into<String>) -> ReachError {
        ReachError { is_away: false, error: error.into(), next_step: next_step.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::Ssh;
    use std::{collections::BTreeMap, path::PathBuf};

    #[test]
    fn what_ssh_says_and_what_helps() {
        let reach = |jump: Option<&str>| Reach {
            place: ([10, 77, 0, 1].into(), [10, 77, 0, 60].into()),
            hostname: "web1".into(),
            container: None,
            ssh: Ssh { jump: jump.map(str::to_owned), ..Ssh::default() },
            keys: Vec::new(),
            known: BTreeMap::new(),
            exec: Vec::new(),
            run: PathBuf::from("run"),
            through: Vec::new(),
        };
        for (jump, said, is_away, error, next_step) in [
            (None, "ssh: connect to host 10.77.0.60 port 22: No route to host", true, "No route", "looked at again"),
            (None, "ssh: connect to host 10.77.0.60 port 22: Connection refused", true, "refused", "looked at again"),
            (
                None,
                "Connection timed out during banner exchange\nConnection to 10.77.0.60 port 22 timed out",
                false,
                "says nothing",
                "ssh root@10.77.0.60",
            ),
            (
                None,
                "root@10.77.0.60: Permission denied (publickey).",
                false,
                "lets nobody in",
                "ssh-copy-id root@10.77.0.60",
            ),
            (
                None,
                "No ED25519 host key is known for px and you have requested strict checking.\nHost key verification failed.",
                false,
                "not known",
                "track trust web1",
            ),
            (
                None,
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                false,
                "another",
                "track trust web1",
            ),
            (None, "ssh: Could not resolve hostname web1.lan: Name or service not known", false, "resolve", "by hand"),
            (
                Some("gate"),
                "Host key verification failed.\nConnection closed by UNKNOWN port 65535",
                false,
                "jump host gate",
                "ssh gate",
            ),
            (
                Some("gate"),
                "channel 0: open failed: connect failed: No route to host\nstdio forwarding failed\nConnection closed by UNKNOWN port 65535",
                true,
                "No route",
                "again",
            ),
            (None, "", false, "said nothing", "by hand"),
        ] {
            let lines: Vec<String> = said.lines().map(str::to_owned).collect();
            let got = ReachError::of_ssh(&reach(jump), &lines);
            assert_eq!(got.is_away, is_away, "{said}: {got:?}");
            assert!(got.error.contains(error) && got.next_step.contains(next_step), "{said}: {got:?}");
        }
        assert!(ReachError::is_broken(&["Timeout, server 10.77.0.60 not responding.".to_owned()]));
        assert!(!ReachError::is_broken(&["E: cannot find package".to_owned()]));
    }
}
