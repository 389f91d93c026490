//! Who is on the segment: strangers, neighbours, other DHCP servers, addresses that two have.

use crate::support::{Program, Running, SOON, Segment, can_run, run};
use nix::sys::signal::Signal;
use pxelator::event::{Event, Fact, Sighting};
use std::{process::Command, time::Duration};

fn seen(event: &Event, wanted: &str) -> bool {
    matches!(event.fact, Fact::HostSeen { .. }) && event.mac.is_some_and(|mac| mac.to_string() == wanted)
}

#[test]
fn a_stranger_is_told_once_with_its_maker_also_over_a_restart() {
    if !can_run(&["ping"]) {
        return;
    }
    const STRANGER: &str = "b8:27:eb:00:00:01";
    let (segment, web1) = Segment::with_web1("hosts");
    let program = Program::start(&segment);
    let host = segment.host("pi", STRANGER);
    host.address("10.77.0.99");
    host.sh("ping -c 1 -W 5 10.77.0.1");
    let event = program.wait("the stranger", |event| seen(event, STRANGER));
    let Fact::HostSeen { by: Sighting::Arp, vendor: Some(vendor), .. } = &event.fact else { panic!("{event:?}") };
    assert!(vendor.contains("Raspberry"), "{vendor}");
    assert_eq!(event.machine.map(|address| address.to_string()).as_deref(), Some("10.77.0.99"));
    // One of conf is no stranger.
    web1.sh("ping -c 1 -W 5 10.77.0.1");
    drop(program);
    let program = Program::start(&segment);
    host.sh("ip neigh flush all; ping -c 1 -W 5 10.77.0.1");
    let other = segment.host("other", "b8:27:eb:00:00:02");
    other.address("10.77.0.98");
    other.sh("ping -c 1 -W 5 10.77.0.1");
    program.wait("the other", |event| seen(event, "b8:27:eb:00:00:02"));
    let told: Vec<Event> =
        program.events().into_iter().filter(|event| matches!(event.fact, Fact::HostSeen { .. })).collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn another_dhcp_server_is_named_with_its_mac_though_nobody_asks_it() {
    if !can_run(&["dnsmasq", "udhcpc"]) {
        return;
    }
    const RIVAL: &str = "52:54:00:77:00:02";
    let segment = Segment::new("rival");
    segment.conf("10.77.0.1/pool", "10.77.0.100-150");
    let program = Program::start(&segment);
    let host = segment.host("rival", RIVAL);
    host.address("10.77.0.2");
    let leases = host.folder().join("leases");
    let mut dnsmasq = host.command("dnsmasq");
    dnsmasq
        .args(["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=eth0", "--bind-interfaces"])
        .arg("--dhcp-range=10.77.0.200,10.77.0.220,1h")
        .arg(format!("--dhcp-leasefile={}", leases.display()));
    let running = Running::start(&mut dnsmasq);
    // The issue's own bound.
    let found = program
        .wait_for("the other server", Duration::from_secs(10), |event| matches!(event.fact, Fact::RivalFound { .. }));
    let Fact::RivalFound { server, offered: Some(offered), .. } = found.fact else { panic!("{found:?}") };
    assert_eq!((server.to_string().as_str(), found.mac.unwrap().to_string().as_str()), ("10.77.0.2", RIVAL));
    assert!((200..=220).contains(&offered.octets()[3]), "{offered}");
    // It has no lease for being asked, and this server did not answer itself.
    assert_eq!(std::fs::read_to_string(&leases).unwrap_or_default(), "");
    let own = program.events().into_iter().filter(|event| event.kind().starts_with("dhcp.")).count();
    assert_eq!(own, 0);
    drop(running);
    let gone = |event: &Event| matches!(event.fact, Fact::RivalGone { .. });
    program.wait_for("that it is gone", Duration::from_secs(60), gone);
    let found = program.events().into_iter().filter(|event| matches!(event.fact, Fact::RivalFound { .. }));
    assert_eq!(found.count(), 1);
    // A client is served all the same.
    let client = segment.host("client", "52:54:00:77:00:70");
    assert!(client.sh("udhcpc -i eth0 -n -q -t 5 -T 2 -s /bin/true").status.success());
}

#[test]
fn beside_another_server_that_is_wanted_none_is_a_rival() {
    if !can_run(&["dnsmasq", "udhcpc"]) {
        return;
    }
    let segment = Segment::new("beside");
    segment.conf("10.77.0.1/mode", "proxy");
    let program = Program::start(&segment);
    let host = segment.host("server", "52:54:00:77:00:02");
    host.address("10.77.0.2");
    let mut dnsmasq = host.command("dnsmasq");
    dnsmasq.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",
        "--interface=eth0",
        "--bind-interfaces",
    ]);
    dnsmasq.args(["--dhcp-range=10.77.0.200,10.77.0.220,1h", "--no-ping"]);
    dnsmasq.arg(format!("--dhcp-leasefile={}", host.folder().join("leases").display()));
    let _running = Running::start(&mut dnsmasq);
    let client = segment.host("client", "52:54:00:77:00:70");
    crate::support::wait_for("a lease of the other server", SOON, || {
        client.sh("udhcpc -B -i eth0 -n -q -t 3 -T 1 -s /bin/true").status.success().then_some(())
    });
    program.wait("who answered the client", |event| seen(event, "52:54:00:77:00:02"));
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::RivalFound { .. })));
}

#[test]
fn two_cards_with_one_address_are_told_and_when_one_is_gone() {
    if !can_run(&["busybox"]) {
        return;
    }
    let (segment, web1) = Segment::with_web1("twice");
    let program = Program::start(&segment);
    program.wait("its ping", |event| matches!(&event.fact, Fact::CheckPassed { check, .. } if check == "ping"));
    web1.sh("busybox arping -c 1 -U -I eth0 10.77.0.60");
    let twin = segment.host("twin", "52:54:00:77:00:61");
    twin.address("10.77.0.60");
    twin.sh("busybox arping -c 1 -U -I eth0 10.77.0.60");
    let told = program.wait("two with one address", |event| matches!(event.fact, Fact::AddressContested { .. }));
    let Fact::AddressContested { address, macs } = told.fact else { panic!("{told:?}") };
    let macs: Vec<String> = macs.iter().map(ToString::to_string).collect();
    assert_eq!(
        (address.to_string().as_str(), macs.join(" ")),
        ("10.77.0.60", "52:54:00:77:00:60 52:54:00:77:00:61".into())
    );
    run(Command::new("ip").args(["-n", &segment.name, "link", "set", "h-twin", "down"]));
    let settled = |event: &Event| matches!(event.fact, Fact::AddressSettled { .. });
    program.wait_for("that it is settled", Duration::from_secs(60), settled);
}

#[test]
fn a_host_tells_its_name_by_mdns_and_a_switch_its_port_by_lldp() {
    if !can_run(&["avahi-daemon", "lldpd", "tcpdump", "unshare"]) {
        return;
    }
    const HOST: &str = "b8:27:eb:00:00:03";
    const LATER: &str = "b8:27:eb:00:00:04";
    let segment = Segment::new("tell");
    let mut program = Program::start(&segment);
    let host = segment.host("tells", HOST);
    host.address("10.77.0.97");
    let avahi = host.folder().join("avahi.conf");
    let words = "[server]\nhost-name=printer\nuse-ipv6=no\nallow-interfaces=eth0\nenable-dbus=no\n\
        [publish]\ndisable-publishing=no\npublish-addresses=yes\n";
    std::fs::write(&avahi, words).unwrap();
    // Each with a /run and a host name of its own: there is one of both on a host.
    let alone = |line: &str| {
        let mut command = host.command("unshare");
        command.args([
            "--mount",
            "--uts",
            "sh",
            "-c",
            &format!("mount -t tmpfs none /run && hostname switch1 && {line}"),
        ]);
        Running::start(&mut command)
    };
    let file = avahi.display();
    let _avahi = alone(&format!(
        "mkdir -p /run/avahi-daemon && exec avahi-daemon -f {file} --no-drop-root --no-chroot --no-rlimits"
    ));
    program.wait("the host's name", |event| {
        seen(event, HOST) && matches!(&event.fact, Fact::HostSeen { name: Some(name), .. } if name == "printer")
    });
    let lldpd = || alone("mkdir -p /run/lldpd && exec lldpd -d -I eth0 -u /run/lldpd.socket");
    let switch = lldpd();
    let told = program.wait("the switch", |event| matches!(event.fact, Fact::LinkTold { .. }));
    let Fact::LinkTold { system, port } = told.fact else { panic!("{told:?}") };
    assert_eq!((system.as_str(), port.as_str()), ("switch1", "eth0"));

    // Over a restart of the program it is known, and not told again.
    program.signal(Signal::SIGTERM);
    program.end();
    drop(switch);
    let program = Program::start(&segment);
    let mark = program.mark();
    let mut frame = host.command("tcpdump");
    let mut frame = Running::start(frame.args(["-i", "eth0", "-c", "1", "ether proto 0x88cc"]));
    let _switch = lldpd();
    assert!(frame.child().wait().unwrap().success(), "the switch tells its port again");
    let later = segment.host("later", LATER);
    later.address("10.77.0.98");
    let _ = later.sh("ping -c 1 -W 1 10.77.0.1");
    program.wait_since(mark, "who came after it", |event| seen(event, LATER));
    let again = program.events().into_iter().skip(mark).filter(|event| matches!(event.fact, Fact::LinkTold { .. }));
    assert_eq!(again.count(), 0);
}
