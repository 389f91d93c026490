//! What becomes of a change of power: what is seen of the machine, the next rung where nothing is, and what each said.

use crate::support::{
    Host, Program, SOON, Segment,
    amt::{Device, Drive, Fault, LOGIN},
    can_run, hear,
    vm::Vm,
};
use pxelator::{
    command::{Command, Place},
    event::{Action, Asker, Event, Evidence, Fact, Manner, PowerState},
};
use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, UdpSocket},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    time::Duration,
};

/// A device of which nothing more is heard is told so late: its usual time, at least 20 s, and what else a loaded host needs.
const LATE: Duration = Duration::from_secs(60);
/// What a firmware's DHCP client says of itself.
const FIRMWARE: &str = "-V PXEClient:Arch:00007:UNDI:003016 -x 0x5d:0007";

fn place(last: u8) -> Place {
    (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, last))
}

fn mac(last: u8) -> String {
    format!("52:54:00:77:00:{last}")
}

/// A machine that is switched by magic packets, and the host that it is. It says nothing unasked.
fn sleeper(segment: &Segment, last: u8, name: &str) -> (Host, UdpSocket) {
    segment.machine(last, &mac(last), name);
    segment.conf(&format!("10.77.0.1/10.77.0.{last}/power"), "wol");
    // What is off answers no pings, and what answers is on.
    segment.conf("10.77.0.1/checks", "off");
    let host = segment.host(name, &mac(last));
    host.sh("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1");
    host.address(&format!("10.77.0.{last}"));
    let ears = host.udp(9);
    (host, ears)
}

fn sleep_until_woken(ears: &UdpSocket) {
    ears.set_read_timeout(Some(LATE)).unwrap();
    let mut packet = [0; 200];
    assert_eq!(hear(ears, &mut packet).unwrap().0, 102);
}

/// A client of the control socket.
struct Client {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Client {
    fn new(segment: &Segment) -> Client {
        let stream = UnixStream::connect(segment.folder.path().join("run/control")).unwrap();
        stream.set_read_timeout(Some(2 * LATE)).unwrap();
        let mut client = Client { lines: BufReader::new(stream.try_clone().unwrap()), stream };
        assert_eq!(client.line()["program"]["version"], env!("CARGO_PKG_VERSION"));
        client
    }

    fn say(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn line(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    fn press(&mut self, action: Action, machines: Vec<Place>, stagger: Duration) {
        let command = Command::Power { machines, action, stagger, by: Asker::Operator };
        self.say(&serde_json::to_string(&command).unwrap());
        // What the observer says before has nothing to do with it.
        while self.line()["taken"] != "power" {}
    }

    /// What is told to the end of so many changes.
    fn ends(&mut self, mut changes: usize) -> Vec<Event> {
        let mut told = Vec::new();
        while changes > 0 {
            let event: Event = serde_json::from_value(self.line()).unwrap();
            let is_end = matches!(
                event.fact,
                Fact::PowerConfirmed { .. } | Fact::PowerUnconfirmed { .. } | Fact::PowerRefused { .. }
            );
            changes -= usize::from(is_end);
            told.push(event);
        }
        told
    }

    fn follow(&mut self, action: Action, last: u8) -> Vec<Event> {
        self.press(action, vec![place(last)], Duration::ZERO);
        self.ends(1)
    }
}

/// The changes of power among events, without what is observed.
fn steps(told: &[Event]) -> Vec<String> {
    let step = |event: &Event| match &event.fact {
        Fact::PowerRequested { method, .. } => Some(format!("ask {method}")),
        Fact::PowerAccepted { method, manner: Manner::Already, .. } => Some(format!("{method} already")),
        Fact::PowerAccepted { method, .. } => Some(format!("{method} accepts")),
        Fact::PowerFailed { method, error, .. } => Some(format!("{method}: {error}")),
        Fact::PowerConfirmed { evidence, .. } => Some(format!("seen by {}", evidence.words())),
        Fact::PowerUnconfirmed { tried, .. } => Some(format!("not by {} ways", tried.len())),
        Fact::PowerRefused { error, .. } => Some(format!("refused: {error}")),
        _ => None,
    };
    told.iter().filter_map(step).collect()
}

#[test]
fn a_machine_is_seen_by_what_it_does() {
    if !can_run(&["busybox", "udhcpc"]) {
        return;
    }
    let segment = Segment::new("seen");
    let (booting, its_ears) = sleeper(&segment, 60, "web1");
    let (silent, other_ears) = sleeper(&segment, 61, "web2");
    let _program = Program::start(&segment);
    let mut client = Client::new(&segment);
    client.press(Action::On, vec![place(60)], Duration::ZERO);
    sleep_until_woken(&its_ears);
    booting.sh(&format!("busybox udhcpc -i eth0 -n -q -f -t 10 -s /bin/true {FIRMWARE}"));
    let by_discover = format!("seen by {}", Evidence::Discover.words());
    assert_eq!(steps(&client.ends(1)), ["ask wol", "wol accepts", &by_discover]);

    // Who changes his mind need not wait for what does not come.
    client.press(Action::On, vec![place(61)], Duration::ZERO);
    sleep_until_woken(&other_ears);
    client.press(Action::Off, vec![place(61)], Duration::ZERO);
    assert_eq!(
        steps(&client.ends(2)),
        ["ask wol", "wol accepts", "not by 1 ways", "ask wol", "wol: wake-on-LAN cannot switch off", "not by 1 ways"]
    );

    // Its system has an address of its own, and asks nothing of this server.
    client.press(Action::On, vec![place(61)], Duration::ZERO);
    sleep_until_woken(&other_ears);
    silent.sh("busybox ping -q -c 1 -W 1 10.77.0.1");
    let by_link = format!("seen by {}", Evidence::Link.words());
    assert_eq!(steps(&client.ends(1)), ["ask wol", "wol accepts", &by_link]);
    assert_eq!(
        steps(&client.follow(Action::Off, 61)),
        ["ask wol", "wol: wake-on-LAN cannot switch off", "not by 1 ways"]
    );
}

#[test]
fn what_nothing_follows_is_tried_by_the_next_rung() {
    if !can_run(&["busybox", "udhcpc"]) {
        return;
    }
    let segment = Segment::new("rungs");
    let (host, ears) = sleeper(&segment, 60, "web1");
    let wakes_up = || {
        sleep_until_woken(&ears);
        host.sh(&format!("busybox udhcpc -i eth0 -n -q -f -t 10 -s /bin/true {FIRMWARE}"));
    };
    let program = Program::start(&segment);
    let mut client = Client::new(&segment);
    // From this boot its usual time is learned: 20 s are the least.
    client.press(Action::On, vec![place(60)], Duration::ZERO);
    wakes_up();
    assert!(matches!(client.ends(1).last().unwrap().fact, Fact::PowerConfirmed { .. }));

    let listener = segment.inside(|| TcpListener::bind("127.0.0.1:0").unwrap());
    let device = Device::start(listener, &mac(60), Drive::imagined(false));
    let secret = segment.conf_dir().join("10.77.0.1/10.77.0.60/amt.secret");
    std::fs::write(&secret, format!("{}:{}\n", LOGIN.0, LOGIN.1)).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    device.fault(Fault::NoEffect);
    segment.conf("10.77.0.1/10.77.0.60/power", &format!("amt 127.0.0.1:{}\nwol", device.port));
    let has_amt = |event: &Event| matches!(&event.fact, Fact::PowerObserved { state: PowerState::Off, method } if method == "amt");
    program.wait("AMT is in force", has_amt);

    client.press(Action::On, vec![place(60)], Duration::ZERO);
    // One change at a time.
    let mut other = Client::new(&segment);
    assert_eq!(
        steps(&other.follow(Action::On, 60)).last().unwrap(),
        "refused: another change of its power is under way"
    );
    wakes_up();
    let told = steps(&client.ends(2));
    let told: Vec<_> = told.iter().filter(|step| !step.starts_with("refused")).map(String::as_str).collect();
    let by_discover = format!("seen by {}", Evidence::Discover.words());
    assert_eq!(
        told,
        ["ask amt", "amt accepts", "amt: accepted, and it is off after 20 s", "ask wol", "wol accepts", &by_discover]
    );
    assert_eq!(device.asked("RequestPowerStateChange"), 1);

    // Nobody answers at last: each way's words are told.
    device.fault(Fault::OtherPassword);
    let told = client.follow(Action::On, 60);
    let Fact::PowerUnconfirmed { tried, next_step, .. } = &told.last().unwrap().fact else { panic!("{told:?}") };
    assert_eq!(next_step, "go through what switches it: pxelator power doctor web1");
    let tried: Vec<_> = tried.iter().map(|tried| (tried.method.as_str(), tried.said.as_str())).collect();
    assert_eq!(
        tried,
        [
            ("amt", "it refuses the name or the password"),
            ("wol", "accepted, and nothing was seen of the machine within 20 s")
        ]
    );
}

#[test]
fn a_virtual_machine_is_followed_through_all_that_is_done_with_it() {
    if !can_run(&["qemu-system-x86_64"]) {
        return;
    }
    let segment = Segment::new("followed");
    let vm = Vm::new(&segment, 60, "vm1", "bios");
    let program = Program::start(&segment);
    let mut client = Client::new(&segment);
    let last = |told: Vec<Event>| match told.last().unwrap().fact.clone() {
        Fact::PowerConfirmed { evidence, .. } => evidence,
        _ => panic!("{:?}", steps(&told)),
    };
    for (action, least) in [
        (Action::On, Evidence::Link),
        (Action::Reset, Evidence::Link),
        (Action::Cycle, Evidence::Link),
        (Action::Pxe, Evidence::Link),
    ] {
        let told = client.follow(action, 60);
        assert!(last(told) >= least, "{action:?}");
    }
    let told = client.follow(Action::On, 60);
    assert_eq!(steps(&told)[1], "qemu already");
    assert_eq!(last(told), Evidence::State);
    assert_eq!(last(client.follow(Action::Off, 60)), Evidence::State);
    let failed = client.follow(Action::Reset, 60);
    assert_eq!(steps(&failed), ["ask qemu", "qemu: it is off", "not by 1 ways"]);
    let of_vm = |event: &Event| event.machine == Some(vm.address) && matches!(event.fact, Fact::PowerObserved { .. });
    program.wait("it is told off", |event| of_vm(event) && event.fact.to_string().starts_with("is off"));
}

#[test]
fn many_machines_go_one_after_the_other() {
    if !can_run(&["busybox"]) {
        return;
    }
    let segment = Segment::new("stagger");
    let hosts: Vec<_> = (60..63).map(|last| sleeper(&segment, last, &format!("web{last}"))).collect();
    let _program = Program::start(&segment);
    let mut client = Client::new(&segment);
    let stagger = Duration::from_millis(1_500);
    client.press(Action::On, vec![place(62), place(60), place(61)], stagger);
    std::thread::scope(|scope| {
        for (host, ears) in &hosts {
            scope.spawn(move || {
                sleep_until_woken(ears);
                host.sh("busybox ping -q -c 1 -W 1 10.77.0.1");
            });
        }
    });
    let told = client.ends(3);
    let asked: Vec<&Event> = told.iter().filter(|e| matches!(e.fact, Fact::PowerRequested { .. })).collect();
    assert_eq!(asked.iter().map(|e| e.machine.unwrap().octets()[3]).collect::<Vec<_>>(), [62, 60, 61]);
    // Each is told when its turn has come, or a little later: of the two pauses one is there in any case.
    let between = asked[2].time.duration_since(asked[0].time).unsigned_abs();
    assert!(between >= stagger, "{between:?}");
}

#[test]
fn the_socket_says_what_it_expects() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("control");
    segment.machine(60, &mac(60), "web1");
    let program = Program::start(&segment);
    let socket = segment.folder.path().join("run/control");
    let mode = std::fs::symlink_metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut client = Client::new(&segment);
    client.say("on web1");
    let error = client.line()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("a command as {\"power\""), "{error}");
    client.say("\"quit\"");
    assert!(client.line()["error"].as_str().unwrap().starts_with("a command as"));
    client.say(&"x".repeat(1 << 20));
    assert_eq!(client.line()["error"], "a line of at most 262144 bytes was expected");
    // It still listens, and says of a machine without `power` what is missing.
    assert_eq!(steps(&client.follow(Action::On, 60)), ["refused: conf does not say how it is switched"]);
    assert_eq!(
        steps(&client.follow(Action::On, 99)),
        ["refused: it is not in conf, or its segment is not served here"]
    );

    // A second program says that the first has it, and the first keeps it.
    let mut second = Program::launch(&segment, &["--journal", "other.sqlite", "--log-dir", "other"]);
    let failed = second.wait("the second says so", |event| {
        matches!(&event.fact, Fact::ServiceFailed { error, .. } if error.contains("socket of another PXElator"))
    });
    let Fact::ServiceFailed { error, next_step, .. } = failed.fact else { unreachable!() };
    assert!(error.contains(&format!("(process {})", program_of(&segment))), "{error}");
    assert_eq!(next_step, "end the other, or name another folder with --run-dir");
    second.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(second.end(), Some(0));
    assert_eq!(steps(&client.follow(Action::On, 99)).len(), 1);
    let _ = Client::new(&segment);

    // What a program that was killed leaves behind is replaced.
    program.kill();
    assert!(UnixStream::connect(&socket).is_err() && socket.exists());
    let mut program = Program::start(&segment);
    crate::support::wait_for("its socket", SOON, || UnixStream::connect(&socket).ok());
    program.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(program.end(), Some(0));
    assert!(!socket.exists());
}

/// The process that has the socket.
fn program_of(segment: &Segment) -> String {
    std::fs::read_to_string(segment.folder.path().join("run/control.lock")).unwrap().trim().to_owned()
}

#[test]
fn nobody_else_is_listened_to() {
    // Not what else is called so in a folder of root's.
    const PYTHON: &str = "/usr/bin/python3";
    if !can_run(&["setpriv", PYTHON]) {
        return;
    }
    let segment = Segment::new("stranger");
    segment.machine(60, &mac(60), "web1");
    let _program = Program::start(&segment);
    let socket = segment.folder.path().join("run/control");
    // Also where the file itself would let him in.
    for folder in [segment.folder.path(), &segment.folder.path().join("run")] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    let script = format!(
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('{}'); print(s.makefile().read())",
        socket.display()
    );
    let mut anybody = std::process::Command::new("setpriv");
    anybody.args(["--reuid", "65534", "--clear-groups", "--inh-caps=-all", PYTHON, "-c", &script]);
    assert_eq!(crate::support::run(&mut anybody).trim(), "{\"error\":\"only root may ask\"}");
}
