//! Power by packets: what wake-on-LAN sends, and to whom.

mod support;

use pxelator::event::{Action, Fact};
use support::{Program, Segment, can_run};

#[test]
fn a_magic_packet_reaches_the_segment() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("wol");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    let host = segment.host("sleeper", "52:54:00:00:00:60");
    host.address("10.77.0.60");
    let ears = host.udp(9);
    let program = Program::launch(&segment, &["--power-on", "web1"]);
    let mut packet = [0; 200];
    let (length, from) = ears.recv_from(&mut packet).unwrap();
    assert_eq!((length, from.ip().to_string().as_str()), (102, "10.77.0.1"));
    assert_eq!(packet[..6], [0xff; 6]);
    assert!(packet[6..102].chunks(6).all(|mac| mac == [0x52, 0x54, 0, 0, 0, 0x60]));
    program.wait(
        "it is accepted",
        |event| matches!(&event.fact, Fact::PowerAccepted { action: Action::On, method, .. } if method == "wol"),
    );
}
