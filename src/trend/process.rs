//! What a process of this host uses, as `/proc` tells it (proc(5)). Knows no machine.

use std::{fs, time::Duration};

/// The unit of times in `/proc/PID/stat`: Linux tells them in hundredths of a second (USER_HZ) on all platforms.
const TICKS: u64 = 100;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Time on processors, of all its threads.
    pub cpu: Duration,
    /// Bytes of memory that it has in use now.
    pub memory: u64,
}

/// That of a process; none where it is gone.
pub fn used(pid: u32) -> Option<Used> {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
    parse(&read("stat")?, &read("status")?)
}

/// The name in `stat` may have spaces and parentheses of its own; the 12th and 13th word after it are the times.
fn parse(stat: &str, status: &str) -> Option<Used> {
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: Vec<u64> = rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse().ok()).collect();
    let [user, system] = ticks.as_slice() else { return None };
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = resident.split_whitespace().next()?.parse().ok()?;
    let cpu = Duration::from_millis((user + system) * 1000 / TICKS);
    Some(Used { cpu, memory: kilobytes * 1024 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words() {
        let stat = "42 (qemu) x) (y) S 1 42 42 0 -1 4194624 1 0 0 0 250 150 0 0 20 0 3 0 1 2 3";
        let status = "Name:\tqemu\nVmPeak:\t 10 kB\nVmRSS:\t   2048 kB\n";
        let wanted = Used { cpu: Duration::from_secs(4), memory: 2 << 20 };
        assert_eq!(parse(stat, status), Some(wanted));
        assert_eq!((parse("42 (x", status), parse(stat, "")), (None, None));
        let own = used(std::process::id()).unwrap();
        assert!(own.memory > 1 << 20, "{own:?}");
    }
}
