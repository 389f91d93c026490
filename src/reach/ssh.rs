//! The ssh(1) command line to a machine. Its connection is shared by the commands that follow one another (ssh_config(5),
//! ControlMaster). Nothing is asked: there is no terminal to ask at.

use super::{ReachError, Result};
use crate::{
    conf::{Machine, Segment, Ssh},
    sh::quoted,
};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    net::Ipv4Addr,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
};

/// What a machine gets to answer at all.
const CONNECT: u64 = 10;
/// How long a connection is kept for the next command, in seconds.
const PERSIST: u64 = 20;
/// Bytes of a Unix socket's path (unix(7)), its end and what ssh adds while it makes it.
const PATH: usize = 108 - 1 - 17;

/// How a machine, or a container of it, is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The machine's segment and address.
    pub place: (Ipv4Addr, Ipv4Addr),
    /// The machine's name.
    pub hostname: String,
    /// The container, where it is one.
    pub container: Option<String>,
    /// How ssh is called.
    pub ssh: Ssh,
    /// The machine's public keys; without them who ssh itself knows.
    pub keys: Vec<String>,
    /// Public keys of jump hosts that are machines of the segment, by the name that `jump` says.
    pub known: BTreeMap<String, Vec<String>>,
    /// Words before each command, in a container that is reached by its machine.
    pub exec: Vec<String>,
    /// The program's run folder: sockets of shared connections, files of known hosts.
    pub run: PathBuf,
    /// Words before ssh itself, so that it runs as the operator; see `desk::Operator::as_operator`.
    pub through: Vec<OsString>,
}

impl Reach {
    /// The way to a machine of conf, or to this container of it; none where it has no such container.
    pub fn of(
        (segment, machine): (&Segment, &Machine),
        container: Option<&str>,
        run: &Path,
        through: &[OsString],
    ) -> Option<Reach> {
        let within = match container {
            Some(name) => Some(machine.containers.get(name)?),
            None => None,
        };
        let own = within.and_then(|container| container.ssh.clone());
        // A container with an ssh of its own has keys of its own: ssh itself knows them.
        let keys = if own.is_some() { Vec::new() } else { machine.keys.clone() };
        let ssh = own.unwrap_or_else(|| segment.ssh_of(machine));
        let known = hops(&ssh).filter_map(|hop| {
            let is_it = |machine: &&std::sync::Arc<Machine>| {
                machine.hostname == hop.host || machine.address.to_string() == hop.host
            };
            let keys = &segment.machines.values().find(is_it)?.keys;
            (!keys.is_empty()).then(|| (hop.host.to_owned(), keys.clone()))
        });
        Some(Reach {
            place: (segment.server, machine.address),
            hostname: machine.hostname.clone(),
            container: container.map(ToOwned::to_owned),
            keys,
            known: known.collect(),
            ssh,
            exec: within.map(|container| container.exec.clone()).unwrap_or_default(),
            run: run.to_owned(),
            through: through.to_vec(),
        })
    }

    /// Its folder in the record: `web1`, `db@web1`.
    pub fn host(&self) -> String {
        match &self.container {
            Some(container) => format!("{container}@{}", self.hostname),
            None => self.hostname.clone(),
        }
    }

    /// Where ssh connects to.
    pub fn address(&self) -> String {
        self.ssh.host.clone().unwrap_or_else(|| self.place.1.to_string())
    }

    /// Who logs in.
    pub fn user(&self) -> &str {
        self.ssh.user.as_deref().unwrap_or("root")
    }

    /// The words of ssh up to the machine's address, that included. Makes the file of known hosts where keys are pinned.
    pub fn words(&self) -> Result<Vec<OsString>> {
        let mut words = self.options().map_err(|error| {
            let folder = self.run.join("ssh");
            ReachError::new(format!("cannot write {}: {error}", folder.display()), "see its rights and its disk")
        })?;
        words.push(self.address().into());
        Ok(words)
    }

    /// The same without the address.
    pub(super) fn options(&self) -> io::Result<Vec<OsString>> {
        self.with(&[], &self.keys)
    }

    /// The same; `first` are options that count before others.
    pub(super) fn with(&self, first: &[String], keys: &[String]) -> io::Result<Vec<OsString>> {
        let mut words = self.through.clone();
        // Away from the terminal of this program: there ssh would ask.
        words.push("setsid".into());
        let mut ssh = self.plain(&format!("px-{}-{}", self.place.0, self.place.1), keys)?;
        ssh.splice(1..1, first.iter().flat_map(|option| ["-o".to_owned(), option.clone()]));
        ssh.extend(["-l".to_owned(), self.user().to_owned()]);
        if let Some(port) = self.ssh.port {
            ssh.extend(["-p".to_owned(), port.to_string()]);
        }
        if let Some(proxy) = self.proxy()? {
            ssh.extend(["-o".to_owned(), format!("ProxyCommand={proxy}")]);
        }
        match self.control()? {
            Some(path) => ssh.extend([
                "-o".to_owned(),
                "ControlMaster=auto".to_owned(),
                "-o".to_owned(),
                format!("ControlPath={}", named(&path)),
                "-o".to_owned(),
                format!("ControlPersist={PERSIST}"),
            ]),
            None => ssh.extend(["-o".to_owned(), "ControlPath=none".to_owned()]),
        }
        words.extend(ssh.into_iter().map(OsString::from));
        Ok(words)
    }

    /// ssh with what holds for every host on the way. `alias` is what its keys are known by.
    fn plain(&self, alias: &str, keys: &[String]) -> io::Result<Vec<String>> {
        let mut words: Vec<String> = ["ssh", "-T", "-a", "-x"].map(str::to_owned).into();
        let connect = format!("ConnectTimeout={CONNECT}");
        let mut options = vec![
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "UpdateHostKeys=no",
            "PermitLocalCommand=no",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=4",
            &connect,
        ];
        let (file, name);
        if !keys.is_empty() {
            file = format!("UserKnownHostsFile={}", named(&self.known_hosts(alias, keys)?));
            name = format!("HostKeyAlias={alias}");
            options.extend([file.as_str(), name.as_str()]);
        }
        for option in options {
            words.extend(["-o".to_owned(), option.to_owned()]);
        }
        if let Some(identity) = &self.ssh.identity {
            words.extend(["-i".to_owned(), identity.clone()]);
        }
        Ok(words)
    }

    /// The command that leads through the jump hosts. Not `-J`: its ssh would not have the options that hold here.
    fn proxy(&self) -> io::Result<Option<String>> {
        let mut proxy: Option<String> = None;
        for hop in hops(&self.ssh) {
            let keys = self.known.get(hop.host).map(Vec::as_slice).unwrap_or_default();
            let mut words = self.plain(&alias_of(self.place.0, hop.host), keys)?;
            words.extend(["-o".to_owned(), "ControlPath=none".to_owned()]);
            if let Some(user) = hop.user {
                words.extend(["-l".to_owned(), user.to_owned()]);
            }
            if let Some(port) = hop.port {
                words.extend(["-p".to_owned(), port.to_owned()]);
            }
            if let Some(before) = proxy {
                words.extend(["-o".to_owned(), format!("ProxyCommand={before}")]);
            }
            // Only where it leads to is put in by the ssh that runs it.
            let words: Vec<String> = words.iter().map(|word| quoted(word).replace('%', "%%")).collect();
            proxy = Some(format!("{} -W '[%h]:%p' {}", words.join(" "), quoted(hop.host)));
        }
        Ok(proxy)
    }

    fn known_hosts(&self, name: &str, keys: &[String]) -> io::Result<PathBuf> {
        let folder = self.run.join("ssh");
        // Who runs ssh reads it.
        open_folder(&folder)?;
        let lines: String = keys.iter().map(|key| format!("{name} {key}\n")).collect();
        let file = folder.join(name);
        if fs::read_to_string(&file).ok().as_deref() != Some(&lines) {
            let new = tempfile_beside(&file);
            fs::write(&new, &lines)?;
            fs::set_permissions(&new, Permissions::from_mode(0o644))?;
            fs::rename(&new, &file)?;
        }
        file.canonicalize()
    }

    /// A folder that ssh may write to.
    pub(super) fn own_folder(&self) -> io::Result<PathBuf> {
        open_folder(&self.run.join("ssh"))?;
        let folder = self.run.join("ssh/c");
        if !folder.is_dir() {
            fs::create_dir_all(&folder)?;
            fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
            if let Some((uid, gid)) = owner(&self.through) {
                chown(&folder, Some(uid), Some(gid))?;
            }
        }
        Ok(folder)
    }

    /// The socket of the shared connection; none where its path would be too long.
    fn control(&self) -> io::Result<Option<PathBuf>> {
        // What a jump host says would be lost: ssh has no place for it where a connection is kept.
        if self.ssh.jump.is_some() {
            return Ok(None);
        }
        let folder = self.own_folder()?;
        let mut hasher = DefaultHasher::new();
        (&self.ssh, self.address(), &self.keys, &self.known).hash(&mut hasher);
        let name = format!("{:016x}", hasher.finish());
        let paths = [folder.canonicalize()?.join(&name), folder.join(&name)];
        Ok(paths.into_iter().find(|path| path.as_os_str().len() <= PATH))
    }

    /// Ends the shared connection as soon as nobody uses it.
    pub async fn close(&self) {
        let Ok(Some(path)) = self.control() else { return };
        let Ok(mut words) = self.words() else { return };
        if !path.exists() {
            return;
        }
        let at = words.len().saturating_sub(1);
        words.splice(at..at, ["-O", "stop"].map(OsString::from));
        let mut command = tokio::process::Command::new(words.first().cloned().unwrap_or_default());
        command.args(words.iter().skip(1)).kill_on_drop(true);
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        let stop = async { command.stderr(std::process::Stdio::null()).status().await };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(CONNECT), stop).await;
    }
}

/// A host on the way: `[USER@]HOST[:PORT]`.
#[derive(Debug, PartialEq, Eq)]
struct Hop<'a> {
    user: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
}

fn hops(ssh: &Ssh) -> impl Iterator<Item = Hop<'_>> {
    let all = ssh.jump.as_deref().unwrap_or_default();
    all.split(',').filter(|hop| !hop.is_empty()).map(|hop| {
        let (user, rest) = hop.rsplit_once('@').map_or((None, hop), |(user, rest)| (Some(user), rest));
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None if rest.matches(':').count() == 1 => {
                rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)))
            }
            None => (rest, None),
        };
        Hop { user, host, port }
    })
}

fn alias_of(segment: Ipv4Addr, host: &str) -> String {
    format!("px-{segment}-by-{}", host.replace(|c: char| !c.is_ascii_alphanumeric() && !".-_".contains(c), "_"))
}

/// The name of a file as a value in ssh_config(5).
pub(super) fn named(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

fn open_folder(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn tempfile_beside(file: &Path) -> PathBuf {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}-{}-{count}", std::process::id()))
}

/// Whom setpriv(1) makes of who runs this.
fn owner(through: &[OsString]) -> Option<(u32, u32)> {
    let of =
        |option: &str| through.iter().filter_map(|word| OsStr::to_str(word)?.strip_prefix(option)).next()?.parse().ok();
    of("--reuid=").zip(of("--regid="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_on_the_way() {
        let ssh = |jump: &str| Ssh { jump: Some(jump.to_owned()), ..Ssh::default() };
        let (ann, none) = (Some("ann"), None);
        for (jump, expected) in [
            ("gate", vec![(none, "gate", none)]),
            ("ann@gate:2222,10.0.0.1", vec![(ann, "gate", Some("2222")), (none, "10.0.0.1", none)]),
            ("ann@[fd00::1]:22", vec![(ann, "fd00::1", Some("22"))]),
            ("fd00::1", vec![(none, "fd00::1", none)]),
        ] {
            let ssh = ssh(jump);
            let found: Vec<_> = hops(&ssh).map(|hop| (hop.user, hop.host, hop.port)).collect();
            assert_eq!(found, expected, "{jump}");
        }
        assert_eq!(hops(&Ssh::default()).count(), 0);
    }

    #[test]
    fn sockets_are_never_too_long_and_owned_by_who_runs_ssh() {
        let dir = tempfile::tempdir().unwrap();
        let mut reach = Reach {
            place: ([10, 77, 0, 1].into(), [10, 77, 0, 60].into()),
            hostname: "web1".into(),
            container: None,
            ssh: Ssh::default(),
            keys: Vec::new(),
            known: BTreeMap::new(),
            exec: Vec::new(),
            run: dir.path().join("run"),
            through: Vec::new(),
        };
        assert!(reach.control().unwrap().unwrap().starts_with(dir.path().canonicalize().unwrap()));
        let mode = fs::metadata(dir.path().join("run/ssh/c")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        reach.run = dir.path().join("long".repeat(20));
        assert_eq!(reach.control().unwrap(), None);
        let words: Vec<OsString> = ["setpriv", "--reuid=1000", "--regid=1001", "--"].map(OsString::from).into();
        assert_eq!((owner(&words), owner(&[])), (Some((1000, 1001)), None));
    }
}
