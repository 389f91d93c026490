//! What holds a terminal's session while nothing shows it: GNU screen or tmux, as command lines. Pure.

use super::{CommandLine, settings::Holder};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};

/// Lines that can be scrolled back.
pub const SCROLL_BACK: u32 = 20_000;
/// The name of tmux's server, so that the operator's own is another.
const SERVER: &str = "pxelator";
/// The longest value that tmux is given for the environment: all of its words are one message of 16 KiB.
const LONGEST: usize = 1_000;

const SCREENRC: &str = "\
# Written by pxelator: what its sessions of GNU screen are like.
startup_message off
vbell off
defscrollback 20000
defutf8 on
defnonblock on
autodetach on
logfile flush 1
hardstatus off
# While a message is shown, nothing else is: it would hold up the first five seconds.
msgwait 0
msgminwait 0
# The terminal's own scroll-back has the lines, too.
termcapinfo xterm*|foot*|alacritty* ti@:te@
";

const TMUX_CONF: &str = "\
# Written by pxelator: what its sessions of tmux are like.
set -g history-limit 20000
set -g status off
set -g mouse on
set -s escape-time 20
set -g default-terminal screen-256color
set -g window-size latest
set -g destroy-unattached off
";

/// A session to be held.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// Its name: letters, digits and hyphens.
    pub name: &'a str,
    /// What runs in it.
    pub command: &'a CommandLine,
    /// Where its output is appended to.
    pub log: &'a Path,
    /// The file that [`Holder::settings`] was written to.
    pub settings: &'a Path,
}

impl Holder {
    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Holder::Screen => "screen",
            Holder::Tmux => "tmux",
        }
    }

    /// The name and the text of the settings that its sessions run with.
    pub fn settings(self) -> (&'static str, &'static str) {
        match self {
            Holder::Screen => ("screenrc", SCREENRC),
            Holder::Tmux => ("tmux.conf", TMUX_CONF),
        }
    }

    /// Attaches the terminal to the session; starts it where it does not run. Others may be attached to it as well.
    pub fn attach(self, session: Session<'_>) -> CommandLine {
        let Session { name, command, log, settings } = session;
        let mut words = self.words();
        match self {
            Holder::Screen => {
                words.extend(["-c".into(), settings.into(), "-U".into(), "-L".into(), "-Logfile".into(), log.into()]);
                words.extend(["-S", name, "-x", "-RR"].map(OsString::from));
                words.extend(command.words.iter().cloned());
            }
            Holder::Tmux => {
                words.extend(["-f".into(), settings.into()]);
                words.extend(["new-session", "-A", "-s", name].map(OsString::from));
                words.extend(environment(&command.env));
                words.push("--".into());
                words.extend(command.words.iter().map(|word| unended(word)));
                let pipe = [";", "pipe-pane", "-t", &format!("={name}:")].map(OsString::from);
                words.extend(pipe);
                words.push([OsStr::new("exec cat >>"), &quoted(log.as_os_str())].into_iter().collect());
            }
        }
        CommandLine { words, env: command.env.clone(), folder: command.folder.clone() }
    }

    /// What somebody types to see a session.
    pub fn by_hand(self, name: &str) -> String {
        match self {
            Holder::Screen => format!("screen -x {name}"),
            Holder::Tmux => format!("tmux -L {SERVER} attach -t {name}"),
        }
    }

    /// Lists the sessions, for [`Holder::sessions`].
    pub fn list(self) -> CommandLine {
        let words: &[&str] = match self {
            Holder::Screen => &["-ls"],
            Holder::Tmux => &["list-sessions", "-F", "#{session_attached} #{session_name}"],
        };
        self.line(words)
    }

    /// The names in such a list, and whether a terminal is attached. Those that were killed are not in it.
    pub fn sessions(self, listed: &str) -> Vec<(String, bool)> {
        let lines = listed.lines();
        match self {
            Holder::Screen => lines.filter_map(screen_line).collect(),
            Holder::Tmux => {
                let parts = lines.filter_map(|line| line.split_once(' '));
                parts.map(|(attached, name)| (name.to_owned(), attached != "0")).collect()
            }
        }
    }

    /// Ends a session and what runs in it.
    pub fn end(self, name: &str) -> CommandLine {
        match self {
            Holder::Screen => self.line(&["-S", name, "-X", "quit"]),
            Holder::Tmux => self.line(&["kill-session", "-t", &format!("={name}")]),
        }
    }

    /// Forgets what is left of a killed session.
    pub fn wipe(self, name: &str) -> Option<CommandLine> {
        match self {
            Holder::Screen => Some(self.line(&["-wipe", name])),
            Holder::Tmux => None,
        }
    }

    fn line(self, words: &[&str]) -> CommandLine {
        let mut line = CommandLine { words: self.words(), ..CommandLine::default() };
        line.words.extend(words.iter().map(OsString::from));
        line
    }

    /// The program, which is not to find out that the console itself runs in a screen or tmux.
    fn words(self) -> Vec<OsString> {
        let words: &[&str] = match self {
            Holder::Screen => &["env", "-u", "STY", "screen"],
            Holder::Tmux => &["env", "-u", "TMUX", "-u", "TMUX_PANE", "tmux", "-L", SERVER],
        };
        words.iter().map(OsString::from).collect()
    }
}

/// `\t4711.px-web1\t(11/25/26 03:54:47)\t(Attached)`: the name has no dot.
fn screen_line(line: &str) -> Option<(String, bool)> {
    let (number, rest) = line.strip_prefix('\t')?.split_once('.')?;
    let (name, state) = rest.split_once('\t')?;
    let (_, state) = state.rsplit_once('(')?;
    let lives = number.bytes().all(|byte| byte.is_ascii_digit()) && !state.contains("ead") && !state.contains('?');
    lives.then(|| (name.to_owned(), !state.starts_with("Detached")))
}

/// The words that set an environment in tmux: its server has one of its own.
pub fn environment(env: &[(OsString, OsString)]) -> Vec<OsString> {
    let short = env.iter().filter(|(_, value)| value.len() <= LONGEST);
    let pair = |(key, value): &(OsString, OsString)| [key.as_bytes(), b"=", value.as_bytes()].concat();
    short.flat_map(|set| ["-e".into(), unended(&OsString::from_vec(pair(set)))]).collect()
}

/// A word that ends in a semicolon would end tmux's command.
pub fn unended(word: &OsStr) -> OsString {
    match word.as_bytes().strip_suffix(b";") {
        Some(rest) => OsString::from_vec([rest, b"\\;"].concat()),
        None => word.to_owned(),
    }
}

/// One word for tmux's shell, after tmux has taken it for a format with times.
fn quoted(word: &OsStr) -> OsString {
    let mut quoted = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            b'#' => quoted.extend(b"##"),
            b'%' => quoted.extend(b"%%"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    OsString::from_vec(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &CommandLine) -> String {
        line.words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_session_is_found_or_begun() {
        let mut command = CommandLine::new(["ssh", "-o", "X=y;"]);
        command.env = vec![("PXE_A".into(), "b".into()), ("PXE_LONG".into(), "x".repeat(1_001).into())];
        let (log, settings) = (Path::new("/log/it's #1 50%"), Path::new("/run/rc"));
        let session = Session { name: "px-1", command: &command, log, settings };
        assert_eq!(
            words(&Holder::Screen.attach(session)),
            "env|-u|STY|screen|-c|/run/rc|-U|-L|-Logfile|/log/it's #1 50%|-S|px-1|-x|-RR|ssh|-o|X=y;"
        );
        assert_eq!(
            words(&Holder::Tmux.attach(session)),
            "env|-u|TMUX|-u|TMUX_PANE|tmux|-L|pxelator|-f|/run/rc|new-session|-A|-s|px-1|-e|PXE_A=b|--|ssh|-o|X=y\\;\
             |;|pipe-pane|-t|=px-1:|exec cat >>'/log/it'\\''s ##1 50%%'"
        );
        for holder in [Holder::Screen, Holder::Tmux] {
            assert!(holder.settings().1.contains(&SCROLL_BACK.to_string()));
            assert_eq!(holder.attach(session).env, command.env);
        }
    }

    #[test]
    fn what_runs() {
        let listed = "There are screens on:\n\t26099.px-a1\t(11/25/26 03:54:52)\t(Attached)\n\
            \t26100.px-a2\t(25.11.2026 03:54:52)\t(Detached)\n\t25959.px-a3\t(11/25/26 03:54:48)\t(Dead ???)\n\
            \t26101.px-a4\t(Multi, attached)\n\t1.x\t(Remote or dead)\n\
            Remove dead screens with 'screen -wipe'.\n2 Sockets in /run/screen/S-root.\n";
        let named = |found: Vec<(String, bool)>| found;
        assert_eq!(
            named(Holder::Screen.sessions(listed)),
            [("px-a1".to_owned(), true), ("px-a2".to_owned(), false), ("px-a4".to_owned(), true)]
        );
        assert_eq!(Holder::Screen.sessions("No Sockets found in /run/screen/S-root.\n"), []);
        assert_eq!(
            Holder::Tmux.sessions("1 px-a1\n0 px-a2\n2 px-a3\n"),
            [("px-a1".to_owned(), true), ("px-a2".to_owned(), false), ("px-a3".to_owned(), true)]
        );
    }

    #[test]
    fn the_end_of_one() {
        assert_eq!(words(&Holder::Screen.end("px-a1")), "env|-u|STY|screen|-S|px-a1|-X|quit");
        assert_eq!(
            words(&Holder::Tmux.end("px-a1")),
            "env|-u|TMUX|-u|TMUX_PANE|tmux|-L|pxelator|kill-session|-t|=px-a1"
        );
    }
}
