//! The ladder of boot files and loops of loaders, with packets of the tests' own: firmware that does not get on with what it
//! is given, an iPXE that does not say what it is, a script that chains itself.

use crate::support::{Host, Program, SOON, Segment, Station, WEB1, can_run, option, pxe, wait_for};
use dhcproto::v4::{DhcpOption, MessageType};
use pxelator::event::{Event, Fact, Refusal};

/// Firmware on a host of the segment.
struct Firmware {
    host: Host,
    station: Station,
}

impl Firmware {
    /// Asks for an address and what to boot; the boot file of the offer, empty where it has none.
    fn offered(&mut self, options: Vec<DhcpOption>) -> String {
        let discover = self.station.message(MessageType::Discover, options);
        let offer = self.station.ask(&discover).message;
        String::from_utf8_lossy(offer.fname().unwrap_or_default()).trim_end_matches('\0').to_owned()
    }

    fn pxe(&mut self) -> String {
        self.offered(pxe())
    }

    /// Asks until it is offered `file`: what it did before is folded a moment after it is told. Asking alone changes nothing.
    fn gets(&mut self, file: &str) {
        wait_for(file, SOON, || (self.pxe() == file).then_some(()));
    }

    fn ipxe(&mut self) -> String {
        self.offered([pxe(), vec![option(77, b"iPXE")]].concat())
    }

    /// Fetches by TFTP as firmware does; true if the file is there.
    fn tftp(&self, file: &str) -> bool {
        let got = self.host.sh(&format!("tftp -m binary 10.77.0.1 -c get {file} got; test -s got"));
        self.host.sh("rm -f got");
        got.status.success()
    }

    /// Fetches by HTTP; the text, or the words of the refusal.
    fn http(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.host.sh(&format!("curl -s http://10.77.0.1/{path}")).stdout).into_owned()
    }
}

fn bed(name: &str) -> (Segment, Firmware) {
    let (segment, host) = Segment::with_web1(name);
    segment.conf("10.77.0.1/boot", "live");
    segment.conf("boot/live/kernel", "live/vmlinuz");
    for file in ["undionly.kpxe", "pxelinux.0"] {
        segment.serve(file, "a loader");
    }
    let station = Station::on(&host, WEB1);
    (segment, Firmware { host, station })
}

/// Waits until the program has folded what it told of: the rung is decided by that.
fn told(program: &Program, mark: usize, kind: &str) -> Event {
    program.wait_since(mark, kind, |event| event.kind() == kind)
}

#[test]
fn each_try_gets_the_next_and_what_worked_is_learned() {
    if !can_run(&["tftp", "curl"]) {
        return;
    }
    let (segment, mut firmware) = bed("ladder");
    let program = Program::start(&segment);
    // Whoever only asks again is given the same.
    firmware.gets("undionly.kpxe");
    assert_eq!(firmware.pxe(), "undionly.kpxe");
    let mark = program.mark();
    assert!(firmware.tftp("undionly.kpxe"));
    told(&program, mark, "tftp.completed");
    // Fetched, and back without a sign of life; then one that is not there.
    firmware.gets("ipxe.pxe");
    let mark = program.mark();
    assert!(!firmware.tftp("ipxe.pxe"));
    told(&program, mark, "tftp.refused");
    firmware.gets("pxelinux.0");
    let mark = program.mark();
    assert!(firmware.tftp("pxelinux.0") && firmware.tftp("pxelinux.cfg/01-52-54-00-77-00-60"));
    let learned = told(&program, mark, "boot.learned");
    assert!(matches!(learned.fact, Fact::BootLearned { boot_file, .. } if boot_file == "pxelinux.0"));
    // It came further, so it is given the same from now on, by the next run of the program too.
    firmware.gets("pxelinux.0");
    program.kill();
    let program = Program::start(&segment);
    firmware.gets("pxelinux.0");
    // What conf says comes before.
    segment.conf("10.77.0.1/10.77.0.60/loader", "ipxe");
    program.wait("the change", |event| matches!(event.fact, Fact::ConfChanged { .. }));
    firmware.gets("undionly.kpxe");
}

#[test]
fn a_script_that_chains_itself_is_stopped() {
    if !can_run(&["tftp", "curl"]) {
        return;
    }
    let (segment, mut firmware) = bed("chained");
    segment.serve("own.ipxe", "#!ipxe\nchain own.ipxe\n");
    let program = Program::start(&segment);
    // The retry of our own script, whose kernel is not there, is none, however fast.
    firmware.ipxe();
    for _ in 0..30 {
        assert!(firmware.http("boot.ipxe").contains("kernel http://10.77.0.1/live/vmlinuz"));
        firmware.http("live/vmlinuz");
    }
    let mark = program.mark();
    for _ in 0..30 {
        firmware.http("own.ipxe");
    }
    let looped = told(&program, mark, "boot.looped");
    assert_eq!(looped.machine, Some([10, 77, 0, 60].into()));
    assert!(!program.events()[..mark].iter().any(|event| event.kind() == "boot.looped"), "of the retries");
    let stopped = wait_for("the script that stops", SOON, || {
        Some(firmware.http("own.ipxe")).filter(|text| text.contains("boots in a circle"))
    });
    assert!(stopped.starts_with("#!ipxe\n") && stopped.contains("sleep 30"), "{stopped}");
    // Nor is it offered anything, and the reason is told.
    assert_eq!(firmware.pxe(), "");
    program.wait_since(mark, "the reason", |event| {
        matches!(&event.fact, Fact::DhcpOffered { refusal: Some(Refusal::Looped), boot_file: None, .. })
    });
    // A change of conf is a new chance.
    segment.conf("10.77.0.1/10.77.0.60/boot", "live");
    firmware.gets("undionly.kpxe");
    assert!(firmware.http("boot.ipxe").contains("kernel "));
}

#[test]
fn loader_after_loader_is_stopped() {
    if !can_run(&["tftp", "curl"]) {
        return;
    }
    let (segment, mut firmware) = bed("circle");
    let program = Program::start(&segment);
    // An iPXE that does not say that it is one loads one after the other, round the ladder.
    let mut rounds = 0;
    wait_for("nothing offered any longer", 3 * SOON, || {
        let file = firmware.pxe();
        if file.is_empty() {
            return Some(());
        }
        let mark = program.mark();
        let there = firmware.tftp(&file);
        told(&program, mark, if there { "tftp.completed" } else { "tftp.refused" });
        rounds += 1;
        None
    });
    // Each of two eight times, and the third that is not there; more until the loop was seen, which is looked for by the clock.
    assert!(rounds >= 22, "{rounds} rounds");
    let looped = program.wait("the loop", |event| matches!(event.fact, Fact::BootLooped { .. }));
    let Fact::BootLooped { cause, next_step, .. } = looped.fact else { unreachable!() };
    assert!(
        cause.contains("undionly.kpxe") && cause.contains(" times") && next_step.contains("`loader`"),
        "{cause}: {next_step}"
    );
}
