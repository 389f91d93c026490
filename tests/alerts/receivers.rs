//! Those who are told: real SMTP servers (aiosmtpd) and a real HTTP server, with TLS and without, in the segment's namespace.

use crate::support::{Running, Segment, run, wait_for};
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command, time::Duration};

/// A process that ends with its owner.
pub struct Server {
    _process: Running,
    folder: PathBuf,
}

/// Starts one, and waits until it takes connections on loopback.
pub fn start(segment: &Segment, mut command: Command, port: u16, folder: PathBuf) -> Server {
    Server { _process: Running::listening(segment, &mut command, port), folder }
}

/// A web server that writes down what it is told.
pub struct Web(Server);

impl Web {
    pub const PORT: u16 = 8099;

    pub fn start(segment: &Segment) -> Web {
        Web::start_as(segment, None)
    }

    /// As [`Web::start`], by TLS where there is a certificate.
    pub fn start_as(segment: &Segment, identity: Option<&Identity>) -> Web {
        let folder = segment.folder.path().join("web");
        fs::create_dir_all(&folder).unwrap();
        let mut command = segment.command("/usr/bin/python3");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/alerts/receiver.py");
        command.arg(script).arg(Web::PORT.to_string()).arg(folder.join("told"));
        if let Some(Identity { certificate, key, .. }) = identity {
            command.args([certificate, key]);
        }
        Web(start(segment, command, Web::PORT, folder))
    }

    /// From now on it answers this: a status, and headers a line each. An empty one is an end of that.
    pub fn answers(&self, answer: &str) {
        let file = self.0.folder.join("answer");
        if answer.is_empty() { fs::remove_file(file).unwrap() } else { fs::write(file, answer).unwrap() }
    }

    /// What it was told so far.
    pub fn told(&self) -> Vec<Value> {
        let lines = fs::read_to_string(self.0.folder.join("told")).unwrap_or_default();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The alerts that it was told of, where they are JSON: status, rule and name.
    pub fn alerts(&self) -> Vec<String> {
        let words = |told: &Value| {
            let body: Value = serde_json::from_str(told["body"].as_str().unwrap()).unwrap();
            let text = |name: &str| body[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", text("status"), text("rule"), text("hostname"))
        };
        self.told().iter().map(words).collect()
    }

    /// From now on it takes requests and does not answer, or does again.
    pub fn hangs(&self, hangs: bool) {
        let file = self.0.folder.join("hangs");
        if hangs { fs::write(file, "").unwrap() } else { fs::remove_file(file).unwrap() }
    }

    /// So many requests it took and did not answer.
    pub fn hung(&self) -> usize {
        fs::read(self.0.folder.join("hung")).unwrap_or_default().len()
    }

    /// Waits until it was told so many.
    pub fn wait(&self, count: usize, patience: Duration) -> Vec<Value> {
        wait_for(&format!("{count} requests"), patience, || Some(self.told()).filter(|told| told.len() >= count))
    }
}

/// A mail server that keeps what it takes in a Maildir.
pub struct Mail(Server);

impl Mail {
    pub const PORT: u16 = 2525;

    pub fn start(segment: &Segment) -> Mail {
        let folder = segment.folder.path().join("mail");
        let mut command = segment.command("aiosmtpd");
        command
            .args(["-n", "-l", &format!("127.0.0.1:{}", Mail::PORT), "-c", "aiosmtpd.handlers.Mailbox"])
            .arg(&folder);
        Mail(start(segment, command, Mail::PORT, folder))
    }

    /// The mails so far.
    pub fn mails(&self) -> Vec<String> {
        let Ok(new) = fs::read_dir(self.0.folder.join("new")) else { return Vec::new() };
        let mut mails: Vec<_> = new.map(|file| file.unwrap().path()).collect();
        mails.sort();
        mails.into_iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    /// The subjects so far, in any order.
    pub fn subjects(&self) -> Vec<String> {
        let subject =
            |mail: &String| mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned();
        let mut subjects: Vec<String> = self.mails().iter().map(subject).collect();
        subjects.sort();
        subjects
    }
}

/// A mail server that wants a login, as `mail.py` says; what it takes is in a Maildir.
pub struct Post(Server);

impl Post {
    /// Starts one on a port of loopback: `tls`, `starttls` or `plain`.
    pub fn start(segment: &Segment, mode: &str, port: u16, identity: &Identity) -> Post {
        let folder = segment.folder.path().join(format!("post{port}"));
        fs::create_dir_all(&folder).unwrap();
        let mut command = segment.command("/usr/bin/python3");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/alerts/mail.py");
        command.args([script, mode]).arg(port.to_string()).arg(&folder).args([&identity.certificate, &identity.key]);
        Post(start(segment, command, port, folder))
    }

    /// The commands that it heard.
    pub fn heard(&self) -> Vec<String> {
        let heard = fs::read_to_string(self.0.folder.join("heard")).unwrap_or_default();
        heard.lines().map(str::to_owned).collect()
    }

    /// How many mails it took.
    pub fn mails(&self) -> usize {
        fs::read_dir(self.0.folder.join("mails/new")).map_or(0, Iterator::count)
    }
}

/// A certificate for 127.0.0.1, made by an authority of its own.
pub struct Identity {
    /// The authority's certificate.
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Identity {
    pub fn make(segment: &Segment, name: &str) -> Identity {
        let at = |ending: &str| segment.folder.path().join(format!("{name}.{ending}"));
        let openssl = |words: &str, out: &str, key: &str| {
            let mut command = Command::new("openssl");
            command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
            command.args(["-days", "2"]).args(words.split(' ')).arg("-out").arg(at(out)).arg("-keyout").arg(at(key));
            command
        };
        run(&mut openssl(&format!("-subj /CN={name}"), "authority", "authority-key"));
        let words =
            "-subj /CN=127.0.0.1 -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1";
        let mut signed = openssl(words, "certificate", "key");
        run(signed.arg("-CA").arg(at("authority")).arg("-CAkey").arg(at("authority-key")));
        Identity { authority: at("authority"), certificate: at("certificate"), key: at("key") }
    }
}
