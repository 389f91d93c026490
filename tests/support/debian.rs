//! A Debian that runs as a host on the segment, without a virtual machine: the test image below a writable layer, in namespaces of its
//! own, with a real sshd, rsync, dpkg and apt. Its pid 1 is no systemd.

use super::{Host, Segment, run, wait_for};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

/// What must be there beside what makes segments.
pub const NEEDED: &[&str] = &["git", "mmdebstrap", "rsync", "ssh", "ssh-keygen", "unshare"];
/// What making the image may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Debian, a machine of conf.
pub struct Debian {
    /// Its name.
    pub hostname: String,
    /// Its address.
    pub address: String,
    /// The host that it is: for commands that run outside its root.
    pub host: Host,
    /// Its root as the test sees it: only while nothing is mounted over it, that is, by way of `upper`.
    folder: PathBuf,
    sshd: Option<Child>,
}

/// The test image: made once for all tests.
pub fn image() -> PathBuf {
    let image = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
    run(Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/base")).arg(&image));
    image
}

/// The key that lets the program in: made once a segment, used by `identity` in conf.
pub fn key(segment: &Segment) -> PathBuf {
    let key = segment.folder.path().join("id");
    if !key.exists() {
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
    }
    key
}

impl Debian {
    /// A machine of `segment` whose address ends in `last`, up and reachable: in conf with `ssh` and `ssh.pin`.
    pub fn start(segment: &Segment, last: u8, hostname: &str) -> Debian {
        let mac = format!("52:54:00:77:00:{last:02x}");
        segment.machine(last, &mac, hostname);
        let address = format!("10.77.0.{last}");
        let host = segment.host(hostname, &mac);
        host.address(&address);
        let key = key(segment);
        segment.conf(&format!("10.77.0.1/{address}/ssh"), &format!("user root\nidentity {}", key.display()));
        let folder = segment.folder.path().join("debians").join(hostname);
        for inner in ["upper", "work", "root"] {
            fs::create_dir_all(folder.join(inner)).unwrap();
        }
        let mut debian = Debian { hostname: hostname.to_owned(), address, host, folder, sshd: None };
        debian.write("etc/hostname", &format!("{hostname}\n"));
        debian.write("etc/hosts", &format!("127.0.0.1 localhost {hostname}\n"));
        debian.new_host_key();
        debian.write("root/.ssh/authorized_keys", &fs::read_to_string(key.with_extension("pub")).unwrap());
        for private in ["root", "root/.ssh"] {
            fs::set_permissions(debian.upper().join(private), fs::Permissions::from_mode(0o700)).unwrap();
        }
        segment.conf(&format!("10.77.0.1/{}/ssh.pin", debian.address), &debian.public_key());
        debian.up();
        debian
    }

    /// Its writable layer. While the machine is up only to be read.
    pub fn upper(&self) -> PathBuf {
        self.folder.join("upper")
    }

    /// Writes a file of its layer before it is up.
    fn write(&self, path: &str, text: &str) {
        let path = self.upper().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Gives it another ssh host key; seen when it is next up.
    pub fn new_host_key(&self) {
        let key = self.upper().join("etc/ssh/ssh_host_ed25519_key");
        fs::create_dir_all(key.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&key);
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
    }

    /// Its public key: kind and key.
    pub fn public_key(&self) -> String {
        let line = fs::read_to_string(self.upper().join("etc/ssh/ssh_host_ed25519_key.pub")).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// Switches it on, and waits for its sshd.
    pub fn up(&mut self) {
        let lower = image().join("root");
        let (folder, lower) = (self.folder.display(), lower.display());
        let script = format!(
            "set -e; mount -t overlay overlay -o lowerdir={lower},upperdir={folder}/upper,workdir={folder}/work {folder}/root
            cd {folder}/root; mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t tmpfs tmpfs run; mount --rbind /dev dev
            mkdir -p run/sshd; hostname {}; exec chroot . /usr/sbin/sshd -D -e",
            self.hostname
        );
        let mut command = self.host.command("unshare");
        command.args(["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "sh", "-c", &script]);
        self.sshd = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        wait_for(&format!("sshd of {}", self.hostname), PATIENCE, || {
            self.host.inside(|| TcpStream::connect(("127.0.0.1", 22))).ok()
        });
    }

    /// Lays out `/srv/db`: a root of its own within the machine, as a container has it, for `chroot /srv/db`.
    pub fn inner_root(&self) {
        self.does(
            "mkdir -p /srv/db/usr /srv/db/etc /srv/db/proc && mount --bind /usr /srv/db/usr && mount -t proc proc /srv/db/proc && \
             cd /srv/db && for d in bin lib lib64 sbin; do ln -sfn usr/$d $d; done; echo db > name; echo its own > etc/motd",
        );
    }

    /// Switches it off, as pulling the plug does.
    pub fn down(&mut self) {
        if let Some(mut sshd) = self.sshd.take() {
            let _ = kill(Pid::from_raw(sshd.id() as i32), Signal::SIGKILL);
            let _ = sshd.wait();
            wait_for("its port is closed", PATIENCE, || {
                self.host.inside(|| TcpStream::connect(("127.0.0.1", 22))).is_err().then_some(())
            });
        }
    }

    /// Runs a shell line on it by ssh, as somebody who knows it would.
    pub fn sh(&self, line: &str) -> Output {
        let mut command = self.host.command("ssh");
        let key = self.folder.parent().unwrap().parent().unwrap().join("id");
        command.args([
            "-T",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]);
        command.args(["-o", "LogLevel=ERROR", "-i"]).arg(key).args(["root@127.0.0.1", "--", line]);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The same for a line that has to succeed; what it printed.
    pub fn does(&self, line: &str) -> String {
        let output = self.sh(line);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}: {line}: {}{}", self.hostname, text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        self.down();
    }
}
