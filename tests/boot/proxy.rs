//! Beside another DHCP server (dnsmasq), which gives the addresses: PXElator only says what to boot.

use crate::support::{
    Host, Program, Running, Segment, can_run,
    vm::{self, Stage, Vm},
};
use pxelator::event::{Fact, Service};

/// dnsmasq as a DHCP server that knows nothing of booting.
struct Other {
    _process: Running,
    _host: Host,
}

impl Other {
    fn start(segment: &Segment, machine: &Vm<'_>) -> Other {
        let host = segment.host("other", "52:54:00:77:00:02");
        host.address("10.77.0.2");
        let reservation = format!("--dhcp-host={},{},{}", machine.mac, machine.address, machine.hostname);
        let mut command = host.command("dnsmasq");
        command.current_dir(host.folder()).args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--pid-file",
            "--user=root",
            "--port=0",
            "--interface=eth0",
            "--dhcp-range=10.77.0.50,10.77.0.90,10m",
            "--dhcp-authoritative",
            "--no-ping",
            "--dhcp-option=option:dns-server,10.77.0.1",
            "--dhcp-option=option:domain-name,test.lan",
            "--dhcp-leasefile=leases",
            &reservation,
        ]);
        Other { _process: Running::spawn(&mut command), _host: host }
    }
}

fn proxied(port: u16, file: &'static str) -> Stage {
    vm::stage(
        &format!("{file} told on port {port}"),
        move |fact| matches!(fact, Fact::DhcpProxied { boot_file: Some(f), port: p, .. } if f == file && *p == port),
    )
}

fn boots(firmware: &str, last: u8, stages: &[Stage]) {
    if !can_run(&[vm::NEEDED, &["dnsmasq"]].concat()) {
        return;
    }
    let segment = Segment::new(&format!("proxy-{firmware}"));
    vm::equip(&segment);
    segment.conf("10.77.0.1/mode", "proxy");
    // The server of its lease is the other one, so that the guest must be told where to log and fetch.
    segment.conf("boot/practice/append", "console=ttyS0 guest=stay server={{ segment.server }}");
    let machine = Vm::new(&segment, last, "proxied", firmware);
    let _other = Other::start(&segment, &machine);
    let program = Program::launch(&segment, &["--power-on", "proxied"]);
    machine.passes(&program, stages);
    machine.wait_until_up();
    machine.passes(&program, &[vm::completed()]);
    assert!(machine.said().contains("practice: leased 10.77.0."), "{}", machine.console());
    let gave = |fact: &Fact| matches!(fact, Fact::DhcpOffered { .. } | Fact::DhcpAcknowledged { .. });
    assert!(!program.events().iter().any(|event| event.service() == Service::Dhcp && gave(&event.fact)));
}

#[test]
fn a_bios_machine_comes_up_beside_another_server() {
    let script = "http://10.77.0.1/boot.ipxe?mac=52-54-00-77-00-3c";
    let stages = [
        vm::discovered(true),
        proxied(67, script),
        vm::got("boot.ipxe"),
        vm::got("practice/vmlinuz"),
        vm::system_logged(),
    ];
    boots("bios", 60, &stages);
}

#[test]
fn a_uefi_machine_comes_up_beside_another_server() {
    let script = "http://10.77.0.1/boot.ipxe?mac=52-54-00-77-00-3d";
    let stages = [
        vm::discovered(false),
        proxied(67, "ipxe.efi"),
        vm::got("ipxe.efi"),
        proxied(67, script),
        vm::got("boot.ipxe"),
        vm::got("practice/vmlinuz"),
        vm::system_logged(),
    ];
    boots("uefi", 61, &stages);
}
