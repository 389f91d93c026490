//! An X display that nobody looks at: Xvfb, with keys and eyes by xdotool and ImageMagick.

use super::{Running, SOON, run, wait_for};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

/// What must be there for it.
pub const NEEDED: &[&str] = &["Xvfb", "xterm", "screen", "tmux", "xdotool", "import"];

/// A display of the test's own.
pub struct Display {
    _server: Running,
    /// Its name for `DISPLAY`.
    pub name: String,
}

/// A window on it, by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window(String);

impl Display {
    /// Starts a server and waits until it takes clients.
    pub fn open() -> Display {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-ac", "-noreset"]);
        let mut server = Running::spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut number = String::new();
        BufReader::new(server.child().stdout.as_mut().unwrap()).read_line(&mut number).unwrap();
        let name = format!(":{}", number.trim());
        assert_ne!(name, ":", "Xvfb did not start");
        Display { _server: server, name }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name).env("LC_ALL", "C.UTF-8");
        command
    }

    fn xdotool(&self, words: &[&str]) -> Option<String> {
        let output = self.command("xdotool").args(words).stdin(Stdio::null()).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The windows that are seen and whose title is this, as an expression of grep(1).
    pub fn windows(&self, title: &str) -> Vec<Window> {
        let wanted = format!("^{title}$");
        let found = self.xdotool(&["search", "--onlyvisible", "--name", &wanted]).unwrap_or_default();
        found.lines().map(|number| Window(number.to_owned())).collect()
    }

    /// The titles of all windows that are seen.
    pub fn titles(&self) -> Vec<String> {
        let found = self.xdotool(&["search", "--onlyvisible", "--name", "."]).unwrap_or_default();
        found.lines().filter_map(|number| Some(self.xdotool(&["getwindowname", number])?.trim().to_owned())).collect()
    }

    /// The process of the window with this title.
    pub fn pid_of(&self, title: &str) -> i32 {
        let found = self.xdotool(&["search", "--onlyvisible", "--name", "."]).unwrap_or_default();
        let named = |number: &&str| self.xdotool(&["getwindowname", number]).is_some_and(|name| name.trim() == title);
        self.pid(&Window(found.lines().find(named).unwrap().to_owned()))
    }

    /// The process whose window it is.
    pub fn pid(&self, window: &Window) -> i32 {
        let pid = wait_for("the window's process", SOON, || self.xdotool(&["getwindowpid", &window.0]));
        pid.trim().parse().unwrap()
    }

    /// Brings a window before all others.
    pub fn show(&self, window: &Window) {
        assert!(self.xdotool(&["windowraise", &window.0]).is_some());
    }

    /// Types a line into a window, as a keyboard does.
    pub fn type_line(&self, window: &Window, line: &str) {
        for words in [
            ["windowraise", &window.0].as_slice(),
            &["windowfocus", "--sync", &window.0],
            &["type", "--delay", "5", line],
            &["key", "Return"],
        ] {
            assert!(self.xdotool(words).is_some(), "xdotool {words:?}");
        }
    }

    /// Presses a key in a window, by xdotool's name for it: `ctrl+c`.
    pub fn key(&self, window: &Window, key: &str) {
        for words in [["windowfocus", "--sync", &window.0].as_slice(), &["key", key]] {
            assert!(self.xdotool(words).is_some(), "xdotool {words:?}");
        }
    }

    /// The commonest colour of a window: `#3d1010`.
    pub fn background(&self, window: &Window) -> String {
        let mut image = self.command("import");
        // A window that is just opening may be no picture yet.
        image.args(["-window", &window.0, "-depth", "8", "-format", "%c", "histogram:info:-"]);
        let counted = image.stdin(Stdio::null()).output().unwrap();
        let counted = String::from_utf8_lossy(&counted.stdout).into_owned();
        // `  12345: (61,16,16) #3D1010 srgb(61,16,16)`
        let counts = counted.lines().filter_map(|line| {
            let (count, rest) = line.trim().split_once(':')?;
            let colour = rest.split_whitespace().find(|word| word.starts_with('#'))?;
            Some((count.parse::<u64>().ok()?, colour.to_lowercase()))
        });
        counts.max().map(|(_, colour)| colour).unwrap_or_default()
    }

    /// Writes the whole display to a picture, for a person to look at.
    pub fn picture(&self, file: &std::path::Path) {
        run(self.command("import").args(["-window", "root"]).arg(file));
    }
}
