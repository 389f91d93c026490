//! How much goes through the interfaces: the kernel's counters, and the rates between two looks at them.

use super::Interface;
use std::{collections::BTreeMap, fs, io, net::Ipv4Addr, time::Duration};

/// What went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Packets, since the interface is there.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Both ways, as seen from this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Received.
    pub received: Count,
    /// Sent.
    pub sent: Count,
}

/// What goes one way in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Packets.
    pub packets: u64,
    /// Bits.
    pub bits: u64,
}

/// What goes through an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Its name.
    pub interface: String,
    /// Its IPv4 addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// What is received.
    pub received: Rate,
    /// What is sent.
    pub sent: Rate,
}

/// Looks at the counters again and again.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    last: BTreeMap<String, Counters>,
}

impl Meter {
    /// The interfaces that are up, with what went through since the last look, `elapsed` ago. Errors are those of reading
    /// `/proc/thread-self/net/dev`, which is that of this thread's network namespace, and of getifaddrs(3).
    pub fn look(&mut self, elapsed: Duration) -> io::Result<Vec<Traffic>> {
        let counters = parse(&fs::read_to_string("/proc/thread-self/net/dev")?);
        let up = Interface::all()?.into_iter().filter(|interface| interface.up);
        Ok(self.fold(up, counters, elapsed))
    }

    fn fold(
        &mut self,
        up: impl Iterator<Item = Interface>,
        counters: BTreeMap<String, Counters>,
        elapsed: Duration,
    ) -> Vec<Traffic> {
        let traffic = up.map(|Interface { name, addresses, .. }| {
            let now = counters.get(&name).copied().unwrap_or_default();
            // One that is new has no rate yet.
            let before = self.last.get(&name).copied().unwrap_or(now);
            let received = rate(before.received, now.received, elapsed);
            let sent = rate(before.sent, now.sent, elapsed);
            Traffic { interface: name, addresses, received, sent }
        });
        let traffic = traffic.collect();
        self.last = counters;
        traffic
    }
}

/// Counters that went back are those of another interface of the same name.
fn rate(before: Count, now: Count, elapsed: Duration) -> Rate {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let of = |before: u64, now: u64| now.saturating_sub(before).saturating_mul(1000) / millis;
    Rate { packets: of(before.packets, now.packets), bits: of(before.bytes, now.bytes).saturating_mul(8) }
}

/// Reads `/proc/net/dev` (proc(5)): two lines of heads, then an interface a line, with eight numbers each way.
fn parse(text: &str) -> BTreeMap<String, Counters> {
    let lines = text.lines().filter_map(|line| {
        let (name, numbers) = line.split_once(':')?;
        let numbers: Vec<u64> = numbers.split_whitespace().map_while(|number| number.parse().ok()).collect();
        let count = |at: usize| Some(Count { bytes: *numbers.get(at)?, packets: *numbers.get(at + 1)? });
        Some((name.trim().to_owned(), Counters { received: count(0)?, sent: count(8)? }))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: &str = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
";

    fn dev(lines: &str) -> BTreeMap<String, Counters> {
        parse(&format!("{HEADS}{lines}"))
    }

    fn up(name: &str) -> Interface {
        Interface { name: name.to_owned(), index: 2, mac: None, addresses: vec![[10, 77, 0, 1].into()], up: true }
    }

    #[test]
    fn the_kernels_table() {
        let read = dev("    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
   br0: 1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0
  odd: 1 2 3
eth0.7:18446744073709551615 4 0 0 0 0 0 0 5 6 0 0 0 0 0 0\n");
        let names: Vec<&str> = read.keys().map(String::as_str).collect();
        assert_eq!(names, ["br0", "eth0.7", "lo"], "a line that is cut off is none");
        let count = |packets, bytes| Count { packets, bytes };
        assert_eq!(read["br0"], Counters { received: count(10, 1000), sent: count(20, 2000) });
        assert_eq!(read["eth0.7"].received, count(4, u64::MAX));
    }

    #[test]
    fn rates_between_two_looks() {
        let mut meter = Meter::default();
        let line = |received: (u64, u64), sent: (u64, u64)| {
            let ((rb, rp), (sb, sp)) = (received, sent);
            dev(&format!("br0: {rb} {rp} 0 0 0 0 0 0 {sb} {sp} 0 0 0 0 0 0\n"))
        };
        let mut rates = |counters, millis| {
            let traffic = meter.fold([up("br0")].into_iter(), counters, Duration::from_millis(millis));
            let [Traffic { received, sent, .. }] = traffic.as_slice() else { panic!("{traffic:?}") };
            ((received.packets, received.bits), (sent.packets, sent.bits))
        };
        assert_eq!(rates(line((5000, 50), (9, 9)), 1000), ((0, 0), (0, 0)), "the first look");
        assert_eq!(rates(line((6000, 60), (9, 9)), 1000), ((10, 8000), (0, 0)));
        assert_eq!(rates(line((6000, 60), (1009, 10)), 500), ((0, 0), (2, 16_000)));
        assert_eq!(rates(line((1, 1), (1, 1)), 1000), ((0, 0), (0, 0)), "another of this name");
        assert_eq!(rates(line((9, 9), (9, 9)), 0), ((8000, 64_000), (8000, 64_000)), "no time at all");
        assert_eq!(rates(BTreeMap::new(), 1000), ((0, 0), (0, 0)), "gone between the two questions");
    }

    #[test]
    fn this_hosts() {
        let traffic = Meter::default().look(Duration::from_secs(1)).unwrap();
        assert!(traffic.iter().all(|traffic| traffic.received == Rate::default()), "{traffic:?}");
    }
}
