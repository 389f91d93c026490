//! Ports that are taken and rights that are missing: told with the next step; what can be served is served.

use crate::support::{Client, Program, Segment, can_run, run};
use pxelator::event::{Event, Fact, Service};
use socket2::{Domain, Socket, Type};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddrV4},
    os::unix::fs::{PermissionsExt, chown},
};

fn is_failure(event: &Event, wanted: Service) -> bool {
    matches!(event.fact, Fact::ServiceFailed { service, .. } if service == wanted)
}

fn is_start(event: &Event, wanted: Service) -> bool {
    matches!(event.fact, Fact::ServiceStarted { service, .. } if service == wanted)
}

#[test]
fn a_taken_port_is_told_and_taken_over_when_it_is_free() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("taken");
    segment.machine(60, "02:00:00:00:00:60", "known");
    // As other DHCP servers do: with SO_REUSEADDR two could share the port, and each would hear a part.
    let other = segment.inside(|| {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 67).into()).unwrap();
        socket
    });
    let program = Program::launch(&segment, &[]);
    let failed = program.wait("DHCP fails", |event| is_failure(event, Service::Dhcp));
    let Fact::ServiceFailed { error, next_step, .. } = &failed.fact else { panic!("{failed:?}") };
    assert!(error.contains("UDP port 67 of br0"), "{error}");
    assert_eq!(next_step, "another program has that port: find it with `ss -tulpn` and stop it");
    for service in [Service::Tftp, Service::Http, Service::Dns, Service::Syslog, Service::Radv] {
        program.wait(&format!("{service} goes on"), |event| is_start(event, service));
    }
    drop(other);
    program.wait("DHCP takes the port over", |event| is_start(event, Service::Dhcp));
    let host = segment.host("known", "02:00:00:00:00:60");
    host.address("10.77.0.60");
    assert_eq!(Client::new(&host).lease([2, 0, 0, 0, 0, 0x60], 1), Ipv4Addr::new(10, 77, 0, 60));
}

#[test]
fn missing_rights_are_told_with_what_to_do() {
    if !can_run(&["setpriv"]) {
        return;
    }
    let segment = Segment::new("rights");
    // Nobody may neither read the build's folder nor write the test's.
    let program = segment.folder.path().join("pxelator");
    fs::copy(env!("CARGO_BIN_EXE_pxelator"), &program).unwrap();
    fs::set_permissions(segment.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(segment.folder.path(), Some(65534), Some(65534)).unwrap();
    // Ports below 1024 are free for all in some containers.
    run(segment.command("sysctl").args(["-q", "-w", "net.ipv4.ip_unprivileged_port_start=1024"]));
    let mut command = segment.command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    command.args(["run", "--headless", "--json"]).current_dir(segment.folder.path());
    let program = Program::spawn(command);
    for service in [Service::Dhcp, Service::Tftp, Service::Http, Service::Dns, Service::Syslog, Service::Radv] {
        let failed = program.wait(&format!("{service} fails"), |event| is_failure(event, service));
        let Fact::ServiceFailed { next_step, .. } = &failed.fact else { panic!("{failed:?}") };
        assert_eq!(
            next_step, "run as root, or once: setcap cap_net_bind_service,cap_net_raw,cap_net_admin+ep pxelator",
            "{service}"
        );
    }
}
