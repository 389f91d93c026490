//! What is written down beside a snapshot: of which machine, when, and how still its disk was. A small TOML file.

use super::VmError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fs, net::Ipv4Addr, path::Path};

/// What is known of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The machine's name at that time.
    pub of: String,
    /// Its segment.
    pub segment: Ipv4Addr,
    /// Its address.
    pub address: Ipv4Addr,
    /// When it was taken: what was written later is not in it.
    pub taken: Timestamp,
    /// Bytes of the file.
    pub size: u64,
    /// How still the disk was.
    pub disk: Stillness,
    /// What its `power` said, for the machines that are made of it.
    #[serde(default)]
    pub power: Option<String>,
}

/// How still a disk was while its snapshot was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stillness {
    /// The machine was off.
    Off,
    /// Its guest agent had all written and held its file systems.
    Frozen,
    /// As after a power cut at that moment: no guest agent answered.
    Running,
}

impl Stillness {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Stillness::Off => "off",
            Stillness::Frozen => "frozen",
            Stillness::Running => "running",
        }
    }
}

impl Note {
    /// Reads it; none where there is none, or it says nothing that is understood: the snapshot is good without.
    pub fn read(path: &Path) -> Option<Note> {
        toml::from_str(&fs::read_to_string(path).ok()?).ok()
    }

    /// Writes it.
    pub fn write(&self, path: &Path) -> Result<(), VmError> {
        let text = toml::to_string(self).map_err(|error| VmError::io(path)(std::io::Error::other(error)))?;
        fs::write(path, text).map_err(VmError::io(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("night.toml");
        let note = Note {
            of: "web1".into(),
            segment: [10, 77, 0, 1].into(),
            address: [10, 77, 0, 60].into(),
            taken: "2026-11-26T02:00:00Z".parse().unwrap(),
            size: 200_704,
            disk: Stillness::Frozen,
            power: Some("qemu mem=512 disk=web1".into()),
        };
        note.write(&path).unwrap();
        assert_eq!(Note::read(&path), Some(note));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("disk = \"frozen\"") && text.contains("taken = \"2026-11-26T02:00:00Z\""), "{text}");
        fs::write(&path, "of = 1").unwrap();
        assert_eq!(Note::read(&path), None);
    }
}
