//! ipmitool(1) as a child: its words, its time, its output. The password is in the child's environment alone, which is
//! only its owner's to read. Knows nothing of machines.

use super::{PowerError, knock, said};
use crate::conf::{Login, power};
use std::{
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

/// What a call may take in all.
const PATIENCE: Duration = Duration::from_secs(15);
/// An answer is waited for so many seconds, and asked for so often: one that is dead is given up after 6 s.
const WAITS: [&str; 4] = ["-N", "1", "-R", "2"];
/// Most that is read of either output.
const MOST: u64 = 64 * 1024;
/// At most that many bytes has a password (IPMI 2.0, section 22.30), and a user's name (22.28).
const PASSWORD: usize = 20;
const USER: usize = 16;

/// How a controller is called.
pub struct Tool<'a> {
    /// Where.
    pub conf: &'a power::Ipmi,
    /// Who.
    pub login: &'a Login,
    /// For the tool's own home; see [`home`].
    pub run: &'a Path,
}

impl Tool<'_> {
    /// Runs it with these words; its output.
    pub async fn run(&self, words: &[&str]) -> Result<String, PowerError> {
        let place = self.conf.place();
        check(self.login)?;
        let mut command = Command::new("ipmitool");
        command.args(self.options()).args(WAITS).args(words).env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        // Which names the maker.
        let cheap = words.first() != Some(&"mc");
        command.envs(home(self.run).filter(|_| cheap).map(|home| ("HOME", home)));
        command.env("LC_ALL", "C").env("IPMI_PASSWORD", &self.login.password);
        let ended = tokio::time::timeout(PATIENCE, output(command)).await;
        let Ok(ended) = ended else {
            return Err(PowerError::new(
                format!("{place} does not come to an end within {} s", PATIENCE.as_secs()),
                "reset the controller from its own page, or take its cable out for a moment",
            ));
        };
        match ended {
            Ok((status, output, _)) if status.success() => Ok(output),
            Ok((_, _, errors)) => Err(self.trouble(&errors)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(PowerError::new("ipmitool is not installed", "apt install ipmitool"))
            }
            Err(error) => {
                Err(PowerError::new(format!("ipmitool: {error}"), format!("try it by hand: ipmitool -H {place}")))
            }
        }
    }

    fn options(&self) -> Vec<String> {
        let power::Ipmi { host, port, cipher, version } = self.conf;
        let interface = if *version == power::IpmiVersion::V1_5 { "lan" } else { "lanplus" };
        let (host, port) = (host.trim_matches(['[', ']']), port.to_string());
        // Asked to say more, it says what is wrong with a session.
        let words = ["-v", "-I", interface, "-H", host, "-p", &port, "-U", &self.login.user, "-E"];
        let mut words: Vec<String> = words.map(str::to_owned).into();
        words.extend(cipher.iter().flat_map(|suite| ["-C".to_owned(), suite.to_string()]));
        words
    }

    fn trouble(&self, errors: &str) -> PowerError {
        use said::Trouble::*;
        let (place, user, last) = (self.conf.place(), &self.login.user, said::last_words(errors));
        match said::trouble(errors) {
            Name => no_name(&self.conf.host),
            Silent => knock::silent(&place),
            Login => PowerError::new(
                format!("{place} does not let {user} in with this password"),
                "correct ipmi.secret; the user must be allowed IPMI over LAN in the controller's settings",
            ),
            Rights => PowerError::new(
                format!("{user} may not do this at {place}"),
                "give the user the privilege of an administrator on this channel in the controller's settings",
            ),
            Cipher => PowerError::new(
                format!("{place} does not speak the cipher suite that was asked for"),
                "name another behind the host in `power`: cipher=3 or cipher=17; of an old board version=1.5",
            ),
            Busy => PowerError::new(
                format!("{place} has no session free"),
                "end the sessions of others, or wait a minute until it forgets them",
            ),
            Unsupported => PowerError::new(format!("{place} cannot do this: {last}"), "take another way in `power`"),
            State => PowerError::new(format!("{place} cannot do this now: {last}"), "see whether the machine is on"),
            Other => PowerError::new(
                format!("{place}: {last}"),
                "see what `pxelator power doctor` says of it, or try ipmitool by hand",
            ),
        }
    }
}

/// Nobody knows the name.
pub fn no_name(host: &str) -> PowerError {
    PowerError::new(format!("the name {host} is not known"), "correct it in `power`, or write its address there")
}

/// What no controller can take: ipmitool would say that it is wrong.
fn check(login: &Login) -> Result<(), PowerError> {
    let wrong = |what: &str, most: usize| {
        Err(PowerError::new(
            format!("the {what} of ipmi.secret has more than {most} bytes, which IPMI cannot have"),
            "correct ipmi.secret",
        ))
    };
    match login {
        Login { user, .. } if user.len() > USER => wrong("user", USER),
        Login { password, .. } if password.len() > PASSWORD => wrong("password", PASSWORD),
        _ => Ok(()),
    }
}

/// A home of the tool's own. At each start it reads the list of all makers, of 5 MB, which costs four times of what all else
/// does; it takes one that it finds in its home instead. None where that cannot be made: then it costs more.
fn home(run: &Path) -> Option<PathBuf> {
    let home = std::path::absolute(run).ok()?.join("ipmitool");
    let list = home.join(".local/usr/share/misc/enterprise-numbers.txt");
    if !list.exists() {
        std::fs::create_dir_all(list.parent()?).ok()?;
        // Renamed into place: another may read it already.
        let new = list.with_extension(format!("{:?}", std::thread::current().id()));
        std::fs::write(&new, "0\n  Reserved\n").ok()?;
        std::fs::rename(&new, &list).ok()?;
    }
    Some(home)
}

/// Runs it to its end, and no longer than this is waited for.
async fn output(mut command: Command) -> io::Result<(ExitStatus, String, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let (output, errors) = tokio::try_join!(read(output), read(errors))?;
    Ok((child.wait().await?, output, errors))
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(MOST + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other(format!("it prints more than {} KiB", MOST / 1024)));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::power::{Ipmi, IpmiVersion};

    fn login() -> Login {
        Login { user: "admin".into(), password: "geheim".into() }
    }

    #[test]
    fn words_of_the_command_line() {
        let new = Ipmi { host: "[fd00::1]".into(), port: 9623, cipher: Some(17), version: IpmiVersion::V2 };
        let old = Ipmi { host: "bmc1".into(), port: 623, cipher: None, version: IpmiVersion::V1_5 };
        for (conf, words) in
            [(new, "-v -I lanplus -H fd00::1 -p 9623 -U admin -E -C 17"), (old, "-v -I lan -H bmc1 -p 623 -U admin -E")]
        {
            let login = login();
            let tool = Tool { conf: &conf, login: &login, run: Path::new("run") };
            assert_eq!(tool.options().join(" "), words, "without the password");
        }
    }

    #[test]
    fn what_ipmi_cannot_have() {
        assert_eq!(check(&login()), Ok(()));
        let long = Login { password: "123456789012345678901".into(), ..login() };
        let error = check(&long).unwrap_err().error;
        assert_eq!(error, "the password of ipmi.secret has more than 20 bytes, which IPMI cannot have");
    }

    #[tokio::test]
    async fn a_program_that_prints_without_end() {
        let mut yes = Command::new("yes");
        yes.arg("geheim");
        let error = output(yes).await.unwrap_err();
        assert_eq!(error.to_string(), "it prints more than 64 KiB");
    }

    #[test]
    fn a_home_without_the_makers() {
        let run = tempfile::tempdir().unwrap();
        let made = home(run.path()).unwrap();
        assert_eq!(home(run.path()), Some(made.clone()));
        let list = made.join(".local/usr/share/misc/enterprise-numbers.txt");
        assert_eq!(std::fs::read_to_string(list).unwrap(), "0\n  Reserved\n");
    }
}
