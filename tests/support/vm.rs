//! Machines that tests boot: what they load, what they say on their serial console, and the stages that their boot goes through.

use super::{Program, Segment, run};
use pxelator::event::{Event, Fact, LeaseSource};
use std::{
    fs,
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// What must be there to boot machines, beside the firmware.
pub const NEEDED: &[&str] = &["qemu-system-x86_64", "apt-get", "dpkg-deb", "cpio", "depmod"];
/// How long a whole boot may take on a loaded machine, emulated.
pub const PATIENCE: Duration = Duration::from_secs(240);
/// How often is looked whether it is so far.
const LOOK: Duration = Duration::from_millis(50);

/// Lays the practice guest, the boot programs and the shipped profiles into `segment`.
pub fn equip(segment: &Segment) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Made once; `make` itself lets only one at a time do it.
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest");
    run(Command::new(project.join("tftpboot/practice/guest/make")).arg(&made));
    let loaders = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loaders");
    run(Command::new(project.join("tftpboot/loaders")).arg(&loaders));
    copy(&loaders, &segment.tftpboot());
    let practice = segment.tftpboot().join("practice");
    fs::create_dir_all(&practice).unwrap();
    for file in ["vmlinuz", "initrd.img"] {
        fs::copy(made.join(file), practice.join(file)).unwrap();
    }
    fs::copy(project.join("tftpboot/practice/welcome"), practice.join("welcome")).unwrap();
    for profile in ["practice", "practice-broken"] {
        for file in ["kernel", "initrd", "append"] {
            let value = fs::read_to_string(project.join("conf/boot").join(profile).join(file)).unwrap();
            segment.conf(&format!("boot/{profile}/{file}"), value.trim());
        }
    }
    segment.conf("10.77.0.1/boot", "practice");
}

/// Lays a shipped profile with all its files into `segment`.
pub fn ship(segment: &Segment, profile: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/boot").join(profile);
    copy(&from, &segment.conf_dir().join("boot").join(profile));
}

/// Copies a folder with its folders.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else if !entry.file_name().to_string_lossy().starts_with('.') {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A serial console that is kept in a file; empty where there is none yet.
pub fn console(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).replace('\r', "")
}

/// A disk with this in its boot sector.
pub fn disk(code: &[u8]) -> Vec<u8> {
    let mut disk = vec![0; 1 << 20];
    disk[..code.len()].copy_from_slice(code);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk
}

/// What programs said on a serial console. A message of the kernel, which can begin in the middle of a program's line, is
/// left out.
pub fn said(console: &str) -> String {
    let (mut said, mut rest) = (String::new(), console);
    while let Some(at) = rest.find('[') {
        said.push_str(&rest[..at]);
        rest = &rest[at..];
        if is_of_kernel(rest) {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else {
            said.push('[');
            rest = &rest[1..];
        }
    }
    said + rest
}

/// Whether a message of the kernel begins here: `[    4.799745] `.
fn is_of_kernel(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = text.strip_prefix('[').and_then(|text| text.split_once("] ")).map(|(time, _)| time.trim_start());
    time.and_then(|time| time.split_once('.'))
        .is_some_and(|(seconds, micros)| digits(seconds) && digits(micros) && micros.len() == 6)
}

/// Waits for the practice guest's last line on a console.
pub fn wait_until_up(hostname: &str, address: Ipv4Addr, console: impl Fn() -> String) {
    let last = format!("PRACTICE-UP {hostname} {address}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let console = console();
        let said = said(&console);
        if said.lines().any(|line| line == last) {
            return;
        }
        let over = Instant::now() > deadline || said.contains("PRACTICE-FAILED");
        assert!(!over, "{last}: not seen on the console:\n{console}");
        thread::sleep(LOOK);
    }
}

/// A virtual machine of `segment`: its address ends in `last`, its firmware is `bios` or `uefi`.
pub struct Vm<'a> {
    segment: &'a Segment,
    /// Its name.
    pub hostname: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address.
    pub mac: String,
}

impl Vm<'_> {
    /// Writes the machine into conf. `--power-on` with its name switches it on.
    pub fn new<'a>(segment: &'a Segment, last: u8, hostname: &str, firmware: &str) -> Vm<'a> {
        let mac = format!("52:54:00:77:00:{last:02x}");
        segment.machine(last, &mac, hostname);
        segment.conf(&format!("10.77.0.1/10.77.0.{last}/firmware"), firmware);
        segment.conf(&format!("10.77.0.1/10.77.0.{last}/power"), "qemu");
        Vm { segment, hostname: hostname.to_owned(), address: Ipv4Addr::new(10, 77, 0, last), mac }
    }

    /// All that it said on its serial console.
    pub fn console(&self) -> String {
        console(&self.segment.folder.path().join("run").join(format!("{}.console", self.address)))
    }

    /// What its programs said there.
    pub fn said(&self) -> String {
        said(&self.console())
    }

    /// Waits for the guest's last line, which says that it leased, resolved, fetched and logged.
    pub fn wait_until_up(&self) {
        wait_until_up(&self.hostname, self.address, || self.console());
    }

    /// Waits until `program` told each of `stages` of this machine, in their order. Panics with all events and the
    /// console.
    pub fn passes(&self, program: &Program, stages: &[Stage]) {
        self.passes_within(program, stages, PATIENCE);
    }

    /// As [`Vm::passes`], for at most `patience`.
    pub fn passes_within(&self, program: &Program, stages: &[Stage], patience: Duration) {
        let of_this = |event: &Event| event.mac.is_some_and(|mac| mac.to_string() == self.mac);
        let deadline = Instant::now() + patience;
        let mut from = 0;
        for stage in stages {
            loop {
                let events = program.events();
                let matches = |event: &Event| of_this(event) && (stage.is)(&event.fact);
                if let Some(at) = events.iter().skip(from).position(matches) {
                    from += at + 1;
                    break;
                }
                // A verdict is no reason to give up: on a loaded machine it may be early, and the boot goes on.
                let failed = events
                    .iter()
                    .any(|e| of_this(e) && matches!(e.fact, Fact::PowerUnconfirmed { .. } | Fact::PowerRefused { .. }));
                if failed || Instant::now() > deadline {
                    let told: Vec<String> =
                        events.iter().map(|e| format!("{} {} {}", e.time, e.kind(), e.fact)).collect();
                    let (told, console) = (told.join("\n"), self.console());
                    panic!("{}: not seen: {}\n{told}\n{}\n{console}", self.hostname, stage.name, program.words());
                }
                thread::sleep(LOOK);
            }
        }
    }
}

/// The serial console of the machine at `address`, to type at. What comes is read and left: where nobody reads, the
/// machine's console stands still.
pub fn serial(segment: &Segment, address: &str) -> UnixStream {
    let path = segment.folder.path().join("run").join(format!("{address}.serial"));
    let stream = UnixStream::connect(path).unwrap();
    let mut read = stream.try_clone().unwrap();
    thread::spawn(move || std::io::copy(&mut read, &mut std::io::sink()));
    stream
}

/// One step of a boot, as an event tells it.
pub struct Stage {
    name: String,
    is: Box<dyn Fn(&Fact) -> bool>,
}

/// A stage of one's own.
pub fn stage(name: &str, is: impl Fn(&Fact) -> bool + 'static) -> Stage {
    Stage { name: name.to_owned(), is: Box::new(is) }
}

/// It looked for a server, as iPXE or as firmware.
pub fn discovered(as_ipxe: bool) -> Stage {
    stage("discovered", move |fact| matches!(fact, Fact::DhcpDiscovered { ipxe, .. } if *ipxe == as_ipxe))
}

/// It was offered its reserved address with this boot file.
pub fn offered(file: &str) -> Stage {
    let file = file.to_owned();
    stage(
        &format!("offered {file}"),
        move |fact| matches!(fact, Fact::DhcpOffered { boot_file: Some(f), source: LeaseSource::Reservation, .. } if *f == file),
    )
}

/// It leased its address, as iPXE or as firmware.
pub fn acknowledged(as_ipxe: bool) -> Stage {
    stage(
        "acknowledged",
        move |fact| matches!(fact, Fact::DhcpAcknowledged { ipxe, boot_file: Some(_), .. } if *ipxe == as_ipxe),
    )
}

/// It got the whole file.
pub fn got(file: &str) -> Stage {
    let file = file.to_owned();
    stage(&format!("got {file}"), move |fact| match fact {
        Fact::HttpCompleted { transfer } | Fact::TftpCompleted { transfer } => {
            transfer.file == file && transfer.size == Some(transfer.bytes)
        }
        _ => false,
    })
}

/// Its system took a lease.
pub fn system_acknowledged() -> Stage {
    stage("the system's lease", |fact| {
        matches!(fact, Fact::DhcpAcknowledged { ipxe: false, architecture: None, boot_file: None, .. })
    })
}

/// It logged what only its kernel says.
pub fn kernel_logged() -> Stage {
    stage("the kernel's log", |fact| {
        matches!(fact, Fact::SyslogReceived { facility, text, .. }
            if facility.as_deref() == Some("kern") && text.contains("Linux version"))
    })
}

/// The guest logged its last word by syslog.
pub fn system_logged() -> Stage {
    stage("the system's log", |fact| matches!(fact, Fact::SyslogReceived { text, .. } if text == "up"))
}

/// The program says that the boot is through.
pub fn completed() -> Stage {
    stage("completed", |fact| matches!(fact, Fact::BootCompleted { millis } if *millis > 0))
}
