//! Where the operator sits: what a terminal is made of (his settings, conf, the theme's colours) and where its files go.

use super::{
    CommandLine, Operator, Palette, Plan, Settings, Way, What, holder, programs,
    settings::{Holder, SettingsError},
};
use crate::{
    conf::{Conf, Machine, Segment, Terminal},
    event::Service,
    net::Mac,
    power,
};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::{
    ffi::OsString,
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::watch;

/// What a log window begins with of what was before.
const BEFORE: &str = "500";
/// Runs a command; where it fails, its words stay until the operator has read them. `$1` is its title, `$2` are the codes
/// that it fails with (`any` for all but 0), the rest is the command: nothing of it is read by the shell.
const KEPT: &str = r#"title=$1 codes=$2; shift 2
while :; do
  "$@"; code=$?
  case "$code $codes" in "0 "*) exit;; *" any");; *" $code "*);; *) exit;; esac
  stty sane 2>/dev/null
  printf '\r\n[%s ended with code %s: enter starts it again, q and enter closes this]\n' "$title" "$code"
  read -r answer || exit
  case $answer in q*) exit;; esac
done"#;

/// Where things are, as whole paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The conf tree.
    pub conf: PathBuf,
    /// The journal.
    pub journal: PathBuf,
    /// Where running things are kept track of.
    pub run: PathBuf,
    /// Where terminals are logged.
    pub log: PathBuf,
}

impl Places {
    /// The same, from wherever the programs run that use them.
    pub fn absolute(self) -> Places {
        let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Places { conf: whole(self.conf), journal: whole(self.journal), run: whole(self.run), log: whole(self.log) }
    }
}

/// Why something is not opened.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    /// A program is not there.
    #[error(transparent)]
    Missing(#[from] programs::Missing),
    /// It is gone from conf.
    #[error("there is no machine {0} in conf any more")]
    NoMachine(Ipv4Addr),
    /// It cannot be reached in this way.
    #[error(
        "{0} has no serial console that is known here: its `power` is not qemu; write ssh or shell into its `terminal`"
    )]
    NoSerial(String),
    /// A file cannot be made.
    #[error("{}: {error}; name another folder with {option}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
        /// The option that says where it is.
        option: &'static str,
    },
    /// The operator cannot use what this program can.
    #[error("{}: {user} cannot {verb} it; name another folder with {option}", path.display())]
    Closed {
        /// Which.
        path: PathBuf,
        /// Who.
        user: String,
        /// `read`, `write`.
        verb: &'static str,
        /// The option that says where it is.
        option: &'static str,
    },
    /// A program did not do what it was to.
    #[error("{0}")]
    Failed(String),
}

/// A session that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub name: String,
    /// What it shows; none for a machine that is gone from conf.
    pub what: Option<What>,
    /// A terminal is attached to it.
    pub attached: bool,
}

/// All that is known where the operator sits.
#[derive(Debug)]
pub struct Seat {
    /// The operator.
    pub operator: Operator,
    places: Places,
    conf: watch::Receiver<Arc<Conf>>,
    palette: Mutex<Palette>,
}

impl Seat {
    /// The seat of who started this program.
    pub fn new(places: Places, conf: watch::Receiver<Arc<Conf>>) -> Seat {
        Seat { operator: Operator::here(), places: places.absolute(), conf, palette: Mutex::default() }
    }

    /// The name in conf of the machine with this hardware address.
    pub fn name_of(&self, mac: Mac) -> Option<String> {
        let conf = self.conf.borrow();
        let mut machines = conf.segments.values().flat_map(|segment| segment.machines.values());
        machines.find(|machine| machine.mac == mac).map(|machine| machine.hostname.clone())
    }

    /// Other colours from now on.
    pub fn set_palette(&self, palette: Palette) {
        *self.palette.lock() = palette;
    }

    /// The operator's settings as they are now, and what is wrong with them.
    pub fn settings(&self) -> (Settings, Option<SettingsError>) {
        Settings::read(&self.operator.config)
    }

    /// The terminal for `what`, as the operator runs it: `attach` is yet to be run as him. Makes the files that it needs.
    pub fn draft(&self, what: &What, holder: Holder) -> Result<Plan, Unopened> {
        programs::find(holder.program())?;
        let drawn = self.drawn(what)?;
        let folder = self.places.log.join(&drawn.folder);
        let log = folder.join(format!("terminal-{}.log", drawn.way));
        let no_log = |error| Unopened::File { path: folder.clone(), error, option: "--log-dir" };
        self.operator.folder(&folder).and_then(|()| self.operator.give(&log)).map_err(no_log)?;
        let settings = self.written(holder.settings())?;
        self.readable(&folder, &settings)?;
        let session = format!("{}{}", self.prefix(), drawn.session);
        let palette = self.palette.lock().clone();
        let background = match what {
            What::Machine { machine, .. } => palette.of_machine(*machine),
            What::Log(service) => palette.of_service(*service),
        };
        let command = kept(&drawn);
        let held = holder::Session { name: &session, command: &command, log: &log, settings: &settings };
        let attach = holder.attach(held);
        if let Some(wipe) = holder.wipe(&session) {
            // It fails where there is nothing to be wiped.
            let _ = self.run(wipe);
        }
        let foreground = palette.text_on(background);
        Ok(Plan { session, title: drawn.title, background, foreground, command, log, attach })
    }

    fn drawn(&self, what: &What) -> Result<Drawn, Unopened> {
        match what {
            What::Log(service) => Ok(self.log_of(*service)),
            What::Machine { segment, machine, way } => {
                let conf = self.conf.borrow().clone();
                let segment = conf.segments.get(segment).ok_or(Unopened::NoMachine(*machine))?;
                let machine = segment.machines.get(machine).ok_or(Unopened::NoMachine(*machine))?;
                self.machine(segment, machine, *way)
            }
        }
    }

    fn machine(&self, segment: &Segment, machine: &Machine, way: Option<Way>) -> Result<Drawn, Unopened> {
        let serial = power::serial_console(machine, &self.places.run);
        let wanted = wanted(segment, machine, serial.is_some());
        let terminal = match (way, wanted) {
            (None, wanted) => wanted,
            (Some(Way::Ssh), wanted @ Terminal::Ssh { .. }) => wanted,
            (Some(Way::Ssh), _) => Terminal::Ssh { options: Vec::new(), user: None },
            (Some(Way::Serial), _) => Terminal::Serial,
            (Some(Way::Shell), _) => Terminal::Shell,
        };
        let (way, mut command) = match terminal {
            Terminal::Ssh { options, user } => {
                programs::find("ssh")?;
                ("ssh", CommandLine::new(ssh(&options, user.as_deref(), machine.address)))
            }
            Terminal::Serial => {
                let socket = serial.ok_or_else(|| Unopened::NoSerial(machine.hostname.clone()))?;
                ("serial", CommandLine::new([program()?, "serial".into(), socket.into_os_string()]))
            }
            Terminal::Shell => ("shell", CommandLine::new([self.operator.account.shell.clone()])),
        };
        command.env = values(segment, machine);
        command.folder = Some(self.operator.account.home.clone()).filter(|home| way == "shell" && home.is_dir());
        let address = machine.address;
        Ok(Drawn {
            session: format!("{}-{way}", dashed(address)),
            title: format!("{} {address} {way}", machine.hostname),
            folder: machine.hostname.clone(),
            way: way.to_owned(),
            // What ssh itself says of a connection, and what a shell says of a program that cannot be run.
            codes: if way == "serial" { "any" } else { " 126 127 255 " },
            command,
        })
    }

    fn log_of(&self, service: Service) -> Drawn {
        let mut words = vec![program().unwrap_or_else(|_| "pxelator".into())];
        words.extend(["--conf".into(), self.places.conf.clone().into_os_string()]);
        words.extend(["--journal".into(), self.places.journal.clone().into_os_string()]);
        words.extend(["log", "-f", "-n", BEFORE].map(OsString::from));
        words.push(format!("service={service}").into());
        Drawn {
            session: format!("log-{service}"),
            title: format!("pxelator {service}"),
            folder: "pxelator".to_owned(),
            way: service.to_string(),
            codes: "any",
            command: CommandLine::new(words),
        }
    }

    /// What the names of this program's sessions begin with: those of another journal are another's.
    fn prefix(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        let digest = Sha256::digest(self.places.journal.as_os_str().as_bytes());
        format!("px-{}-", hex::encode(digest.get(..2).unwrap_or_default()))
    }

    /// Writes the holder's settings, where they are not as they should be.
    fn written(&self, (name, text): (&str, &str)) -> Result<PathBuf, Unopened> {
        let path = self.places.run.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|written| written == text) {
            return Ok(path);
        }
        let write = || {
            std::fs::create_dir_all(&self.places.run)?;
            // Renamed into place, so that two who open at once never read half of it.
            let new = self.places.run.join(format!(".{name}.{:?}", std::thread::current().id()));
            std::fs::write(&new, text)?;
            std::fs::rename(&new, &path)
        };
        write().map_err(|error| Unopened::File { path: path.clone(), error, option: "--run-dir" })?;
        Ok(path)
    }

    /// Root's folders may be closed to the operator.
    fn readable(&self, folder: &Path, settings: &Path) -> Result<(), Unopened> {
        if !self.operator.is_another {
            return Ok(());
        }
        programs::find("setpriv")?;
        for (test, path, verb, option) in [("-w", folder, "write", "--log-dir"), ("-r", settings, "read", "--run-dir")]
        {
            let words = ["test".into(), test.into(), path.as_os_str().to_owned()];
            let line = self.operator.as_operator(CommandLine::new(words));
            if !line.command().status().is_ok_and(|status| status.success()) {
                let user = self.operator.account.name.clone();
                return Err(Unopened::Closed { path: path.to_owned(), user, verb, option });
            }
        }
        Ok(())
    }

    /// The sessions that are held, of this program's journal.
    pub fn sessions(&self, holder: Holder) -> Result<Vec<Held>, Unopened> {
        programs::find(holder.program())?;
        let listed = self.run(holder.list())?;
        let prefix = self.prefix();
        let sessions = holder.sessions(&String::from_utf8_lossy(&listed.stdout)).into_iter();
        let ours = sessions.filter_map(|(name, attached)| {
            let what = self.what(name.strip_prefix(&prefix)?);
            Some(Held { what, name, attached })
        });
        Ok(ours.collect())
    }

    /// What a session of this name shows: `10-77-0-60-ssh`, `log-dhcp`.
    fn what(&self, name: &str) -> Option<What> {
        if let Some(service) = name.strip_prefix("log-") {
            return service.parse().ok().map(What::Log);
        }
        let (address, way) = name.rsplit_once('-')?;
        let machine = address.replace('-', ".").parse().ok()?;
        let way = match way {
            "ssh" => Way::Ssh,
            "serial" => Way::Serial,
            "shell" => Way::Shell,
            _ => return None,
        };
        let conf = self.conf.borrow();
        let segment = conf.segments.values().find(|segment| segment.machines.contains_key(&machine))?.server;
        Some(What::Machine { segment, machine, way: Some(way) })
    }

    /// Ends a session and what runs in it.
    pub fn end_session(&self, holder: Holder, name: &str) -> Result<(), Unopened> {
        let ended = self.run(holder.end(name))?;
        if ended.status.success() {
            return Ok(());
        }
        // screen tells its faults on standard output.
        let said = [ended.stderr, ended.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing").trim().to_owned();
        Err(Unopened::Failed(format!("{} does not end {name}: {last}", holder.program())))
    }

    /// Runs a line of the holder as the operator, to its end, with what it says.
    fn run(&self, line: CommandLine) -> Result<std::process::Output, Unopened> {
        let line = self.operator.as_operator(line);
        let mut command = line.command();
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.output().map_err(|error| Unopened::Failed(format!("{:?}: {error}", line.words)))
    }
}

/// A terminal before it is known who holds it.
struct Drawn {
    session: String,
    title: String,
    folder: String,
    way: String,
    codes: &'static str,
    command: CommandLine,
}

fn kept(drawn: &Drawn) -> CommandLine {
    let mut words: Vec<OsString> = ["sh", "-c", KEPT, "sh", &drawn.title, drawn.codes].map(OsString::from).into();
    words.extend(drawn.command.words.iter().cloned());
    CommandLine { words, ..drawn.command.clone() }
}

/// What conf says, else the serial console where there is one, else ssh.
fn wanted(segment: &Segment, machine: &Machine, has_serial: bool) -> Terminal {
    let said = machine.terminal.clone().or_else(|| segment.terminal.clone());
    said.unwrap_or(if has_serial { Terminal::Serial } else { Terminal::Ssh { options: Vec::new(), user: None } })
}

fn ssh(options: &[String], user: Option<&str>, address: Ipv4Addr) -> Vec<OsString> {
    let place = user.map_or_else(|| address.to_string(), |user| format!("{user}@{address}"));
    let words = ["ssh"].into_iter().chain(options.iter().map(String::as_str)).chain([place.as_str()]);
    words.map(OsString::from).collect()
}

/// The machine's values for a shell: `PXE_HOSTNAME`, and `PXE_` with the name of each further file of its folder.
fn values(segment: &Segment, machine: &Machine) -> Vec<(OsString, OsString)> {
    let known = [
        ("hostname", Some(machine.hostname.clone())),
        ("fqdn", Some(format!("{}.{}", machine.hostname, segment.domain))),
        ("address", Some(machine.address.to_string())),
        ("mac", Some(machine.mac.to_string())),
        ("segment", Some(segment.server.to_string())),
        ("domain", Some(segment.domain.clone())),
        ("profile", segment.profile_of(Some(machine)).map(ToOwned::to_owned)),
        ("firmware", machine.firmware.map(|firmware| firmware.to_string())),
        ("power", machine.power.clone()),
    ];
    let extra = machine.extra.iter().filter(|(name, _)| known.iter().all(|(known, _)| name != known));
    let extra = extra.map(|(name, value)| (name.as_str(), Some(value.clone())));
    let all = extra.chain(known.clone());
    all.filter_map(|(name, value)| {
        let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let name: String = name.chars().map(fit).collect();
        Some((format!("PXE_{name}").into(), value?.replace('\0', "").into()))
    })
    .collect()
}

fn dashed(address: Ipv4Addr) -> String {
    address.to_string().replace('.', "-")
}

/// This program, also when a newer one has been put in its place.
fn program() -> Result<OsString, Unopened> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let path = std::env::current_exe().map_err(|error| Unopened::Failed(format!("where pxelator is: {error}")))?;
    let bytes = path.as_os_str().as_bytes();
    Ok(OsString::from_vec(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes).to_vec()))
}
