//! Terminals in windows: the command line of each terminal program. Pure.

use super::{
    CommandLine, Plan,
    colour::hex,
    holder::{SCROLL_BACK, environment, unended},
    settings::Terminal,
};
use std::ffi::OsString;

/// Sets the colours of a terminal that takes none on its command line, then runs the rest.
const COLOURED: &str = r#"printf '\033]11;%s\007\033]10;%s\007' "$1" "$2"; shift 2; exec "$@""#;

/// Opens a window that runs `plan.attach`.
pub fn line(terminal: Terminal, plan: &Plan) -> CommandLine {
    let (back, front) = (hex(plan.background), hex(plan.foreground));
    let (title, lines) = (plan.title.as_str(), SCROLL_BACK.to_string());
    let words: Vec<String> = match terminal {
        Terminal::Xterm => {
            let looks = ["xterm", "-T", title, "-n", title, "-bg", &back, "-fg", &front, "-cr", &front];
            let ways = ["-sb", "-rightbar", "-sl", &lines, "-u8", "-xrm", "XTerm*allowTitleOps: false", "-e"];
            looks.into_iter().chain(ways).map(ToOwned::to_owned).collect()
        }
        Terminal::Foot => [
            "foot".to_owned(),
            format!("--title={title}"),
            "-o".to_owned(),
            format!("colors.background={}", back.trim_start_matches('#')),
            "-o".to_owned(),
            format!("colors.foreground={}", front.trim_start_matches('#')),
            "-o".to_owned(),
            format!("scrollback.lines={lines}"),
            "-o".to_owned(),
            "locked-title=yes".to_owned(),
            "--".to_owned(),
        ]
        .into(),
        Terminal::Kitty => [
            "kitty".to_owned(),
            format!("--title={title}"),
            "-o".to_owned(),
            format!("background={back}"),
            "-o".to_owned(),
            format!("foreground={front}"),
            "-o".to_owned(),
            format!("scrollback_lines={lines}"),
            "--".to_owned(),
        ]
        .into(),
        Terminal::Alacritty => [
            "alacritty".to_owned(),
            "--title".to_owned(),
            title.to_owned(),
            "-o".to_owned(),
            format!("colors.primary.background=\"{back}\""),
            "-o".to_owned(),
            format!("colors.primary.foreground=\"{front}\""),
            "-o".to_owned(),
            format!("scrolling.history={lines}"),
            "-o".to_owned(),
            "window.dynamic_title=false".to_owned(),
            "-e".to_owned(),
        ]
        .into(),
        Terminal::GnomeTerminal => {
            let title = format!("--title={title}");
            ["gnome-terminal", &title, "--", "sh", "-c", COLOURED, "sh", &back, &front].map(ToOwned::to_owned).into()
        }
        Terminal::Tmux => ["tmux", "new-window", "-n", title].map(ToOwned::to_owned).into(),
    };
    let mut words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    if terminal == Terminal::Tmux {
        words.extend(environment(&plan.attach.env));
        words.push("--".into());
        words.extend(plan.attach.words.iter().map(|word| unended(word)));
        let style = format!("bg={back},fg={front}");
        words.extend([";", "set-option", "-w", "window-style", &style].map(OsString::from));
        words.extend([";", "set-option", "-w", "automatic-rename", "off"].map(OsString::from));
    } else {
        words.extend(plan.attach.words.iter().cloned());
    }
    CommandLine { words, ..plan.attach.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            session: "px-1".into(),
            title: "web1 10.77.0.60 ssh".into(),
            background: (0x3d, 0x10, 0x10),
            foreground: (0xe8, 0xe8, 0xe8),
            command: CommandLine::default(),
            log: "/log".into(),
            attach: CommandLine {
                words: ["screen", "-S", "px-1", "a;"].map(OsString::from).into(),
                env: vec![("PXE_A".into(), "b".into())],
                folder: None,
            },
        }
    }

    #[test]
    fn each_terminal_program() {
        for (terminal, wanted) in [
            (
                Terminal::Xterm,
                "xterm|-T|web1 10.77.0.60 ssh|-n|web1 10.77.0.60 ssh|-bg|#3d1010|-fg|#e8e8e8|-cr|#e8e8e8|-sb|-rightbar|\
                 -sl|20000|-u8|-xrm|XTerm*allowTitleOps: false|-e|screen|-S|px-1|a;",
            ),
            (
                Terminal::Foot,
                "foot|--title=web1 10.77.0.60 ssh|-o|colors.background=3d1010|-o|colors.foreground=e8e8e8|-o|\
                 scrollback.lines=20000|-o|locked-title=yes|--|screen|-S|px-1|a;",
            ),
            (
                Terminal::Kitty,
                "kitty|--title=web1 10.77.0.60 ssh|-o|background=#3d1010|-o|foreground=#e8e8e8|-o|\
                 scrollback_lines=20000|--|screen|-S|px-1|a;",
            ),
            (
                Terminal::Alacritty,
                "alacritty|--title|web1 10.77.0.60 ssh|-o|colors.primary.background=\"#3d1010\"|-o|\
                 colors.primary.foreground=\"#e8e8e8\"|-o|scrolling.history=20000|-o|window.dynamic_title=false|-e|\
                 screen|-S|px-1|a;",
            ),
            (
                Terminal::Tmux,
                "tmux|new-window|-n|web1 10.77.0.60 ssh|-e|PXE_A=b|--|screen|-S|px-1|a\\;|;|set-option|-w|window-style|\
                 bg=#3d1010,fg=#e8e8e8|;|set-option|-w|automatic-rename|off",
            ),
        ] {
            let line = line(terminal, &plan());
            let words = line.words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join("|");
            assert_eq!(words, wanted);
            assert_eq!(line.env, plan().attach.env);
            assert_eq!(line.words[0], terminal.program());
        }
        let words = line(Terminal::GnomeTerminal, &plan()).words;
        assert_eq!(words[..4], ["gnome-terminal", "--title=web1 10.77.0.60 ssh", "--", "sh"].map(OsString::from));
        assert_eq!(words[7..], ["#3d1010", "#e8e8e8", "screen", "-S", "px-1", "a;"].map(OsString::from));
    }
}
