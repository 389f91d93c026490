//! A network segment of the test's own, hosts on it, and the real program serving it.
#![allow(dead_code, unused_imports)] // each test file uses a part of it

pub mod amt;
pub mod bmc;
pub mod browser;
pub mod couch;
pub mod debian;
mod dhcp;
pub mod display;
mod driven;
mod frame;
pub mod machine;
pub mod origin;
mod program;
mod proxy;
mod record;
pub mod replica;
mod running;
mod screen;
mod segment;
mod station;
#[path = "../../benches/backlog/story.rs"]
pub mod story;
pub mod strangers;
mod tried;
pub mod vm;
mod way;

pub use couch::Couch;
pub use debian::Debian;
pub use dhcp::Client;
pub use display::Display;
pub use driven::{PYPI_AMT, drive, with_pypi_amt};
pub use machine::Machine;
pub use program::Program;
pub use proxy::{Fault, Proxy};
pub use record::Record;
pub use running::Running;
pub use screen::Screen;
pub use segment::{Host, Segment, WEB1, hear, run};
pub use station::{CLIENT, Got, SERVER, Station, by_broadcast, kind, option, pxe, server};
pub use tried::{SCHEMATHESIS, schemathesis};
pub use way::Way;

use std::{
    process::Command,
    time::{Duration, Instant},
};

/// How long tests wait for what should come soon, on a host that has much else to do. Who waits goes on as soon as it comes.
pub const SOON: Duration = Duration::from_secs(60);

/// True where a test that needs all of `programs` and root can run. Otherwise says `skipped: why`, which is a
/// failure where CI is set.
pub fn can_run(programs: &[&str]) -> bool {
    let mut missing: Vec<String> = Vec::new();
    if !nix::unistd::Uid::effective().is_root() {
        missing.push("root".to_owned());
    }
    for program in programs.iter().chain(&["ip"]) {
        let installed = match *program {
            couch::POUCHDB => Some(couch::is_installed()),
            browser::AXE => Some(browser::is_installed()),
            bmc::SUSHY => Some(bmc::is_installed()),
            tried::SCHEMATHESIS => Some(tried::is_installed()),
            driven::PYPI_AMT => Some(driven::is_installed()),
            _ => None,
        };
        if let Some(installed) = installed {
            if !installed {
                missing.push(format!("{program} (./dev test installs it)"));
            }
            continue;
        }
        let found =
            Command::new("sh").args(["-c", &format!("PATH=$PATH:/usr/sbin:/sbin command -v {program}")]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            missing.push((*program).to_owned());
        }
    }
    if missing.is_empty() {
        return true;
    }
    let why = format!("needs {}", missing.join(", "));
    assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped: {why}");
    println!("skipped: {why}");
    false
}

/// Asks `question` until it answers, for at most `patience`.
pub fn wait_for<T>(what: &str, patience: Duration, mut question: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(began.elapsed() < patience, "{what}: not seen within {patience:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Bytes that repeat nowhere near, so that a block at the wrong place is found out.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
