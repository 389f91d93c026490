//! What runs in a terminal: ssh to a machine, its serial console, a shell with its values, or a service's log.

use super::{CommandLine, Operator, Places, Unopened, Way, programs};
use crate::{
    conf::{self, Machine, Segment, Terminal},
    event::Service,
    power,
};
use std::{ffi::OsString, net::Ipv4Addr};

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

/// A terminal before it is known who holds it.
pub struct Drawn {
    /// The end of its session's name.
    pub session: String,
    /// What stands above it.
    pub title: String,
    /// Its folder of the log folder.
    pub folder: String,
    /// The end of its log's name.
    pub way: String,
    /// The codes that its command fails with.
    pub codes: &'static str,
    /// What runs in it.
    pub command: CommandLine,
}

/// A terminal on a machine.
pub fn machine(
    (operator, places): (&Operator, &Places),
    segment: &Segment,
    machine: &Machine,
    way: Option<Way>,
) -> Result<Drawn, Unopened> {
    let serial = power::serial_console(machine, &places.run);
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
        Terminal::Shell => ("shell", CommandLine::new([operator.account.shell.clone()])),
    };
    let values = conf::environment(segment, machine).into_iter();
    command.env = values.map(|(name, value)| (name.into(), value.into())).collect();
    command.folder = Some(operator.account.home.clone()).filter(|home| way == "shell" && home.is_dir());
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

/// A terminal on what a service tells.
pub fn log_of(places: &Places, service: Service) -> Drawn {
    let mut words = vec![program().unwrap_or_else(|_| "pxelator".into())];
    words.extend(["--conf".into(), places.conf.clone().into_os_string()]);
    words.extend(["--journal".into(), places.journal.clone().into_os_string()]);
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

/// Its command, so that the words of one that fails stay.
pub fn kept(drawn: &Drawn) -> CommandLine {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    /// Runs a command as a session does, with these answers; what it prints, without the escape sequences.
    fn run_kept(codes: &str, line: &str, answers: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", KEPT, "sh", "a title", codes, "sh", "-c", line]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // It may have ended without reading them.
        let _ = child.stdin.take().unwrap().write_all(answers.as_bytes());
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().replace('\r', "")
    }

    #[test]
    fn what_fails_stays_until_it_is_read() {
        let ended =
            |code| format!("\n[a title ended with code {code}: enter starts it again, q and enter closes this]\n");
        let ssh = " 126 127 255 ";
        for (codes, line, answers, printed) in [
            (ssh, "echo a", "", "a\n".to_owned()),
            (ssh, "echo a; exit 1", "", "a\n".to_owned()),
            (ssh, "echo a; exit 255", "q\n", format!("a\n{}", ended(255))),
            (ssh, "echo a; exit 255", "\nq\n", format!("a\n{}a\n{}", ended(255), ended(255))),
            (ssh, "exit 127", "", ended(127)),
            (ssh, "exit 55", "", String::new()),
            ("any", "exit 1", "q\n", ended(1)),
            ("any", "echo a", "", "a\n".to_owned()),
        ] {
            assert_eq!(run_kept(codes, line, answers), printed, "{codes} {line}");
        }
    }
}
