//! dhclient, udhcpc and dhcpcd get, renew, release and get again what they had: a reservation and an address of the pool.

use crate::support::{Host, Program, Segment, can_run, run, wait_for};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pxelator::event::{Event, Fact, LeaseSource};
use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const KNOWN: &str = "52:54:00:77:00:60";
const GUEST: &str = "52:54:00:77:00:99";
/// dhcpcd alone waits some seconds for others that might have its address.
const PATIENT: Duration = Duration::from_secs(60);

fn segment(name: &str) -> Segment {
    let segment = Segment::new(name);
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.103");
    segment.conf("10.77.0.1/lease", "600");
    segment.conf("10.77.0.1/gateway", "10.77.0.254");
    segment.conf("10.77.0.1/ntp", "10.77.0.253");
    segment.machine(60, KNOWN, "web1");
    segment
}

/// A host with a real client on it.
struct Client {
    host: Host,
    mac: &'static str,
    running: Option<Child>,
}

impl Client {
    fn new(segment: &Segment, name: &str, mac: &'static str) -> Client {
        let host = segment.host(name, mac);
        for folder in ["run", "lib/dhcpcd"] {
            fs::create_dir_all(host.folder().join(folder)).unwrap();
        }
        fs::write(host.folder().join("leases"), "").unwrap();
        fs::write(host.folder().join("dhclient.conf"), "supersede dhcp-renewal-time 2;\n").unwrap();
        Client { host, mac, running: None }
    }

    /// A shell line in which a client sees a system of its own: what it writes to /etc, /run and /var/lib, resolv.conf
    /// before all, is never the machine's.
    fn command(&self, line: &str) -> Command {
        let folder = self.host.folder().display();
        let apart = format!(
            "set -e; mount -t tmpfs t /mnt; mkdir /mnt/u /mnt/w; \
             mount -t overlay o -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc; \
             mount --bind {folder}/lib /var/lib; mount --bind {folder}/run /run; cd {folder}; {line}"
        );
        let mut command = self.host.command("sh");
        command.args(["-c", &apart]).stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> String {
        run(&mut self.command(line))
    }

    fn start(&mut self, line: &str) {
        assert!(self.running.is_none());
        let log = || fs::File::options().create(true).append(true).open(self.host.folder().join("log")).unwrap();
        let mut command = self.command(&format!("exec {line}"));
        self.running = Some(command.stdout(log()).stderr(log()).spawn().unwrap());
    }

    /// The client ends because a second one, `line`, told it to. Where the first is too busy to hear it is told again.
    fn ends_by(&mut self, line: &str) {
        let mut child = self.running.take().unwrap();
        for _ in 0..5 {
            let mut second = self.command(line).spawn().unwrap();
            // Some wait for the first to be gone, so it is to be buried meanwhile.
            let ended = wait_for("the second client's end", PATIENT, || {
                let ended = child.try_wait().unwrap().is_some();
                second.try_wait().unwrap().map(|_| ended || child.try_wait().unwrap().is_some())
            });
            if ended {
                return;
            }
        }
        panic!("{line} did not end it\n{}", self.log());
    }

    fn signal(&self, signal: Signal) {
        let child = self.running.as_ref().unwrap();
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
    }

    fn end(&mut self, signal: Signal) {
        self.signal(signal);
        let mut child = self.running.take().unwrap();
        wait_for("the client's end", PATIENT, || child.try_wait().unwrap());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.host.folder().join("log")).unwrap_or_default()
    }

    /// Waits until the interface has `address`.
    fn has(&self, address: Option<&str>) {
        let had = std::cell::RefCell::new(None);
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("the address", PATIENT, || {
                *had.borrow_mut() = self.host.has_address();
                (had.borrow().as_deref() == address).then_some(())
            });
        }));
        assert!(waited.is_ok(), "expected {address:?}, has {:?}\n{}", had.borrow(), self.log());
    }

    fn is_acknowledged(&self, event: &Event, address: &str, again: bool) -> bool {
        let ours = event.mac.is_some_and(|mac| mac.to_string() == self.mac);
        match &event.fact {
            Fact::DhcpAcknowledged { address: a, renewal, lease: 600, .. } => {
                ours && a.to_string() == address && *renewal == again
            }
            _ => false,
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
            let _ = child.wait();
        }
    }
}

/// How a client is told what to do.
struct Ways {
    start: &'static str,
    renew: fn(&Client),
    release: fn(&mut Client),
}

/// The whole life of a lease, on a reservation and on an address of the pool, side by side.
fn lives(name: &str, ways: &Ways) {
    let segment = segment(name);
    let program = Program::start(&segment);
    thread::scope(|scope| {
        for (host, mac, address, source) in [
            ("known", KNOWN, "10.77.0.60", LeaseSource::Reservation),
            ("guest", GUEST, "10.77.0.100", LeaseSource::Pool),
        ] {
            let (segment, program) = (&segment, &program);
            scope.spawn(move || live(Client::new(segment, host, mac), program, ways, address, source));
        }
    });
}

fn live(mut client: Client, program: &Program, ways: &Ways, address: &str, source: LeaseSource) {
    let given = |client: &Client, mark, again| {
        let what = format!("{address} acknowledged to {}, again: {again}", client.mac);
        program.wait_since(mark, &what, |event| client.is_acknowledged(event, address, again))
    };
    client.start(ways.start);
    client.has(Some(address));
    let first = given(&client, 0, false);
    assert!(matches!(first.fact, Fact::DhcpAcknowledged { source: s, .. } if s == source), "{first:?}");
    assert_eq!(first.machine.map(|m| m.to_string()).as_deref(), Some(address));
    // Clients set the route after the address.
    wait_for("the route", PATIENT, || {
        let routes = String::from_utf8(client.host.sh("ip route").stdout).unwrap();
        (routes.contains("default via 10.77.0.254") && routes.contains("10.77.0.0/24")).then_some(())
    });

    // dhcpcd overhears what it is asked while it is busy.
    let mark = program.mark();
    let renewed = || program.since(mark).iter().any(|event| client.is_acknowledged(event, address, true));
    let mut again = 0;
    while !renewed() && again < 5 {
        (again, _) = (again + 1, (ways.renew)(&client));
        let until = Instant::now() + Duration::from_secs(10);
        while !renewed() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
    }
    given(&client, mark, true);
    client.has(Some(address));

    let mark = program.mark();
    (ways.release)(&mut client);
    let is_release =
        |event: &Event| matches!(&event.fact, Fact::DhcpReleased { address: a } if a.to_string() == address);
    program.wait_since(mark, &format!("{address} released"), is_release);
    client.has(None);

    let mark = program.mark();
    if client.running.is_none() {
        client.start(ways.start);
    }
    client.has(Some(address));
    program.wait_since(mark, "the same address again", |event| {
        client.is_acknowledged(event, address, false) || client.is_acknowledged(event, address, true)
    });
    let told_twice = |event: &Event| matches!(&event.fact, Fact::DhcpExpired { .. });
    assert!(!program.events().iter().any(told_twice), "what was given back did not run out too");
}

const DHCLIENT: &str = "dhclient -d -cf dhclient.conf -lf leases -pf pid eth0";

fn dhclient_conf(client: &Client) {
    let conf = "send host-name = \"Anna's laptop\";\nrequest subnet-mask, broadcast-address, routers, domain-name, \
         domain-name-servers, host-name, ntp-servers, dhcp-renewal-time, dhcp-rebinding-time;\n";
    fs::write(client.host.folder().join("dhclient.conf"), conf).unwrap();
}

#[test]
fn dhclient() {
    if !can_run(&["dhclient"]) {
        return;
    }
    let ways = Ways {
        start: DHCLIENT,
        renew: |_| {}, // by itself: T1 is two seconds
        release: |client| {
            let noted = client.host.folder().join("pid");
            wait_for("its process number", PATIENT, || fs::read_to_string(&noted).ok().filter(|pid| !pid.is_empty()));
            client.ends_by("dhclient -r -cf dhclient.conf -lf leases -pf pid eth0");
        },
    };
    lives("dhclient", &ways);
}

#[test]
fn udhcpc() {
    if !can_run(&["udhcpc", "busybox"]) {
        return;
    }
    let ways = Ways {
        start: "udhcpc -f -i eth0 -s /etc/udhcpc/default.script -x hostname:guest -t 10 -T 2",
        renew: |client| client.signal(Signal::SIGUSR1),
        release: |client| {
            client.signal(Signal::SIGUSR2);
            client.has(None);
            client.end(Signal::SIGTERM);
        },
    };
    lives("udhcpc", &ways);
}

#[test]
fn dhcpcd() {
    if !can_run(&["dhcpcd"]) {
        return;
    }
    let ways = Ways {
        start: "dhcpcd -4 -B -h guest eth0",
        renew: |client| drop(client.run("dhcpcd -4 -N eth0")),
        release: |client| client.ends_by("dhcpcd -4 -k eth0"),
    };
    lives("dhcpcd", &ways);
}

#[test]
fn what_a_client_is_told_and_tells() {
    if !can_run(&["dhclient"]) {
        return;
    }
    let segment = segment("told");
    let program = Program::start(&segment);
    let (mut known, mut guest) = (Client::new(&segment, "known", KNOWN), Client::new(&segment, "guest", GUEST));
    for (client, address) in [(&mut known, "10.77.0.60"), (&mut guest, "10.77.0.100")] {
        dhclient_conf(client);
        client.start(DHCLIENT);
        client.has(Some(address));
    }
    let lease = |client: &Client| {
        wait_for("the client's own note of its lease", PATIENT, || {
            let text = fs::read_to_string(client.host.folder().join("leases")).unwrap();
            text.contains("expire").then_some(text)
        })
    };
    let told = lease(&known);
    for option in [
        "fixed-address 10.77.0.60;",
        "option subnet-mask 255.255.255.0;",
        "option broadcast-address 10.77.0.255;",
        "option routers 10.77.0.254;",
        "option domain-name-servers 10.77.0.1;",
        "option ntp-servers 10.77.0.253;",
        "option domain-name \"test.lan\";",
        "option host-name \"web1\";",
        "option dhcp-server-identifier 10.77.0.1;",
        "option dhcp-lease-time 600;",
        "option dhcp-renewal-time 300;",
        "option dhcp-rebinding-time 525;",
    ] {
        assert!(told.contains(option), "{option} is not in {told}");
    }
    assert!(!lease(&guest).contains("host-name"), "a stranger keeps its own name");
    let name = |event: &Event| {
        matches!(&event.fact, Fact::DhcpAcknowledged { hostname: Some(name), source: LeaseSource::Pool, .. }
            if name == "Anna's laptop")
    };
    program.wait("the name it gives itself", name);
}

#[test]
fn a_client_that_starts_anew_asks_for_what_it_had() {
    if !can_run(&["dhclient"]) {
        return;
    }
    let segment = segment("reboot");
    let program = Program::start(&segment);
    let mut guest = Client::new(&segment, "guest", GUEST);
    dhclient_conf(&guest);
    guest.start(DHCLIENT);
    guest.has(Some("10.77.0.100"));
    let leases = guest.host.folder().join("leases");
    let is_kept = || fs::read_to_string(&leases).unwrap().contains("fixed-address").then_some(());
    wait_for("the client's own note of its lease", PATIENT, is_kept);
    guest.end(Signal::SIGKILL);
    guest.host.sh("ip addr flush dev eth0");

    // INIT-REBOOT: a request without a discover (RFC 2131, section 4.4.2).
    let mark = program.mark();
    guest.start(DHCLIENT);
    guest.has(Some("10.77.0.100"));
    program.wait_since(mark, "INIT-REBOOT is acknowledged", |event| guest.is_acknowledged(event, "10.77.0.100", true));
    let discovers = program.since(mark).iter().filter(|e| matches!(e.fact, Fact::DhcpDiscovered { .. })).count();
    assert_eq!(discovers, 0, "{}", guest.log());
    guest.end(Signal::SIGKILL);
    guest.host.sh("ip addr flush dev eth0");

    // It was on another network: it is refused, and asks for a new one at once.
    let elsewhere = fs::read_to_string(&leases).unwrap().replace("10.77.0.", "192.168.7.");
    fs::write(&leases, elsewhere).unwrap();
    let mark = program.mark();
    guest.start(DHCLIENT);
    program.wait_since(mark, "an address of another network is refused", |event| {
        matches!(&event.fact, Fact::DhcpRefused { address: Some(address), reason, .. }
            if address.to_string().starts_with("192.168.7.") && reason.contains("10.77.0.0/24"))
    });
    guest.has(Some("10.77.0.100"));
    assert!(guest.log().contains("DHCPNAK from 10.77.0.1"), "{}", guest.log());
}

#[test]
fn a_lease_is_kept_through_a_crash_and_given_to_nobody_else() {
    if !can_run(&["udhcpc", "busybox"]) {
        return;
    }
    let segment = segment("crash");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.101");
    let program = Program::start(&segment);
    let mut guest = Client::new(&segment, "guest", GUEST);
    guest.start("udhcpc -f -i eth0 -s /etc/udhcpc/default.script -t 10 -T 2");
    guest.has(Some("10.77.0.100"));
    program.kill();

    let program = Program::start(&segment);
    // An ARP probe cannot find the first client out: it is the journal that knows.
    guest.host.sh("ip addr flush dev eth0");
    let mut other = Client::new(&segment, "other", "52:54:00:77:00:98");
    other.start("udhcpc -f -i eth0 -s /etc/udhcpc/default.script -r 10.77.0.100 -t 10 -T 2");
    other.has(Some("10.77.0.101"));
    guest.host.address("10.77.0.100");
    guest.signal(Signal::SIGUSR1);
    let again = |event: &Event| guest.is_acknowledged(event, "10.77.0.100", true);
    program.wait("the first client renews what it had", again);
}
