//! Boots as files of packets: from the machine's first packet, with what happened beside them, as Wireshark reads them.

use crate::support::{Host, Program, SOON, Screen, Segment, can_run, run, vm, wait_for};
use nix::sys::signal::Signal;
use pxelator::{
    event::{Fact, Service},
    packet::pcapng,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// How long a recording may take to end after the boot did.
const PATIENCE: Duration = Duration::from_secs(60);
const PXE: &str = "52:54:00:77:00:50";

/// A host of conf that asks as firmware does, by busybox's DHCP client.
fn firmware(segment: &Segment) -> Host {
    segment.machine(80, PXE, "pxe1");
    segment.serve("ipxe.efi", crate::support::noise(300_000));
    segment.conf("10.77.0.1/boot", "practice");
    segment.conf("boot/practice/kernel", "vmlinuz");
    let host = segment.host("pxe1", PXE);
    // The kernel's own packets of a new interface would come between.
    host.sh("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1");
    host
}

/// Boots once more, when the last boot is being recorded and in another second, which names the file.
fn boot_anew(program: &Program, host: &Host, mark: usize) -> usize {
    let event =
        program.wait_since(mark, "the boot is recorded", |event| matches!(event.fact, Fact::BootRecorded { .. }));
    let Fact::BootRecorded { began, .. } = event.fact else { unreachable!() };
    wait_for("another second", SOON, || (jiff::Timestamp::now().as_second() != began.as_second()).then_some(()));
    let mark = program.mark();
    boot(host);
    mark
}

/// Looks for a server as UEFI firmware (options 60 and 93), leases, and fetches the loader.
fn boot(host: &Host) {
    // Busybox knows option 93 by its number.
    let output =
        host.sh("busybox udhcpc -i eth0 -n -q -f -t 10 -s /bin/true -V PXEClient:Arch:00007:UNDI:003016 -x 0x5d:0007");
    assert!(output.status.success(), "{output:?}");
    host.address("10.77.0.80");
    let output = host.sh("busybox tftp -g -r ipxe.efi 10.77.0.1");
    assert!(output.status.success(), "{output:?}");
    let _ = host.sh("ip addr flush dev eth0");
}

fn recordings(segment: &Segment, machine: &str) -> Vec<PathBuf> {
    let folder = segment.folder.path().join("log").join(machine);
    let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The file of a recording that ended, other than those `seen`.
fn recorded(program: &Program, seen: &[&PathBuf], patience: Duration) -> PathBuf {
    let event = program.wait_for("a recording's end", patience, |event| {
        matches!(&event.fact, Fact::BootRecorded { packets, file, .. }
            if *packets > 0 && !seen.iter().any(|seen| seen.ends_with(file)))
    });
    let Fact::BootRecorded { file, .. } = event.fact else { unreachable!() };
    file.into()
}

/// The values of some fields of each packet, as Wireshark's terminal program has them.
fn tshark(file: &Path, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-E", "separator=|", "-r"]).arg(file).env("LC_ALL", "C.UTF-8");
    for field in fields {
        command.args(["-e", field]);
    }
    run(&mut command).lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
}

fn listens(program: &Program) {
    program.wait("the recorder listens", |event| {
        matches!(&event.fact, Fact::ServiceStarted { service: Service::Boot, address } if address.starts_with("packets of boots on br0"))
    });
}

fn packets(segment: &Segment, words: &[&str]) -> (bool, String, String) {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).arg("packets").args(words).env("TZ", "UTC");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_boot_is_kept_from_its_discover_with_its_events() {
    if !can_run(&["busybox", "tshark", "tmux"]) {
        return;
    }
    let segment = Segment::new("record");
    segment.conf("10.77.0.1/record", "2");
    // This firmware comes no further than its loader, and is to be given the same each time.
    segment.conf("10.77.0.1/loader", "ipxe");
    let host = firmware(&segment);
    let program = Program::start(&segment);
    listens(&program);
    boot(&host);
    program.wait("the loader was fetched", |event| matches!(event.fact, Fact::TftpCompleted { .. }));
    // The next boot ends the recording of this one.
    let mark = boot_anew(&program, &host, 0);
    let first = segment.folder.path().join(recorded(&program, &[], SOON));
    assert_eq!(recordings(&segment, "pxe1")[0], first);

    let lines = tshark(&first, &["frame.protocols", "dhcp.option.dhcp", "frame.comment", "frame.len", "frame.cap_len"]);
    assert!(lines[0][0].ends_with(":dhcp") && lines[0][1] == "1", "{:?}", lines[0]);
    assert!(lines[0][2].starts_with("dhcp.discovered: looks for a server (uefi)"), "{:?}", lines[0]);
    let said = |kind: &str, words: &str| lines.iter().any(|line| line[1] == kind && line[2].contains(words));
    assert!(said("2", "dhcp.offered: offered 10.77.0.80, to boot ipxe.efi"), "{lines:?}");
    assert!(said("5", "dhcp.acknowledged: leased 10.77.0.80"), "{lines:?}");
    let tftp: Vec<_> = lines.iter().filter(|line| line[0].ends_with(":tftp")).collect();
    assert!(tftp[0][2].contains("tftp.requested: asks for ipxe.efi"), "{tftp:?}");
    assert!(lines.iter().any(|line| line[2].contains("tftp.completed: got ipxe.efi: 300000 bytes")), "{lines:?}");
    // Of the file's blocks the headers are kept, and how long they were.
    let cut = lines.iter().filter(|line| line[3] != line[4]);
    let cut: Vec<_> = cut.map(|line| (line[3].parse::<u32>().unwrap(), line[4].as_str())).collect();
    assert!(cut.len() > 100 && cut.iter().all(|(length, kept)| *length > 500 && *kept == "96"), "{cut:?}");
    let contents = pcapng::open(&first).unwrap();
    assert!(
        contents.about[0].starts_with("boot of pxe1 (52:54:00:77:00:50, 10.77.0.80) on segment 10.77.0.1, began 20")
    );
    assert_eq!(contents.notes, [["the next boot began"]]);

    // Of three boots two are kept.
    boot_anew(&program, &host, mark);
    recorded(&program, &[&first], SOON);
    wait_for("the oldest is let go", SOON, || (!first.exists()).then_some(()));
    program.wait("it is told", |event| matches!(event.fact, Fact::BootDiscarded { .. }));
    wait_for("two are left", SOON, || (recordings(&segment, "pxe1").len() == 2).then_some(()));

    // Killed in the middle, it leaves what was there.
    let last = recordings(&segment, "pxe1").pop().unwrap();
    wait_for("its first packets are written", SOON, || {
        fs::metadata(&last).is_ok_and(|metadata| metadata.len() > 2_000).then_some(())
    });
    program.kill();
    let lines = tshark(&last, &["dhcp.option.dhcp"]);
    assert_eq!(lines[0], ["1"]);

    let (good, out, _) = packets(&segment, &["pxe1", "--list"]);
    let lines: Vec<_> = out.lines().collect();
    assert!(good && lines.len() == 2 && lines[0].ends_with("  the next boot began"), "{out}");
    assert!(lines[1].ends_with("no end is written: under way, or the program was killed"), "{out}");
    let (good, out, _) = packets(&segment, &["10.77.0.80", "--boot", &lines[0][..19].replace(' ', "T")]);
    assert!(good && out.contains("DHCPDISCOVER") || out.contains("DISCOVER"), "{out}");
    assert!(out.contains("\n    dhcp.offered: offered 10.77.0.80, to boot ipxe.efi\n"), "{out}");
    assert!(out.starts_with("# boot of pxe1 ") && out.ends_with("# the next boot began\n"), "{out}");
    let (good, out, _) = packets(&segment, &[PXE, "--json"]);
    let first: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert!(good && first["protocol"] == "DHCP", "{first}");
    for (words, code) in [
        (&["web9"][..], "no machine web9: neither in conf nor recorded; recorded are boots of pxe1"),
        (&["pxe1", "--boot", "soon"], "--boot soon: expected a moment"),
    ] {
        let (good, _, told) = packets(&segment, words);
        assert!(!good && told.contains(code), "{told}");
    }

    // The page has a key for them; a console that was not there then knows of them by the journal.
    let line = format!("env -u DISPLAY -u WAYLAND_DISPLAY {} run", env!("CARGO_BIN_EXE_pxelator"));
    let screen = Screen::open(&segment, 100, 40, &line);
    screen.wait("pxe1");
    screen.keys(&["Enter"]);
    screen.wait(" packets kept");
    screen.keys(&["B"]);
    let shown = screen.wait("Packets of a boot of pxe1");
    assert!(shown.contains("enter opens them, esc leaves"), "{shown}");
    screen.keys(&["Down", "Enter"]);
    let shown = screen.wait("DISCOVER for 52:54:00:77:00:50");
    assert!(shown.contains("dhcp.offered: offered 10.77.0.80, to boot ipxe.efi"), "{shown}");
    screen.keys(&["Escape"]);
    screen.wait(" packets kept");
}

#[test]
fn a_machine_that_comes_up_is_kept() {
    if !can_run(&[vm::NEEDED, &["tshark"]].concat()) {
        return;
    }
    let segment = Segment::new("record-vm");
    vm::equip(&segment);
    let good = vm::Vm::new(&segment, 60, "bios1", "bios");
    let program = Program::launch(&segment, &["--power-on", "all"]);
    good.wait_until_up();
    let file = segment.folder.path().join(recorded(&program, &[], PATIENCE));
    let lines = tshark(&file, &["frame.protocols", "frame.comment"]);
    let has = |protocol: &str| lines.iter().any(|line| line[0].split(':').any(|p| p == protocol));
    for protocol in ["dhcp", "http", "dns", "syslog", "arp"] {
        assert!(has(protocol), "{protocol}");
    }
    let said: Vec<&str> = lines.iter().map(|line| line[1].as_str()).filter(|comment| !comment.is_empty()).collect();
    let said = said.join("\n");
    for words in [
        "power.requested: power on asked of qemu",
        "dhcp.discovered: looks for a server as iPXE",
        "http.requested: asks for practice/vmlinuz",
        "http.completed: got practice/initrd.img",
        "boot.completed: up after ",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let contents = pcapng::open(&file).unwrap();
    assert!(contents.notes[0][0].starts_with("up after "), "{:?}", contents.notes);
    // A kernel and an initrd went by.
    assert!(fs::metadata(&file).unwrap().len() < 12 << 20);
    let first = contents.frames.iter().find(|frame| !frame.comments.is_empty()).unwrap();
    assert_eq!(first, &contents.frames[0]);
}

#[test]
fn one_that_stands_still_is_kept_with_the_verdict() {
    if !can_run(&[vm::NEEDED, &["tshark"]].concat()) {
        return;
    }
    let segment = Segment::new("record-broken");
    vm::equip(&segment);
    vm::Vm::new(&segment, 62, "broken1", "bios");
    segment.conf("10.77.0.1/10.77.0.62/boot", "practice-broken");
    let program = Program::launch(&segment, &["--power-on", "broken1"]);
    program.wait_for("the verdict", vm::PATIENCE, |event| matches!(event.fact, Fact::BootStalled { .. }));
    let file = segment.folder.path().join(recorded(&program, &[], PATIENCE));
    let contents = pcapng::open(&file).unwrap();
    assert!(contents.notes[0][0].starts_with("stands still at script: "), "{:?}", contents.notes);
    let lines = tshark(&file, &["http.response.code", "frame.comment"]);
    assert!(lines.iter().any(|line| line[0] == "404"), "{lines:?}");
    assert!(
        lines.iter().any(|line| line[1].starts_with("http.refused: did not get practice/vmlinuz-missing")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line[1].contains("boot.stalled: boot stands at script: ")), "{lines:?}");
}

#[test]
fn an_interface_that_goes_away_is_told_and_comes_back() {
    if !can_run(&["busybox", "tshark"]) {
        return;
    }
    let segment = Segment::new("record-gone");
    let host = firmware(&segment);
    let program = Program::start(&segment);
    listens(&program);
    boot(&host);
    wait_for("a recording", SOON, || recordings(&segment, "pxe1").pop());
    let mark = program.mark();
    run(segment.command("ip").args(["link", "delete", "br0"]));
    let failed = program.wait_since(mark, "it is told", |event| {
        matches!(event.fact, Fact::ServiceFailed { service: Service::Boot, .. })
    });
    let Fact::ServiceFailed { error, next_step, .. } = failed.fact else { unreachable!() };
    assert!(error.starts_with("recording boots on br0: "), "{error}");
    assert!(next_step.starts_with("the interface is not there: see `ip link`"), "{next_step}");
    let file = segment.folder.path().join(recorded(&program, &[], SOON));
    assert!(pcapng::open(&file).unwrap().notes[0][0].contains("the interface went away: "));

    let mark = program.mark();
    run(segment.command("ip").args("link add br0 address 52:54:00:77:00:01 type bridge forward_delay 0".split(' ')));
    run(segment.command("ip").args("addr add 10.77.0.1/24 brd + dev br0".split(' ')));
    run(segment.command("ip").args("link set br0 up".split(' ')));
    run(segment.command("ip").args("link set h-pxe1 master br0".split(' ')));
    for service in [Service::Boot, Service::Dhcp, Service::Tftp] {
        program.wait_since(
            mark,
            "it listens again",
            |event| matches!(event.fact, Fact::ServiceStarted { service: s, .. } if s == service),
        );
    }
    let mark = program.mark();
    boot(&host);
    boot_anew(&program, &host, mark);
    recorded(&program, &[&file], SOON);
    // What is not to be recorded is not.
    let mark = program.mark();
    segment.conf("10.77.0.1/record", "off");
    program.wait_since(mark, "it stops", |event| matches!(event.fact, Fact::ServiceStopped { service: Service::Boot }));
    let before = recordings(&segment, "pxe1").len();
    boot(&host);
    program.signal(Signal::SIGTERM);
    assert_eq!(recordings(&segment, "pxe1").len(), before);
}
