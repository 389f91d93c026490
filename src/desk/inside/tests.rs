//! Terminals with real programs in them.

use super::*;
use crate::desk::CommandLine;
use crossterm::event::{KeyCode, KeyModifiers};
use std::time::{Duration, Instant};

fn plan(words: &[&str]) -> Plan {
    let line = CommandLine::new(words.iter().copied());
    Plan {
        session: format!("test {}", words.join(" ")),
        title: "test".to_owned(),
        background: (0, 0, 64),
        foreground: (238, 238, 238),
        command: line.clone(),
        log: "/nonexistent".into(),
        attach: line,
    }
}

fn at_end() -> AtEnd {
    Arc::new(|_, how| format!("{how}!"))
}

fn wait<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{what}: not seen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn shown(terminal: &Terminal) -> String {
    terminal.look(|emulator| emulator.screen().contents())
}

fn press(terminals: &Terminals, id: Id, text: &str) {
    for c in text.chars() {
        let key = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
        assert_eq!(terminals.act(id, Act::Key(KeyEvent::new(key, KeyModifiers::NONE))), Done::Quietly);
    }
}

#[test]
fn a_program_runs_is_typed_to_and_its_end_is_told_with_its_last_words() {
    let terminals = Terminals::default();
    let id =
        terminals.open(plan(&["sh", "-c", "stty size; read x; echo got $x; exit 3"]), None, None, at_end()).unwrap();
    let terminal = terminals.get(id).unwrap();
    wait("the size", || shown(&terminal).contains("24 80").then_some(()));
    press(&terminals, id, "hello\n");
    assert_eq!(wait("the end", || terminal.ended()), "ended with exit code 3!");
    assert!(shown(&terminal).contains("got hello"), "{}", shown(&terminal));
    let before = terminals.generation.load(Ordering::Relaxed);
    assert_eq!(
        terminals.open(terminal.plan.clone(), None, None, at_end()),
        Ok(id),
        "an ended one is opened anew in its place"
    );
    assert!(terminals.generation.load(Ordering::Relaxed) > before);
    assert!(terminals.get(id).unwrap().ended().is_none());
    assert_eq!(terminals.act(id, Act::Close), Done::Quietly);
    assert!(terminals.list().is_empty());
}

#[test]
fn one_that_is_closed_leaves_no_process_and_no_thread() {
    let terminals = Terminals::default();
    // It does not hear the hang-up, and something else has its terminal too.
    let id =
        terminals.open(plan(&["sh", "-c", "trap '' HUP; sleep 601 & echo $$ $!; wait"]), None, None, at_end()).unwrap();
    let terminal = terminals.get(id).unwrap();
    let pids = wait("the pids", || {
        let shown = shown(&terminal);
        let pids: Vec<i32> = shown.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        (pids.len() == 2).then_some(pids)
    });
    terminals.act(id, Act::Close);
    wait("the end", || terminal.ended());
    assert!(!std::path::Path::new(&format!("/proc/{}", pids[0])).exists(), "no zombie");
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pids[1]), nix::sys::signal::Signal::SIGKILL);
    wait("the threads' end", || (Arc::strong_count(&terminal) == 1).then_some(()));
}

#[test]
fn a_size_that_was_told_too_early_is_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    let program = format!(
        "until test -e {}; do sleep 0.02; done; trap 'stty size' WINCH; echo begun; while :; do sleep 0.02; done",
        ready.display()
    );
    let terminals = Terminals::default();
    terminals.expect((22, 70));
    let id = terminals.open(plan(&["sh", "-c", &program]), None, None, at_end()).unwrap();
    let terminal = terminals.get(id).unwrap();
    assert_eq!(terminal.look(|emulator| emulator.screen().size()), (22, 70));
    terminals.fit(id, 20, 70);
    std::fs::write(ready, "").unwrap();
    wait("the size", || shown(&terminal).contains("20 70").then_some(()));
    terminals.act(id, Act::Close);
    wait("the end", || terminal.ended());
}

#[test]
fn what_cannot_be_started_is_told() {
    let error = Terminals::default().open(plan(&["/nonexistent/screen"]), None, None, at_end()).unwrap_err();
    assert!(error.starts_with("/nonexistent/screen cannot be started"), "{error}");
}

#[test]
fn a_flood_needs_no_memory_and_a_program_that_does_not_read_holds_up_nobody() {
    let terminals = Terminals::default();
    let id = terminals.open(plan(&["yes"]), None, None, at_end()).unwrap();
    let terminal = terminals.get(id).unwrap();
    wait("the flood", || (terminal.look(|emulator| emulator.rows().len()) >= emulator::LINES).then_some(()));
    assert!(terminal.look(|emulator| emulator.rows().len()) <= emulator::LINES + 24);
    terminals.act(id, Act::Close);
    // A line that is never ended would be thrown away by the kernel, and so be taken at once: in raw mode it waits.
    let command = plan(&["sh", "-c", "stty raw -echo; echo deaf; exec sleep 602"]);
    let deaf = terminals.open(command, None, None, at_end()).unwrap();
    let raw = terminals.get(deaf).unwrap();
    wait("raw mode", || shown(&raw).contains("deaf").then_some(()));
    let text = "x".repeat(700_000);
    assert_eq!(terminals.act(deaf, Act::Paste(text.clone())), Done::Quietly);
    assert_eq!(
        terminals.act(deaf, Act::Paste(text.clone())),
        Done::Word("it does not read what is typed; that was not sent".to_owned())
    );
    terminals.act(deaf, Act::Close);
    wait("the end", || terminal.ended());
}

#[test]
fn copied_text_can_be_pasted() {
    let terminals = Terminals::default();
    let id = terminals.open(plan(&["sh", "-c", "echo one two; cat"]), None, None, at_end()).unwrap();
    let terminal = terminals.get(id).unwrap();
    wait("the words", || shown(&terminal).contains("one two").then_some(()));
    assert_eq!(terminals.act(id, Act::PasteCopied), Done::Word("nothing was copied yet".to_owned()));
    terminals.act(id, Act::Freeze);
    assert_eq!(terminal.still().unwrap().len(), 24);
    let (one, other) = (Spot { up: 23, column: 4 }, Spot { up: 23, column: 6 });
    assert_eq!(terminals.act(id, Act::Copy(one, other)), Done::Copied("two".to_owned()));
    assert!(terminal.still().is_none());
    terminals.act(id, Act::PasteCopied);
    press(&terminals, id, "\n");
    wait("the paste", || (shown(&terminal).matches("two").count() == 3).then_some(()));
    terminals.act(id, Act::Close);
}
