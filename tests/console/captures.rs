//! Packets for the operator: rates and lines in the console, and real Wireshark windows on a display that nobody sees.

use crate::support::{Host, SOON, Screen, Segment, WEB1, can_run, display::Display, run, wait_for};
use nix::sys::signal::Signal;
use std::{
    fs,
    net::UdpSocket,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pxelator");
/// Starts the program as on a server without a display.
const WITHOUT_DISPLAY: &str = "env -u DISPLAY -u WAYLAND_DISPLAY";

/// A console that serves, without a display, and the host that is the machine web1.
fn console(name: &str) -> (Segment, Host, Screen) {
    let (segment, host) = Segment::with_web1(name);
    let screen = Screen::open(&segment, 140, 40, &format!("{WITHOUT_DISPLAY} {PROGRAM} run"));
    screen.wait("dhcp tftp http dns syslog radv");
    screen.wait("web1");
    (segment, host, screen)
}

/// Opens the packets of the segment's interface; `scope` is the key of which.
fn open_packets(screen: &Screen, scope: &str) {
    screen.keys(&["w"]);
    screen.wait("✓ br0");
    screen.keys(&[scope, "Enter"]);
    screen.wait("Packets of br0");
}

/// Shows only lines with these words.
fn filter(screen: &Screen, words: &str) {
    screen.keys(&["/", "C-u"]);
    screen.text(words);
    screen.wait(&format!("/{words}"));
    screen.keys(&["Enter"]);
}

fn works(host: &Host, line: &str) {
    let output = host.sh(line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_a_boot_does_is_read_in_lines() {
    if !can_run(&["tmux", "udhcpc", "curl", "dig", "logger", "rdisc6", "busybox"]) {
        return;
    }
    let (segment, host, screen) = console("lines");
    segment.serve("grub/extra.cfg", "some bytes of a configuration");
    screen.keys(&["w"]);
    screen.wait("only those of web1 (52:54:00:77:00:60)");
    let pinging = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            while pinging.load(Ordering::Relaxed) {
                host.sh("busybox ping -q -A -c 20 10.77.0.1");
            }
        });
        screen.wait_until("rates", |shown| {
            let line = shown.lines().find(|line| line.contains("10.77.0.1 test.lan") && line.contains("br0"));
            let numbers =
                line.map(|line| line.split_whitespace().filter_map(|word| word.parse::<u64>().ok()).collect());
            numbers.is_some_and(|numbers: Vec<u64>| numbers.len() >= 2 && numbers.iter().all(|number| *number > 0))
        });
        pinging.store(false, Ordering::Relaxed);
    });
    screen.keys(&["a", "Enter"]);
    screen.wait("Packets of br0");
    // It may be that nothing is captured yet.
    wait_for("the first packet", SOON, || {
        host.sh("busybox ping -q -c 1 10.77.0.1");
        screen.shown().contains("ICMP echo request").then_some(())
    });
    works(&host, "udhcpc -i eth0 -n -q -t 5 -T 1 -s /bin/true");
    works(&host, "busybox tftp -g -r grub/extra.cfg -l got 10.77.0.1");
    works(&host, "curl -sS --noproxy '*' -A loader/1 -o got http://10.77.0.1/grub/extra.cfg");
    works(&host, "dig +tries=1 @10.77.0.1 web1.test.lan A");
    works(&host, "logger -n 10.77.0.1 -P 514 -d -p daemon.err -t initrd no disk");
    wait_for("a link-local address that is no longer tentative", SOON, || {
        (!host.sh("ip -6 -o addr show dev eth0 scope link -tentative").stdout.is_empty()).then_some(())
    });
    works(&host, "rdisc6 -r 5 -w 3000 -1 eth0");
    works(&host, "ip neigh flush dev eth0 && busybox ping -q -c 1 10.77.0.1");
    for (words, line) in [
        ("dhcp discover", "0.0.0.0 > 255.255.255.255 DHCP DISCOVER for 52:54:00:77:00:60 xid"),
        ("offer", "10.77.0.1 > 10.77.0.60 DHCP OFFER 10.77.0.60 for 52:54:00:77:00:60"),
        ("dhcp request", "DHCP REQUEST for 52:54:00:77:00:60"),
        ("rrq", "10.77.0.60 > 10.77.0.1 TFTP RRQ grub/extra.cfg octet"),
        ("tftp data", "10.77.0.1 > 10.77.0.60 TFTP DATA 1 of grub/extra.cfg, 29 bytes"),
        ("tftp ack 1", "10.77.0.60 > 10.77.0.1 TFTP ACK 1 of grub/extra.cfg"),
        ("http get", "HTTP GET /grub/extra.cfg HTTP/1.1 by loader/1"),
        ("http 200", "HTTP HTTP/1.1 200 OK, 29 bytes"),
        ("dns query", "10.77.0.60 > 10.77.0.1 DNS query A web1.test.lan."),
        ("dns answer", "DNS answer A web1.test.lan.: A 10.77.0.60"),
        ("syslog", "SYSLOG err "),
        ("icmpv6 rs", "fe80::5054:ff:fe77:60 > ff02::2 ICMPv6 RS router solicitation"),
        ("icmpv6 ra", "ICMPv6 RA router advertisement"),
        ("arp who", "ARP who has 10.77.0.1? tell 10.77.0.60"),
    ] {
        filter(&screen, words);
        screen.wait(line);
    }
    screen.keys(&["/", "C-u", "Enter"]);
    screen.wait_until("no filter", |shown| !shown.contains("with \""));
}

#[test]
fn packets_are_paused_looked_into_and_left() {
    if !can_run(&["tmux", "busybox"]) {
        return;
    }
    let (_segment, host, screen) = console("pause");
    open_packets(&screen, "m");
    screen.wait("Packets of br0: web1");
    wait_for("the first packet", SOON, || {
        host.sh("busybox ping -q -c 1 10.77.0.1");
        screen.shown().contains("ICMP echo request").then_some(())
    });
    screen.keys(&["Space"]);
    screen.wait("paused: space goes on");
    host.sh("busybox ping -q -A -c 3 -s 999 10.77.0.1");
    filter(&screen, "echo request 999 bytes");
    screen.wait("No line has these words");
    screen.keys(&["Escape"]);
    screen.wait_until("no filter", |shown| !shown.contains("with \""));
    screen.keys(&["Space"]);
    screen.wait("999 bytes");
    screen.keys(&["g", "v"]);
    let whole = screen.wait("Packet; any key closes this");
    // The first packet of all may be the kernel's own, of IPv6, whose layers leave no room for its bytes.
    assert!(
        whole.contains("ETH type 0x86dd") || whole.contains("ETH type 0x08") && whole.contains("0000  "),
        "{whole}"
    );
    screen.keys(&["Escape"]);
    screen.wait_until("closed", |shown| !shown.contains("any key closes"));
    screen.keys(&["Escape"]);
    screen.wait("Interfaces");
    screen.keys(&["Escape"]);
    screen.wait("Machines 1");
}

#[test]
fn kept_packets_open_in_termshark() {
    if !can_run(&["tmux", "busybox", "termshark", "tshark"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("termshark");
    let folder = segment.folder.path().join("home");
    fs::create_dir(&folder).unwrap();
    let own = format!("HOME={at} TMPDIR={at} XDG_CONFIG_HOME={at} XDG_CACHE_HOME={at}", at = folder.display());
    let screen = Screen::open(&segment, 140, 40, &format!("{WITHOUT_DISPLAY} {own} {PROGRAM} run"));
    screen.wait("dhcp tftp http dns syslog radv");
    screen.wait("web1");
    open_packets(&screen, "m");
    wait_for("the first packet", SOON, || {
        host.sh("busybox ping -q -c 1 10.77.0.1");
        screen.shown().contains("ICMP echo request").then_some(())
    });
    screen.keys(&["e"]);
    screen.wait("Echo (ping) request");
    let kept = || {
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        files.filter(|name| name.starts_with("pxelator-packets-")).count()
    };
    assert_eq!(kept(), 1);
    // Its own question whether to leave has its answer selected.
    screen.keys(&["q"]);
    screen.wait("quit");
    screen.keys(&["Enter"]);
    wait_for("the file is removed", SOON, || (kept() == 0).then_some(()));
}

#[test]
fn an_interface_that_goes_away_ends_its_capture_in_words() {
    if !can_run(&["tmux"]) {
        return;
    }
    let (segment, _host, screen) = console("gone");
    screen.keys(&["w"]);
    screen.wait("✓ br0");
    screen.keys(&["a", "j", "Enter"]);
    screen.wait("Packets of h-web1");
    screen.wait("came");
    run(Command::new("ip").args(["-n", &segment.name, "link", "del", "h-web1"]));
    screen.wait("the interface h-web1 is gone: nothing comes any more; esc leaves");
    screen.keys(&["Escape"]);
    screen.wait_until("the others", |shown| shown.contains("Interfaces") && !shown.contains("h-web1"));
}

#[test]
fn a_flood_stalls_nothing() {
    if !can_run(&["tmux"]) {
        return;
    }
    let (_segment, host, screen) = console("flood");
    open_packets(&screen, "a");
    let flooding = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            let socket = host.inside(|| UdpSocket::bind("10.77.0.60:4000").unwrap());
            while flooding.load(Ordering::Relaxed) {
                let _ = socket.send_to(&[7; 64], "10.77.0.1:9");
            }
        });
        screen.wait("older made room");
        filter(&screen, "udp 4000 > 9");
        screen.wait("with \"udp 4000 > 9\"");
        screen.keys(&["Space"]);
        screen.wait("paused: space goes on");
        screen.keys(&["v"]);
        screen.wait_until("one packet", |shown| {
            shown.contains("Packet; any key closes this") && shown.contains("UDP 4000 > 9, 64 bytes")
        });
        screen.keys(&["Escape"]);
        screen.wait_until("closed", |shown| !shown.contains("any key closes"));
        flooding.store(false, Ordering::Relaxed);
    });
    screen.keys(&["q"]);
    screen.wait_until("it quits", |shown| !shown.contains("Packets of"));
}

/// A `wireshark` before the real one in PATH that keeps what it is fed in a file; the folder of both.
fn keeping(segment: &Segment) -> std::path::PathBuf {
    let folder = segment.folder.path().join("kept");
    fs::create_dir(&folder).unwrap();
    let script = folder.join("wireshark");
    let fed = folder.join("fed.pcap");
    let lines = format!("#!/bin/bash\nexec /usr/bin/wireshark \"$@\" < <(exec tee {})\n", fed.display());
    fs::write(&script, lines).unwrap();
    // Another user writes there.
    for (path, mode) in [(segment.folder.path(), 0o755), (&folder, 0o777), (&script, 0o755)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    folder
}

#[test]
fn wireshark_shows_a_machines_packets_as_the_operator() {
    if !can_run(&["tmux", "wireshark", "tshark", "Xvfb", "xdotool", "busybox", "udhcpc"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("wireshark");
    // Pings of its own would be counted.
    segment.conf("10.77.0.1/checks", "off");
    let other = segment.host("other", "52:54:00:77:00:61");
    other.address("10.77.0.61");
    let display = Display::open();
    let folder = keeping(&segment);
    // As under sudo of nobody.
    let line = format!(
        "DISPLAY={} SUDO_UID=65534 SUDO_HOME={folder} PATH={folder}:$PATH {PROGRAM} run",
        display.name,
        folder = folder.display()
    );
    let screen = Screen::open(&segment, 140, 40, &line);
    screen.wait("dhcp tftp http dns syslog radv");
    screen.wait("web1");
    screen.keys(&["w"]);
    screen.wait("✓ br0");
    screen.keys(&["m", "Enter"]);
    screen.wait("br0 web1 in Wireshark");
    let title = wait_for("Wireshark's window", SOON * 3, || {
        let found = display.titles();
        found.into_iter().find(|title| title.contains("PXElator br0 web1") && title.contains("Capturing"))
    });
    assert!(title.contains("Standard input") || title.contains('-'), "{title}");
    works(&host, "busybox ping -q -A -c 3 10.77.0.1");
    works(&other, "busybox ping -q -A -c 3 10.77.0.1");
    works(&host, "udhcpc -i eth0 -n -q -t 5 -T 1 -s /bin/true");
    let fed = folder.join("fed.pcap");
    let count = |filter: &str| {
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(&fed).args(["-Y", filter, "-T", "fields", "-e", "eth.addr"]).stderr(Stdio::null());
        let lines = String::from_utf8_lossy(&tshark.output().unwrap().stdout).into_owned();
        assert!(lines.lines().all(|line| line.contains(WEB1)), "packets of others: {lines}");
        lines.lines().count()
    };
    let mut seen = (0, 0, 0);
    let whole = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for("the packets", SOON, || {
            seen = (count("icmp.type == 8"), count("icmp.type == 0"), count("dhcp"));
            (seen.0 == 3 && seen.1 == 3 && seen.2 >= 4).then_some(())
        });
    }));
    assert!(whole.is_ok(), "of pings, answers and DHCP were fed {seen:?}");
    assert_eq!(count("_ws.malformed"), 0);
    let pid = display.pid_of(&title);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("Uid:\t65534\t65534\t65534\t65534"), "{status}");

    // What reads the pipe stops: more than all buffers have room for goes by, and the console goes on.
    let reader = wait_for("who reads the pipe", SOON, || running(&format!("tee\0{}\0", fed.display())));
    let signal = |pid, signal| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
    signal(reader, Signal::SIGSTOP);
    let socket = host.inside(|| UdpSocket::bind("10.77.0.60:4000").unwrap());
    for _ in 0..20_000 {
        let _ = socket.send_to(&[7; 1400], "10.77.0.1:9");
    }
    screen.keys(&["?"]);
    screen.wait("Keys that work here");
    screen.keys(&["Escape"]);
    screen.wait_until("closed", |shown| !shown.contains("any key closes"));
    signal(pid, Signal::SIGKILL);
    screen.wait_until("its end in words", |shown| {
        shown.contains("br0 web1: Wireshark is closed;") && shown.contains("more came too fast")
    });
    signal(reader, Signal::SIGCONT);
    screen.keys(&["Escape"]);
    screen.wait("Machines 2");
}

/// The process that was started with these words.
fn running(words: &str) -> Option<i32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.find(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == words.as_bytes()))
}

#[test]
fn a_missing_wireshark_is_named_with_its_package() {
    if !can_run(&["tmux", "wireshark", "unshare"]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("missing");
    // The program sees a system where the file is no program.
    let hidden = format!("mount --bind /dev/null $(command -v wireshark) && DISPLAY=:9999 exec {PROGRAM} run");
    let screen = Screen::open(&segment, 140, 40, &format!("unshare -m sh -c \"{hidden}\""));
    screen.wait("dhcp tftp http dns syslog radv");
    screen.keys(&["w"]);
    screen.wait("✓ br0");
    screen.keys(&["a", "Enter"]);
    screen.wait("wireshark is not installed: apt install wireshark");
    screen.keys(&["i"]);
    screen.wait("Packets of br0");
}
