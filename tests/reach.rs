//! Machines that are reached over ssh: a real sshd on a real Debian.

mod support;

use support::{Debian, Segment, can_run, debian};

#[test]
fn a_debian_is_up() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("reach");
    let mut web1 = Debian::start(&segment, 60, "web1");
    assert_eq!(web1.does("hostname; dpkg-query -W -f '${Status}' rsync").trim(), "web1\ninstall ok installed");
    web1.does("echo hello > /etc/motd");
    assert_eq!(std::fs::read_to_string(web1.upper().join("etc/motd")).unwrap(), "hello\n");
    web1.down();
    assert!(!web1.sh("true").status.success());
    web1.up();
    assert_eq!(web1.does("cat /etc/motd"), "hello\n");
}
