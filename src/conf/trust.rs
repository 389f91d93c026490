//! Writes what is trusted of a machine into the tree: the certificate of what switches it (`amt.pin`, `redfish.pin`), and its ssh host
//! keys (`ssh.pin`).

use super::{ssh, value, write};
use crate::command::Place;
use std::{io, path::Path};

/// Why a certificate was not written.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The way has no certificate, or the text is no fingerprint.
    #[error("{value} is not {expected}")]
    Unfit {
        /// What was to be written.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
}

/// Writes `fingerprint` (SHA-256 in hexadecimal, with or without colons) as the one that is trusted of `method`, and gives it
/// as it was written.
pub fn trust(dir: &Path, (segment, machine): Place, method: &str, fingerprint: &str) -> Result<String, TrustError> {
    let unfit =
        |value: &str, expected: &str| TrustError::Unfit { value: value.to_owned(), expected: expected.to_owned() };
    if !matches!(method, "amt" | "redfish") {
        return Err(unfit(method, "a way with a certificate: amt or redfish"));
    }
    let fingerprint = value::fingerprint(fingerprint).map_err(|expected| unfit(fingerprint, &expected))?;
    let folder = dir.join(segment.to_string()).join(machine.to_string());
    let name = format!("{method}.pin");
    write::value(&folder, &name, &format!("{fingerprint}\n"))
        .map_err(|source| TrustError::Write { path: folder.join(name).display().to_string(), source })?;
    Ok(fingerprint)
}

/// Writes the public keys that are trusted of a machine: `ssh-ed25519 AAAA…` each.
pub fn trust_keys(dir: &Path, (segment, machine): Place, keys: &[String]) -> Result<(), TrustError> {
    let text = keys.iter().map(|key| format!("{key}\n")).collect::<String>();
    ssh::keys(&text).map_err(|expected| TrustError::Unfit { value: text.trim_end().to_owned(), expected })?;
    let folder = dir.join(segment.to_string()).join(machine.to_string());
    write::value(&folder, "ssh.pin", &text)
        .map_err(|source| TrustError::Write { path: folder.join("ssh.pin").display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, net::Ipv4Addr};

    #[test]
    fn a_certificate_is_written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let place = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 60));
        let folder = dir.path().join("10.77.0.1/10.77.0.60");
        let print = "AB".repeat(32);
        assert!(matches!(trust(dir.path(), place, "amt", &print), Err(TrustError::Write { .. })));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("mac"), "52:54:00:00:00:60").unwrap();
        trust(dir.path(), place, "amt", &print).unwrap();
        let conf = crate::conf::read(dir.path(), None).conf;
        let machine = &conf.segments[&place.0].machines[&place.1];
        assert_eq!(machine.pins["amt"], "ab".repeat(32));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing is left behind");
        let key = format!("ssh-ed25519 {}", "A".repeat(68));
        trust_keys(dir.path(), place, std::slice::from_ref(&key)).unwrap();
        let conf = crate::conf::read(dir.path(), None).conf;
        assert_eq!(conf.segments[&place.0].machines[&place.1].keys, [key]);
        let unfit = trust_keys(dir.path(), place, &["no key".to_owned()]);
        assert!(matches!(unfit, Err(TrustError::Unfit { .. })));
        for (method, print) in [("wol", print.as_str()), ("amt", "ab")] {
            assert!(matches!(trust(dir.path(), place, method, print), Err(TrustError::Unfit { .. })));
        }
    }
}
