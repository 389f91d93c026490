//! Who sits there: the user whose terminals and windows these are. Under sudo the one who called it, never root.

use super::CommandLine;
use nix::unistd::{Uid, User};
use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown, lchown},
    path::{Path, PathBuf},
};

/// A line of the passwd database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's number.
    pub uid: u32,
    /// The number of his first group.
    pub gid: u32,
    /// His name.
    pub name: String,
    /// His folder.
    pub home: PathBuf,
    /// His shell.
    pub shell: PathBuf,
}

/// The user at the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Who it is.
    pub account: Account,
    /// This program is root, and started by him with sudo.
    pub is_another: bool,
    /// The folder of his settings: `~/.config/pxelator`.
    pub config: PathBuf,
    /// His X display.
    pub display: Option<OsString>,
    /// His Wayland display.
    pub wayland: Option<OsString>,
    /// What is set for his programs beside the environment of this one.
    env: Vec<(OsString, OsString)>,
    /// He is in the passwd database, and so has groups there.
    is_known: bool,
}

/// What is asked of the system to know who sits there.
struct System<'a> {
    var: &'a dyn Fn(&str) -> Option<OsString>,
    uid: u32,
    account: &'a dyn Fn(u32) -> Option<Account>,
    exists: &'a dyn Fn(&Path) -> bool,
}

impl Operator {
    /// Who started this program.
    pub fn here() -> Operator {
        Operator::of(&System {
            var: &|name| env::var_os(name).filter(|value| !value.is_empty()),
            uid: Uid::effective().as_raw(),
            account: &|uid| User::from_uid(Uid::from_raw(uid)).ok().flatten().map(Account::from),
            exists: &|path| path.exists(),
        })
    }

    fn of(system: &System<'_>) -> Operator {
        let var = system.var;
        let number = |name: &str| var(name)?.to_str()?.parse::<u32>().ok();
        let sudo = number("SUDO_UID").filter(|uid| system.uid == 0 && *uid != 0);
        let uid = sudo.unwrap_or(system.uid);
        let is_another = sudo.is_some();
        let found = (system.account)(uid);
        let is_known = found.is_some();
        let mut account = found.unwrap_or_else(|| Account {
            uid,
            gid: number("SUDO_GID").unwrap_or(uid),
            name: var("SUDO_USER").and_then(|name| name.into_string().ok()).unwrap_or_else(|| uid.to_string()),
            home: PathBuf::from("/"),
            shell: PathBuf::from("/bin/sh"),
        });
        // What the environment says of root is not his.
        let own = |name: &str| var(if is_another { "" } else { name }).map(PathBuf::from);
        if let Some(home) = if is_another { var("SUDO_HOME").map(PathBuf::from) } else { own("HOME") } {
            account.home = home;
        }
        if let Some(shell) = own("SHELL") {
            account.shell = shell;
        }
        let config = own("XDG_CONFIG_HOME").unwrap_or_else(|| account.home.join(".config")).join("pxelator");
        let runtime = own("XDG_RUNTIME_DIR")
            .or_else(|| Some(PathBuf::from(format!("/run/user/{uid}"))).filter(|path| (system.exists)(path)));
        let display = var("DISPLAY");
        // sudo keeps DISPLAY and XAUTHORITY, and nothing of Wayland.
        let local = display.as_ref().is_some_and(|display| display.to_string_lossy().starts_with(':'));
        let wayland = var("WAYLAND_DISPLAY").or_else(|| {
            let socket = runtime.as_ref().filter(|_| is_another && local)?.join("wayland-0");
            (system.exists)(&socket).then(|| "wayland-0".into())
        });
        let mut env: Vec<(OsString, OsString)> = Vec::new();
        let mut set = |name: &str, value: &OsStr| env.push((name.into(), value.into()));
        if is_another {
            set("HOME", account.home.as_os_str());
            set("USER", account.name.as_ref());
            set("LOGNAME", account.name.as_ref());
            set("SHELL", account.shell.as_os_str());
            set("XDG_CONFIG_HOME", account.home.join(".config").as_os_str());
            set("XDG_CACHE_HOME", account.home.join(".cache").as_os_str());
            set("XDG_DATA_HOME", account.home.join(".local/share").as_os_str());
        }
        if let Some(runtime) = &runtime {
            set("XDG_RUNTIME_DIR", runtime.as_os_str());
            let bus = runtime.join("bus");
            if is_another && (system.exists)(&bus) {
                set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()).as_ref());
            }
        }
        if display.is_some() && var("XAUTHORITY").is_none() {
            set("XAUTHORITY", account.home.join(".Xauthority").as_os_str());
        }
        if let (Some(wayland), None) = (&wayland, var("WAYLAND_DISPLAY")) {
            set("WAYLAND_DISPLAY", wayland);
        }
        Operator { account, is_another, config, display, wayland, env, is_known }
    }

    /// Windows can be opened.
    pub fn has_display(&self) -> bool {
        self.display.is_some() || self.wayland.is_some()
    }

    /// The same, run by him.
    pub fn as_operator(&self, line: CommandLine) -> CommandLine {
        let mut words = Vec::new();
        if self.is_another {
            let Account { uid, gid, .. } = self.account;
            let groups = if self.is_known { "--init-groups" } else { "--clear-groups" };
            let change = ["setpriv".to_owned(), format!("--reuid={uid}"), format!("--regid={gid}"), groups.to_owned()];
            words.extend(change.into_iter().chain(["--".to_owned()]).map(OsString::from));
        }
        words.extend(line.words);
        let mut env = self.env.clone();
        env.extend(line.env);
        CommandLine { words, env, folder: line.folder }
    }

    /// Whose the files are that are made for him, where that is another than this program's user.
    pub fn owner(&self) -> Option<(u32, u32)> {
        self.is_another.then_some((self.account.uid, self.account.gid))
    }

    /// Makes a folder that is his. What lies above it stays as it is, or becomes this program's user's.
    pub fn folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        match self.owner() {
            Some((uid, gid)) if fs::symlink_metadata(path)?.uid() != uid => lchown(path, Some(uid), Some(gid)),
            _ => Ok(()),
        }
    }

    /// Gives him a file that an earlier run left as root's. Links are not followed: the folder is his, and root's files are not.
    pub fn give(&self, path: &Path) -> io::Result<()> {
        let Some((uid, gid)) = self.owner() else { return Ok(()) };
        let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
        let file = match File::options().read(true).custom_flags(flags).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        let about = file.metadata()?;
        if about.is_file() && about.nlink() == 1 && about.uid() != uid {
            fchown(&file, Some(uid), Some(gid))?;
        }
        Ok(())
    }
}

impl From<User> for Account {
    fn from(user: User) -> Account {
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        Account { uid, gid, name: user.name, home: user.dir, shell: user.shell }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(uid: u32) -> Option<Account> {
        let of = |name: &str, home: &str| Account {
            uid,
            gid: uid + 1,
            name: name.into(),
            home: home.into(),
            shell: "/bin/zsh".into(),
        };
        match uid {
            0 => Some(of("root", "/root")),
            1000 => Some(of("ann", "/home/ann")),
            _ => None,
        }
    }

    fn operator(uid: u32, vars: &[(&str, &str)], files: &[&str]) -> Operator {
        let var = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        let exists = |path: &Path| files.iter().any(|file| Path::new(file) == path);
        Operator::of(&System { var: &var, uid, account: &account, exists: &exists })
    }

    fn env<'a>(operator: &'a Operator, name: &str) -> Option<&'a str> {
        operator.env.iter().find(|(known, _)| known == name)?.1.to_str()
    }

    const SUDO: [(&str, &str); 6] = [
        ("SUDO_UID", "1000"),
        ("SUDO_GID", "1001"),
        ("SUDO_USER", "ann"),
        ("HOME", "/root"),
        ("XDG_CONFIG_HOME", "/root/.config"),
        ("DISPLAY", ":0"),
    ];

    #[test]
    fn under_sudo_it_is_who_called_it() {
        let ann = operator(0, &SUDO, &["/run/user/1000", "/run/user/1000/wayland-0"]);
        assert_eq!(ann.config, Path::new("/home/ann/.config/pxelator"));
        assert_eq!((ann.owner(), ann.has_display()), (Some((1000, 1001)), true));
        let line = ann.as_operator(CommandLine::new(["xterm", "-T", "a b"]));
        let words: Vec<_> = line.words.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(words, ["setpriv", "--reuid=1000", "--regid=1001", "--init-groups", "--", "xterm", "-T", "a b"]);
        for (name, value) in [
            ("HOME", "/home/ann"),
            ("USER", "ann"),
            ("LOGNAME", "ann"),
            ("SHELL", "/bin/zsh"),
            ("XAUTHORITY", "/home/ann/.Xauthority"),
            ("XDG_RUNTIME_DIR", "/run/user/1000"),
            ("XDG_CONFIG_HOME", "/home/ann/.config"),
            ("WAYLAND_DISPLAY", "wayland-0"),
        ] {
            assert_eq!(env(&ann, name), Some(value), "{name}");
        }
    }

    #[test]
    fn without_sudo_it_is_the_programs_own_user() {
        for (uid, vars) in [
            (1000, &SUDO[..]),
            (0, &[("SUDO_UID", "0"), ("HOME", "/root")][..]),
            (0, &[("SUDO_UID", "nobody"), ("HOME", "/root")][..]),
            (0, &[][..]),
        ] {
            let own = operator(uid, vars, &[]);
            assert_eq!((own.account.uid, own.owner()), (uid, None), "{vars:?}");
            let line = CommandLine::new(["xterm"]);
            assert_eq!(own.as_operator(line.clone()).words, line.words);
        }
        let own = operator(1000, &[("XDG_CONFIG_HOME", "/etc/ann"), ("SHELL", "/bin/fish")], &[]);
        assert_eq!((own.config.to_str(), own.account.shell.to_str()), (Some("/etc/ann/pxelator"), Some("/bin/fish")));
        assert!(!own.has_display());
    }

    #[test]
    fn one_who_is_not_in_the_passwd_database_has_no_groups_there() {
        let vars = [("SUDO_UID", "4711"), ("SUDO_GID", "4712"), ("SUDO_USER", "ldap"), ("SUDO_HOME", "/net/ldap")];
        let guest = operator(0, &vars, &[]);
        assert_eq!((guest.owner(), guest.account.home.to_str()), (Some((4711, 4712)), Some("/net/ldap")));
        assert!(guest.as_operator(CommandLine::new(["true"])).words.contains(&"--clear-groups".into()));
    }

    #[test]
    fn a_link_in_his_folder_gives_him_nothing_of_roots() {
        if !Uid::effective().is_root() {
            println!("skipped: needs root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let guest = operator(0, &[("SUDO_UID", "4711"), ("SUDO_GID", "4712")], &[]);
        fs::write(at("secret"), "").unwrap();
        fs::write(at("log"), "").unwrap();
        std::os::unix::fs::symlink(at("secret"), at("link")).unwrap();
        fs::hard_link(at("secret"), at("hard")).unwrap();
        assert!(guest.give(&at("link")).is_err());
        guest.give(&at("hard")).unwrap();
        guest.give(&at("log")).unwrap();
        guest.give(&at("none")).unwrap();
        guest.folder(&at("web1")).unwrap();
        let owner = |name: &str| fs::metadata(at(name)).unwrap().uid();
        assert_eq!((owner("secret"), owner("log"), owner("web1")), (0, 4711, 4711));
    }
}
