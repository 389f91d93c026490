//! The program starts on a segment, says why where it cannot, and ends in good order.

use crate::support::{Program, Segment, can_run};
use nix::sys::signal::Signal;
use pxelator::event::Fact;
use std::fs;

#[test]
fn a_signal_ends_it_in_good_order() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("end");
    let mut program = Program::start(&segment);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end(), Some(0));
    program
        .wait("the end is told", |event| matches!(&event.fact, Fact::ProgramStopped { reason } if reason == "SIGTERM"));
}

#[test]
fn what_is_missing_is_named() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("missing");
    fs::rename(segment.conf_dir().join("10.77.0.1"), segment.conf_dir().join("10.78.0.1")).unwrap();
    let mut elsewhere = Program::launch(&segment, &[]);
    assert_eq!(elsewhere.end(), Some(1));
    assert_eq!(
        elsewhere.words(),
        "pxelator: none of the segments in conf (10.78.0.1) is an address of this host (it has 10.77.0.1, 127.0.0.1); \
         rename the segment's folder, or add its address: ip address add 10.78.0.1/24 dev INTERFACE"
    );
    fs::remove_dir(segment.tftpboot()).unwrap();
    fs::rename(segment.conf_dir().join("10.78.0.1"), segment.conf_dir().join("10.77.0.1")).unwrap();
    let mut nothing_to_serve = Program::launch(&segment, &[]);
    assert_eq!(nothing_to_serve.end(), Some(1));
    assert!(nothing_to_serve.words().contains("tftpboot is not a folder"), "{}", nothing_to_serve.words());
}
