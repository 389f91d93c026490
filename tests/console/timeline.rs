//! Time travel in the console of the real program: what was, shown as it was, while servers go on.

use crate::support::{Screen, Segment, can_run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pxelator");

#[test]
fn a_lease_is_gone_before_it_was_given_and_there_again_now() {
    if !can_run(&["tmux", "udhcpc", "logger"]) {
        return;
    }
    let segment = Segment::new("past");
    // What is the newest is not to be a check's.
    segment.conf("10.77.0.1/checks", "off");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.110");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    let web1 = segment.host("web1", "52:54:00:00:00:60");
    web1.address("10.77.0.60");
    let log = |text: &str| assert!(web1.sh(&format!("logger -n 10.77.0.1 -d -t test '{text}'")).status.success());
    let screen = Screen::open(&segment, 80, 24, &format!("{PROGRAM} run"));
    screen.wait("dhcp tftp http dns syslog radv");
    log("before the lease");
    screen.wait("before the lease");
    let guest = segment.host("guest", "52:54:00:00:00:99");
    assert!(guest.sh("udhcpc -i eth0 -n -q -t 5 -T 1 -s /bin/true").status.success());
    screen.keys(&["Tab", "Tab"]);
    screen.wait("Leases 1");
    log("after the lease");
    screen.keys(&["Tab"]);
    screen.wait("after the lease");

    // The newest event is the cursor's. The head says that this is the past.
    screen.keys(&["r"]);
    let shown = screen.wait_until("the past", |shown| shown.contains(" PAST ") && shown.contains("the newest"));
    assert!(cursor(&shown).contains("syslog.received") && cursor(&shown).contains("after the lease"), "{shown}");

    // What comes meanwhile is not shown, and not lost.
    log("meanwhile");
    screen.keys(&["BTab"]);
    screen.wait("Leases 1");
    screen.keys(&["["]);
    screen.wait_until("no lease a minute before", |shown| shown.contains("Leases 0") && shown.contains("PAST"));
    assert!(screen.shown().contains("nothing older is kept"), "{}", screen.shown());
    // From the newest event back to the one that gave it, and over that.
    screen.wait_until("the newest", |shown| {
        // The journal has it a moment after the servers.
        screen.keys(&["End"]);
        cursor(shown).contains("meanwhile") && shown.contains("Leases 1")
    });
    for _ in 0..20 {
        let before = cursor(&screen.shown());
        if before.contains("dhcp.acknowledged") {
            break;
        }
        screen.keys(&[","]);
        screen.wait_until("the event before", |shown| cursor(shown) != before);
    }
    let given = screen.shown();
    assert!(cursor(&given).contains("dhcp.acknowledged") && given.contains("Leases 1"), "{given}");
    screen.keys(&[","]);
    screen.wait_until("the moment before", |shown| shown.contains("Leases 0") && shown.contains("PAST"));
    screen.keys(&["."]);
    screen.wait_until("its moment", |shown| shown.contains("Leases 1") && cursor(shown).contains("dhcp.acknowledged"));
    screen.keys(&[","]);
    screen.wait_until("the moment before", |shown| shown.contains("Leases 0") && shown.contains("PAST"));
    // Played on, it comes by itself.
    screen.keys(&["+", "+", "+", "Space"]);
    screen.wait_until("the lease as time passes", |shown| shown.contains("Leases 1") && shown.contains("PAST"));

    screen.keys(&["r"]);
    screen.wait_until("the present", |shown| shown.contains("Leases 1") && !shown.contains("PAST"));
    screen.keys(&["Tab"]);
    screen.wait("meanwhile");

    // A moment that is none is told; one that is, is gone to.
    screen.keys(&["r"]);
    screen.wait("PAST");
    screen.keys(&["@"]);
    screen.text("soon");
    screen.keys(&["Enter"]);
    screen.wait("expected a moment");
    (0..4).for_each(|_| screen.keys(&["BSpace"]));
    screen.text("-1h");
    screen.wait("go to -1h");
    screen.keys(&["Enter"]);
    screen.wait("nothing older is kept");
    screen.keys(&["o"]);
    screen.wait("this is the past");
    screen.keys(&["Escape"]);
    screen.wait_until("the present", |shown| !shown.contains("PAST"));
}

/// The line of the event at the moment that is shown.
fn cursor(shown: &str) -> String {
    shown.lines().nth(22).unwrap_or_default().to_owned()
}
