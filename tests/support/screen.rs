//! A terminal that a person would sit at: tmux, with the keys and the screen of the real console.

use super::{SOON, Segment, run, wait_for};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// A tmux server of its own with one window.
pub struct Screen {
    socket: PathBuf,
    /// The server's process.
    server: Pid,
}

impl Screen {
    /// Runs a shell line in the segment's namespace and folder, in a terminal of `width` by `height`.
    pub fn open(segment: &Segment, width: u16, height: u16, line: &str) -> Screen {
        // A server that is ending still answers on its socket.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let socket = segment.folder.path().join(format!("tmux{}", COUNT.fetch_add(1, Relaxed)));
        let mut screen = Screen { socket, server: Pid::this() };
        let size = ["-x".to_owned(), width.to_string(), "-y".to_owned(), height.to_string()];
        let mut command = screen.command(&["-f", "/dev/null", "new-session", "-d"]);
        command.args(size).arg(format!("ip netns exec {} sh -c '{line}'; sleep 600", segment.name));
        command.current_dir(segment.folder.path()).env("LC_ALL", "C.UTF-8").env_remove("TMUX").env_remove("COLORTERM");
        run(&mut command);
        screen.server = Pid::from_raw(screen.value("pid").parse().unwrap());
        screen
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).args(words);
        command
    }

    /// Types keys by tmux's names for them: `j`, `Enter`, `Escape`.
    pub fn keys(&self, keys: &[&str]) {
        run(self.command(&["send-keys"]).args(keys));
    }

    /// Types text as it is.
    pub fn text(&self, text: &str) {
        run(&mut self.command(&["send-keys", "-l", "--", text]));
    }

    /// What stands on the screen.
    pub fn shown(&self) -> String {
        run(&mut self.command(&["capture-pane", "-p"]))
    }

    /// The same with its colours, as a terminal's escape sequences.
    pub fn coloured(&self) -> String {
        run(&mut self.command(&["capture-pane", "-p", "-e"]))
    }

    /// Waits until `words` stand on the screen; returns it.
    pub fn wait(&self, words: &str) -> String {
        self.wait_until(words, |shown| shown.contains(words))
    }

    /// Waits until the screen is as wanted; returns it.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(what, SOON, || {
                last = self.shown();
                wanted(&last).then(|| last.clone())
            })
        }));
        seen.unwrap_or_else(|_| panic!("{what}: not on the screen:\n{last}"))
    }

    /// From now on each bell of the terminal runs a shell line.
    pub fn on_bell(&self, line: &str) {
        run(&mut self.command(&["set-hook", "-g", "alert-bell", &format!("run-shell \"{line}\"")]));
    }

    /// From now on programs may fill the terminal's clipboard (OSC 52).
    pub fn accept_clipboard(&self) {
        run(&mut self.command(&["set-option", "-s", "set-clipboard", "on"]));
    }

    /// What is in the clipboard; empty where nothing is.
    pub fn clipboard(&self) -> String {
        let shown = self.command(&["show-buffer"]).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).into_owned()
    }

    /// Makes the terminal larger or smaller.
    pub fn resize(&self, width: u16, height: u16) {
        let (width, height) = (width.to_string(), height.to_string());
        run(&mut self.command(&["resize-window", "-x", &width, "-y", &height]));
    }

    /// A value of the terminal by tmux's name for it: `alternate_on`, `mouse_any_flag`.
    pub fn value(&self, name: &str) -> String {
        run(&mut self.command(&["display-message", "-p", &format!("#{{{name}}}")])).trim().to_owned()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let asked = self.command(&["kill-server"]).output();
        // Its socket is in the segment's folder, which may be gone before it.
        if !asked.is_ok_and(|asked| asked.status.success()) && !self.socket.exists() && self.server != Pid::this() {
            let _ = kill(self.server, Signal::SIGTERM);
        }
    }
}
