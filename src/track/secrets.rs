//! What is kept encrypted or not at all: which files that is, their digests, and age(1). A secret's content is nowhere but in memory
//! and in pipes.

use super::{Result, TrackError, pattern};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// Files that are left out by their names wherever `track` names them; only `secret` has them kept. Patterns as of rsync(1) from the
/// machine's root: what is left out here is not pulled either.
pub const NEVER: &[&str] = &[
    "/etc/shadow*",
    "/etc/gshadow*",
    "/etc/security/opasswd",
    "/etc/ssh/ssh_host_*_key",
    "/etc/ssl/private",
    "/etc/ssl/**.key",
    "/etc/pki/**.key",
    "/etc/pki/tls/private",
    "/etc/letsencrypt/accounts",
    "/etc/letsencrypt/archive",
    "/etc/letsencrypt/**/privkey*.pem",
    "/etc/krb5.keytab",
    "/etc/wireguard",
    "/etc/openvpn/**.key",
    "/etc/ipsec.secrets",
    "/etc/swanctl/private",
    "/etc/NetworkManager/system-connections",
    "/etc/iwd",
    "/etc/wpa_supplicant/*.conf",
    "/etc/ppp/*-secrets",
    "/var/lib/iwd",
    "/var/lib/private",
    "/etc/**/id_rsa",
    "/etc/**/id_ecdsa",
    "/etc/**/id_ed25519",
    "/**/.ssh/id_*[!b]",
    "/**/.gnupg/private-keys*",
    "/**/.netrc",
    "/**/.pgpass",
    "/**/.my.cnf",
    "/**/.aws/credentials",
    "/**/.vault-token",
    "/**/*.age.key",
];

/// Whether it is left out by its name.
pub fn is_never(path: &[u8]) -> bool {
    NEVER.iter().any(|never| pattern::names(never, path))
}

/// Between these a private key's kind stands.
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"PRIVATE KEY-----";
/// The longest kind: `OPENSSH `, `ENCRYPTED `.
const KIND: usize = 32;

/// Whether there is a private key in it, read part by part.
pub fn holds_private_key(content: &mut dyn Read) -> io::Result<bool> {
    let mut window: Vec<u8> = Vec::new();
    let mut part = vec![0; 64 << 10];
    loop {
        let read = content.read(&mut part)?;
        window.extend_from_slice(part.get(..read).unwrap_or_default());
        if has_key(&window, read == 0) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        // What may go on in the next part.
        let keep = BEGIN.len() + KIND + END.len() + 32;
        window.drain(..window.len().saturating_sub(keep));
    }
}

/// Programs have the words as constants; a key has its own text after them.
fn has_key(bytes: &[u8], is_end: bool) -> bool {
    let mut rest = bytes;
    while let Some(at) = find(rest, BEGIN) {
        rest = rest.get(at + BEGIN.len()..).unwrap_or_default();
        let head = rest.get(..rest.len().min(KIND + END.len())).unwrap_or_default();
        let Some(end) = find(head, END) else { continue };
        let is_kind = head.get(..end).unwrap_or_default().iter().all(|byte| byte.is_ascii_uppercase() || *byte == b' ');
        let after = rest.get(end + END.len()..).unwrap_or_default();
        let next = after.get(..after.len().min(12)).unwrap_or_default();
        if is_kind && (next.len() == 12 || is_end) && !next.contains(&0) {
            return true;
        }
    }
    false
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The key of digests, made at first: without it a digest tells nothing of a content that could be guessed.
pub fn key(run: &Path) -> Result<Vec<u8>> {
    let file = run.join(".key");
    let trouble = |source| TrackError::File { path: file.clone(), source };
    let mut new = [0; 32];
    for _ in 0..2 {
        match fs::read(&file) {
            Ok(key) if key.len() >= new.len() => return Ok(key),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(trouble(error)),
            _ => {}
        }
        fs::create_dir_all(run).map_err(trouble)?;
        fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut new)).map_err(trouble)?;
        // Whole or not at all, and of two that make it at once the first counts.
        let beside = run.join(format!(".key-{}-{}", std::process::id(), hex::encode(new.get(..4).unwrap_or_default())));
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
        made.and_then(|mut made| made.write_all(&new)).map_err(trouble)?;
        let placed = match fs::hard_link(&beside, &file) {
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && fs::metadata(&file).is_ok_and(|key| key.len() < 32) =>
            {
                fs::rename(&beside, &file)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        };
        let _ = fs::remove_file(&beside);
        placed.map_err(trouble)?;
    }
    fs::read(&file).map_err(trouble)
}

/// What a secret is known by: of its content, and of for whom it is encrypted.
pub fn digest(key: &[u8], content: &[u8], recipients: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(&Sha256::digest(recipients));
    mac.update(content);
    hex::encode(mac.finalize().into_bytes())
}

/// The content, encrypted for the recipients in this file.
pub fn encrypt(content: &[u8], recipients: &Path) -> Result<Vec<u8>> {
    let mut command = Command::new("age");
    command.arg("--encrypt").arg("-R").arg(recipients);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let trouble = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => TrackError::Missing { program: "age" },
        _ => TrackError::File { path: recipients.to_owned(), source },
    };
    let mut child = command.spawn().map_err(trouble)?;
    let stdin = child.stdin.take();
    let output = thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(content)));
        child.wait_with_output()
    })
    .map_err(trouble)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("age ended without a word").to_owned();
    Err(trouble(io::Error::other(said)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_never_kept() {
        for (path, expected) in [
            ("etc/shadow", true),
            ("etc/shadow-", true),
            ("etc/gshadow", true),
            ("etc/ssh/ssh_host_ed25519_key", true),
            ("etc/ssh/ssh_host_ed25519_key.pub", false),
            ("etc/ssl/private/a.pem", true),
            ("etc/ssl/certs/x/y.key", true),
            ("root/.ssh/id_ed25519", true),
            ("home/ann/.ssh/id_rsa", true),
            ("home/ann/.ssh/id_rsa.pub", false),
            ("root/.ssh/authorized_keys", false),
            ("etc/passwd", false),
        ] {
            assert_eq!(is_never(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn private_keys_by_their_content() {
        let key = |kind: &str| format!("x\n-----BEGIN {kind}PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n");
        for (content, expected) in [
            (key("").into_bytes(), true),
            (key("OPENSSH ").into_bytes(), true),
            (key("ENCRYPTED ").into_bytes(), true),
            ([vec![b'a'; (64 << 10) - 20], key("EC ").into_bytes()].concat(), true),
            (b"-----BEGIN PRIVATE KEY-----".to_vec(), true),
            (b"\x7fELF\0-----BEGIN PRIVATE KEY-----\n\0-----BEGIN ".to_vec(), false),
            (b"-----BEGIN CERTIFICATE-----\nMIIE".to_vec(), false),
            (b"-----BEGIN PUBLIC KEY-----\nMIIE".to_vec(), false),
            (Vec::new(), false),
        ] {
            let shown = String::from_utf8_lossy(&content).chars().rev().take(60).collect::<String>();
            assert_eq!(holds_private_key(&mut content.as_slice()).unwrap(), expected, "{shown}");
        }
    }

    #[test]
    fn a_digest_is_of_key_content_and_recipients() {
        let folder = tempfile::tempdir().unwrap();
        let key = key(folder.path()).unwrap();
        assert_eq!(key, super::key(folder.path()).unwrap());
        let of = |content: &[u8], recipients: &[u8]| digest(&key, content, recipients);
        assert_eq!(of(b"a", b"x"), of(b"a", b"x"));
        assert_ne!(of(b"a", b"x"), of(b"b", b"x"));
        assert_ne!(of(b"a", b"x"), of(b"a", b"y"));
        assert_ne!(of(b"a", b"x"), digest(b"other", b"a", b"x"));
    }
}
