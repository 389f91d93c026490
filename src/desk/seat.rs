//! Where the operator sits: what a terminal is made of (his settings, conf, the theme's colours) and where its files go.

use super::{
    CommandLine, Operator, Palette, Plan, Settings, Way, What, holder, programs,
    settings::{Holder, SettingsError},
    way,
};
use crate::{conf::Conf, net::Mac};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::{
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::watch;

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
    /// What stands above it.
    pub title: String,
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
        let command = way::kept(&drawn);
        let held = holder::Session { name: &session, command: &command, log: &log, settings: &settings };
        let attach = holder.attach(held);
        if let Some(wipe) = holder.wipe(&session) {
            // It fails where there is nothing to be wiped.
            let _ = self.run(wipe);
        }
        let foreground = palette.text_on(background);
        Ok(Plan { session, title: drawn.title, background, foreground, command, log, attach })
    }

    fn drawn(&self, what: &What) -> Result<way::Drawn, Unopened> {
        match what {
            What::Log(service) => Ok(way::log_of(&self.places, *service)),
            What::Machine { segment, machine, way } => {
                let conf = self.conf.borrow().clone();
                let segment = conf.segments.get(segment).ok_or(Unopened::NoMachine(*machine))?;
                let machine = segment.machines.get(machine).ok_or(Unopened::NoMachine(*machine))?;
                way::machine((&self.operator, &self.places), segment, machine, *way)
            }
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
            let drawn = what.as_ref().and_then(|what| self.drawn(what).ok());
            let title = drawn.map_or_else(|| "a machine that is gone from conf".to_owned(), |drawn| drawn.title);
            Some(Held { what, title, name, attached })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conf, event::Service};

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

    /// A seat at a conf tree with these files.
    fn seat(files: &[(&str, &str)]) -> (Seat, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        for (path, value) in files {
            let path = folder.path().join("conf/10.77.0.1").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, value).unwrap();
        }
        let reading = conf::read(&folder.path().join("conf"), None);
        assert_eq!(reading.mistakes, []);
        let at = |name: &str| folder.path().join(name);
        let places = Places { conf: at("conf"), journal: at("j"), run: at("run"), log: at("log") };
        (Seat::new(places, watch::Sender::new(Arc::new(reading.conf)).subscribe()), folder)
    }

    fn drawn(seat: &Seat, way: Option<Way>) -> Result<String, String> {
        let what = What::Machine { segment: SERVER, machine: Ipv4Addr::new(10, 77, 0, 60), way };
        let drawn = seat.drawn(&what).map_err(|error| error.to_string())?;
        Ok(drawn.command.words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    const MAC: (&str, &str) = ("10.77.0.60/mac", "52:54:00:00:00:60");

    #[test]
    fn the_way_that_conf_says_or_what_there_is() {
        let ssh = |words: &str| Ok(words.to_owned());
        for (files, way, wanted) in [
            (&[MAC][..], None, ssh("ssh 10.77.0.60")),
            (&[MAC, ("10.77.0.60/terminal", "ssh -p 2222 root")], None, ssh("ssh -p 2222 root@10.77.0.60")),
            (&[MAC, ("terminal", "ssh ann")], None, ssh("ssh ann@10.77.0.60")),
            (&[MAC, ("terminal", "ssh ann"), ("10.77.0.60/terminal", "ssh bob")], None, ssh("ssh bob@10.77.0.60")),
            (&[MAC, ("terminal", "shell")], Some(Way::Ssh), ssh("ssh 10.77.0.60")),
            (&[MAC, ("10.77.0.60/power", "qemu"), ("terminal", "ssh ann")], None, ssh("ssh ann@10.77.0.60")),
            (
                &[MAC, ("10.77.0.60/power", "wol"), ("10.77.0.60/terminal", "serial")],
                None,
                Err("m-10-77-0-60 has no serial console that is known here: its `power` is not qemu; write ssh or shell \
                     into its `terminal`"
                    .to_owned()),
            ),
            (&[("10.77.0.61/mac", "52:54:00:00:00:61")], None, Err("there is no machine 10.77.0.60 in conf any more".to_owned())),
        ] {
            assert_eq!(drawn(&seat(files).0, way), wanted, "{files:?}");
        }
        let (seat, folder) = seat(&[MAC, ("10.77.0.60/power", "qemu mem=512")]);
        let serial = drawn(&seat, None).unwrap();
        assert!(serial.ends_with(&format!(" serial {}/run/10.77.0.60.serial", folder.path().display())), "{serial}");
    }

    #[test]
    fn a_shell_has_the_machines_values() {
        let extra = ("10.77.0.60/rack-unit", "B 12; $(reboot)");
        let impostor = ("10.77.0.60/address", "10.77.0.99");
        let (seat, _folder) = seat(&[MAC, extra, impostor, ("terminal", "shell"), ("domain", "test.lan")]);
        let plan = seat.draft(
            &What::Machine { segment: SERVER, machine: Ipv4Addr::new(10, 77, 0, 60), way: None },
            Holder::Screen,
        );
        let plan = match plan {
            Err(Unopened::Missing(missing)) => {
                println!("skipped: {missing}");
                return;
            }
            plan => plan.unwrap(),
        };
        let of = |name: &str| {
            let all: Vec<_> = plan.attach.env.iter().filter(|(known, _)| known == name).collect();
            assert_eq!(all.len(), 1, "{name}");
            all[0].1.to_str().unwrap()
        };
        for (name, value) in [
            ("PXE_HOSTNAME", "m-10-77-0-60"),
            ("PXE_FQDN", "m-10-77-0-60.test.lan"),
            ("PXE_ADDRESS", "10.77.0.60"),
            ("PXE_MAC", "52:54:00:00:00:60"),
            ("PXE_SEGMENT", "10.77.0.1"),
            ("PXE_RACK_UNIT", "B 12; $(reboot)"),
        ] {
            assert_eq!(of(name), value);
        }
    }

    #[test]
    fn a_sessions_name_says_what_it_shows() {
        let (seat, _folder) = seat(&[MAC]);
        let machine = |way| What::Machine { segment: SERVER, machine: Ipv4Addr::new(10, 77, 0, 60), way: Some(way) };
        for what in [machine(Way::Ssh), machine(Way::Shell), What::Log(Service::Dhcp), What::Log(Service::Program)] {
            assert_eq!(seat.what(&seat.drawn(&what).unwrap().session), Some(what));
        }
        for gone in ["10-77-0-61-ssh", "10-77-0-60-telnet", "log-ntp", "", "x"] {
            assert_eq!(seat.what(gone), None, "{gone}");
        }
    }
}
