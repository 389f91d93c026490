//! A network namespace with a bridge, and further namespaces as hosts on it. Nothing can leave them.

use nix::{
    sched::{CloneFlags, setns},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
};

/// Runs a program to its end; panics with what it printed where it cannot be run or fails.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn ip(words: &str) -> String {
    run(Command::new("ip").args(words.split_whitespace()))
}

/// The next datagram and who sent it. A child of another test that ends interrupts a socket that waits for a while only, which
/// is no answer.
pub fn hear(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            heard => return heard,
        }
    }
}

/// A segment 10.77.0.0/24 whose server is 10.77.0.1 on `br0`, with its conf tree, `tftpboot` and journal.
pub struct Segment {
    /// The namespace's name.
    pub name: String,
    /// Where `conf`, `tftpboot` and the journal are.
    pub folder: tempfile::TempDir,
}

/// The hardware address of the machine of [`Segment::with_web1`].
pub const WEB1: &str = "52:54:00:77:00:60";

impl Segment {
    /// A new segment with a machine of conf, `web1` at 10.77.0.60, and the host that it is.
    pub fn with_web1(name: &str) -> (Segment, Host) {
        let segment = Segment::new(name);
        segment.machine(60, WEB1, "web1");
        let host = segment.host("web1", WEB1);
        host.address("10.77.0.60");
        (segment, host)
    }

    /// A new segment; `name` is that of the test.
    pub fn new(name: &str) -> Segment {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("px-{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        ip(&format!("netns add {name}"));
        let segment = Segment { name, folder: tempfile::tempdir().unwrap() };
        let name = &segment.name;
        ip(&format!("-n {name} link set lo up"));
        // With an address of its own a bridge keeps it when hosts come and go.
        ip(&format!("-n {name} link add br0 address 52:54:00:77:00:01 type bridge forward_delay 0 mcast_snooping 0"));
        ip(&format!("-n {name} addr add 10.77.0.1/24 brd + dev br0"));
        ip(&format!("-n {name} link set br0 up"));
        fs::create_dir_all(segment.tftpboot()).unwrap();
        segment.conf("10.77.0.1/domain", "test.lan");
        segment
    }

    /// The conf tree.
    pub fn conf_dir(&self) -> PathBuf {
        self.folder.path().join("conf")
    }

    /// The served folder.
    pub fn tftpboot(&self) -> PathBuf {
        self.folder.path().join("tftpboot")
    }

    /// The journal's file.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.sqlite")
    }

    /// Writes one value of the conf tree: `10.77.0.1/pool`.
    pub fn conf(&self, path: &str, value: &str) {
        let path = self.conf_dir().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Renamed into place, so that a watcher never reads half a value.
        let new = path.with_file_name(".new");
        fs::write(&new, format!("{value}\n")).unwrap();
        fs::rename(&new, &path).unwrap();
    }

    /// Writes a machine `10.77.0.<last>` with its MAC and name.
    pub fn machine(&self, last: u8, mac: &str, hostname: &str) {
        self.conf(&format!("10.77.0.1/10.77.0.{last}/hostname"), hostname);
        self.conf(&format!("10.77.0.1/10.77.0.{last}/mac"), mac);
    }

    /// Writes a file that is served.
    pub fn serve(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.tftpboot().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A command that will run in the segment's namespace, where the server is.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        within(&self.name, program)
    }

    /// Runs `work` in the segment's namespace; sockets that it opens stay there.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        inside(&self.name, work)
    }

    /// A further host on the segment: an interface `eth0` with this MAC, without an address.
    pub fn host(&self, name: &str, mac: &str) -> Host {
        let host = Host { namespace: format!("{}-{name}", self.name), folder: tempfile::tempdir().unwrap() };
        let (segment, namespace) = (&self.name, &host.namespace);
        let port = format!("h-{name}");
        assert!(port.len() < 16, "an interface's name has at most 15 bytes: {port}");
        ip(&format!("netns add {namespace}"));
        ip(&format!("-n {namespace} link add eth0 address {mac} type veth peer name {port} netns {segment}"));
        ip(&format!("-n {namespace} link set lo up"));
        ip(&format!("-n {namespace} link set eth0 up"));
        ip(&format!("-n {segment} link set {port} master br0 up"));
        host
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// A host of its own on a segment.
pub struct Host {
    namespace: String,
    folder: tempfile::TempDir,
}

impl Host {
    /// A command that will run on the host.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        within(&self.namespace, program)
    }

    /// Runs `work` in the host's namespace; sockets that it opens stay there.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        inside(&self.namespace, work)
    }

    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Runs a shell line on the host, in its own folder, to its end.
    pub fn sh(&self, line: &str) -> Output {
        let mut command = self.command("sh");
        command.args(["-c", line]).current_dir(self.folder()).stdin(Stdio::null());
        command.output().unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    /// A UDP socket of the host that may broadcast; reading it gives up after a while.
    pub fn udp(&self, port: u16) -> UdpSocket {
        let socket = self.inside(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap());
        socket.set_broadcast(true).unwrap();
        socket.set_read_timeout(Some(super::SOON)).unwrap();
        socket
    }

    /// Gives the host a fixed address: `10.77.0.60`.
    pub fn address(&self, address: &str) {
        ip(&format!("-n {} addr replace {address}/24 dev eth0", self.namespace));
    }

    /// The IPv4 address that `eth0` has now.
    pub fn has_address(&self) -> Option<String> {
        let shown = ip(&format!("-n {} -4 -o addr show dev eth0", self.namespace));
        shown
            .split_whitespace()
            .skip_while(|word| *word != "inet")
            .nth(1)
            .map(|a| a.split('/').next().unwrap().to_owned())
    }

    /// A folder of the host's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        remove(&self.namespace);
    }
}

/// Removes a namespace with what still runs there: virtual machines and clients outlive who started them, and the
/// namespace would outlive its name with them.
fn remove(namespace: &str) {
    let inside = Command::new("ip").args(["netns", "pids", namespace]).output();
    let inside = inside.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    for pid in inside.split_whitespace().filter_map(|pid| pid.parse().ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let _ = Command::new("ip").args(["netns", "del", namespace]).output();
}

fn inside<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> T {
    inside_of(&Path::new("/run/netns").join(namespace), work)
}

/// Runs `work` in the namespace of this file.
pub fn inside_of<T: Send>(namespace: &Path, work: impl FnOnce() -> T + Send) -> T {
    let namespace = fs::File::open(namespace).unwrap();
    // A thread of its own: a namespace is the thread's.
    let worked = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            setns(&namespace, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        });
        thread.join()
    });
    worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn within(namespace: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}
