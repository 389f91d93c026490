//! Who asks: the machine behind an address, from conf, leases or the kernel's neighbours.

use super::Context;
use crate::{
    boot::{self, Asker, Standing},
    conf::{Machine, Segment},
    event::now,
    net::Mac,
};
use std::net::Ipv4Addr;

/// Who has `address` on this segment, as far as that is known.
pub fn asker<'a>(context: &Context, segment: &'a Segment, address: Ipv4Addr) -> Asker<'a> {
    let (mac, machine) = who(context, segment, address);
    Asker { address, mac, machine, standing: standing(context, segment, mac) }
}

/// The same without how it stands, for who serves many in a second: its hardware address, and the machine of conf.
pub fn who<'a>(context: &Context, segment: &'a Segment, address: Ipv4Addr) -> (Option<Mac>, Option<&'a Machine>) {
    if let Some(machine) = segment.machines.get(&address) {
        return (Some(machine.mac), Some(machine));
    }
    let mac = leased(context, address).or_else(|| neighbour(&context.interface.name, address));
    (mac, mac.and_then(|mac| segment.machine_by_mac(mac)).map(AsRef::as_ref))
}

/// How the machine with this hardware address stands.
pub fn standing(context: &Context, segment: &Segment, mac: Option<Mac>) -> Standing {
    let Some(mac) = mac else { return Standing::default() };
    let conf = context.conf.borrow().clone();
    let once = segment.machine_by_mac(mac).and_then(|machine| machine.boot_once.as_ref());
    let tries = boot::tries(once.and_then(|once| boot::find(&conf, &once.profile)));
    let state = context.state.read();
    let machine = state.machine(context.segment, mac);
    let unheard = || Standing { token: context.key.token(mac, None), ..Standing::default() };
    machine.map_or_else(unheard, |machine| machine.standing(&context.key, tries, now()))
}

/// The secrets in the answer file `path` were told to who asks since it is armed.
pub fn was_told(context: &Context, asker: &Asker<'_>, path: &str) -> bool {
    let (Some(file), Some(mac)) = (boot::answer_file(path), asker.mac) else { return false };
    let state = context.state.read();
    state.machine(context.segment, mac).is_some_and(|machine| machine.was_told(&file))
}

fn leased(context: &Context, address: Ipv4Addr) -> Option<Mac> {
    let state = context.state.read();
    let lease = state.segments.get(&context.segment)?.leases.get(address)?;
    lease.is_active(now()).then_some(lease.mac)
}

fn neighbour(interface: &str, address: Ipv4Addr) -> Option<Mac> {
    let table = std::fs::read_to_string("/proc/net/arp").ok()?;
    find(&table, interface, address)
}

/// Columns: address, type, flags, hardware address, mask, device (proc(5)).
fn find(table: &str, interface: &str, address: Ipv4Addr) -> Option<Mac> {
    let address = address.to_string();
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let here = columns.first() == Some(&address.as_str()) && columns.get(5) == Some(&interface);
        let mac: Mac = columns.get(3).filter(|_| here)?.parse().ok()?;
        (!mac.is_nobody()).then_some(mac)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_neighbours() {
        let table = "IP address  HW type  Flags  HW address  Mask  Device\n\
            10.77.0.9  0x1  0x2  52:54:00:00:00:09  *  br0\n10.77.0.8  0x1  0x0  00:00:00:00:00:00  *  br0\n";
        let at = |last| find(table, "br0", Ipv4Addr::new(10, 77, 0, last));
        assert_eq!((at(9), at(8), at(7)), ("52:54:00:00:00:09".parse().ok(), None, None));
        assert_eq!(find(table, "br1", Ipv4Addr::new(10, 77, 0, 9)), None);
    }
}
