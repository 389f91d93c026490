//! The files of recorded boots: their names, how they are made, which are let go.

use super::track::Subject;
use crate::{desk::Operator, net::Mac, packet::pcapng};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use std::{
    fs,
    io::{self, Seek},
    os::unix::fs::{OpenOptionsExt, fchown},
    path::{Path, PathBuf},
};

/// The form of a name, of UTC.
const FORM: &str = "boot-%Y%m%dT%H%M%SZ.pcapng";

/// A recorded boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub file: PathBuf,
    /// When the boot began, to the second.
    pub began: Timestamp,
}

/// A file that is written to.
pub struct Opened {
    pub file: fs::File,
    /// Packets and bytes that are in it already.
    pub packets: u64,
    pub bytes: u64,
}

/// The name of a machine's folder: its host name of conf, else its hardware address.
pub fn folder_of(hostname: Option<&str>, mac: Mac) -> String {
    hostname.map_or_else(|| mac.hyphened(), ToOwned::to_owned)
}

/// The recorded boots in a machine's folder, the oldest first; none where there is no such folder.
pub fn kept(folder: &Path) -> Vec<Kept> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let kept = names.filter_map(|name| {
        let began = DateTime::strptime(FORM, name.to_str()?).ok()?.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
        // One spelling only: what it is read from may have others.
        (name.to_str()? == name_of(began)).then(|| Kept { file: folder.join(&name), began })
    });
    let mut kept: Vec<_> = kept.collect();
    kept.sort_by_key(|kept| kept.began);
    kept
}

/// The folders below `log` that hold recorded boots.
pub fn machines(log: &Path) -> Vec<String> {
    let names =
        fs::read_dir(log).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| !kept(&log.join(name)).is_empty()).collect();
    names.sort();
    names
}

fn name_of(began: Timestamp) -> String {
    began.strftime(FORM).to_string()
}

/// Where the packets of a boot go.
pub fn path_of(log: &Path, mac: Mac, subject: &Subject) -> PathBuf {
    log.join(folder_of(subject.hostname.as_deref(), mac)).join(name_of(subject.began))
}

/// Opens the file of a boot, and makes it where it is not there. One that is there goes on behind its last whole packet.
pub fn open(path: &Path) -> io::Result<Opened> {
    let operator = Operator::here();
    if let Some(folder) = path.parent() {
        operator.folder(folder)?;
    }
    let there = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0);
    // Of a whole network's packets: for the operator alone. A link in a folder of his leads root nowhere.
    let mut options = fs::File::options();
    options.create(true).write(true).truncate(false).mode(0o600).custom_flags(nix::libc::O_NOFOLLOW);
    let mut file = options.open(path)?;
    if let Some((user, group)) = operator.owner() {
        fchown(&file, Some(user), Some(group))?;
    }
    let (mut packets, mut bytes) = (0, 0);
    if there {
        let contents = pcapng::open(path).map_err(io::Error::other)?;
        (packets, bytes) = (contents.frames.len() as u64, contents.whole as u64);
    }
    file.set_len(bytes)?;
    file.seek(io::SeekFrom::End(0))?;
    Ok(Opened { file, packets, bytes })
}

/// Lets the oldest recordings of a folder go, until `most` are left; `current` stays.
pub fn prune(folder: &Path, most: usize, current: &Path) -> Vec<PathBuf> {
    let all = kept(folder);
    let surplus = all.len().saturating_sub(most);
    let oldest = all.into_iter().filter(|kept| kept.file != current).take(surplus);
    oldest.filter(|kept| fs::remove_file(&kept.file).is_ok()).map(|kept| kept.file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_oldest_of_this_form_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let names = ["boot-20261125T140300Z.pcapng", "boot-20261124T230000Z.pcapng", "boot-20261125T140301Z.pcapng"];
        let others =
            ["boot-2026-11-25.pcapng", "boot-20261325T140300Z.pcapng", "xterm.log", "boot-20261125T140300Z.pcapng.bak"];
        names.iter().chain(&others).for_each(|name| fs::write(path(name), "x").unwrap());
        let found: Vec<_> = kept(folder.path()).into_iter().map(|kept| kept.file).collect();
        assert_eq!(found, [path(names[1]), path(names[0]), path(names[2])]);
        assert_eq!(kept(folder.path())[0].began, "2026-11-24T23:00:00Z".parse().unwrap());
        assert_eq!(prune(folder.path(), 3, &path(names[2])), [] as [PathBuf; 0]);
        assert_eq!(prune(folder.path(), 2, &path(names[1])), [path(names[0])], "the one that is written stays");
        assert_eq!(kept(folder.path()).len(), 2);
        assert!(others.iter().all(|name| path(name).exists()));
        assert_eq!(kept(&path("nowhere")), []);
    }

    #[test]
    fn a_file_goes_on_where_it_was_left() {
        let log = tempfile::tempdir().unwrap();
        let subject = Subject {
            began: "2026-11-25T14:03:00.5Z".parse().unwrap(),
            powered: true,
            hostname: Some("web1".into()),
            address: None,
        };
        let path = path_of(log.path(), Mac([2; 6]), &subject);
        assert_eq!(path, log.path().join("web1/boot-20261125T140300Z.pcapng"));
        let write = |more: &[u8]| {
            let opened = open(&path).unwrap();
            let mut writer = pcapng::Writer::begin(opened.file, "br0", "x").unwrap();
            let data = vec![1; 60].into();
            writer.packet(&crate::packet::Frame { time: subject.began, length: 60, data, comments: vec![] }).unwrap();
            writer.flush().unwrap();
            io::Write::write_all(&mut fs::File::options().append(true).open(&path).unwrap(), more).unwrap();
            opened.packets
        };
        assert_eq!(write(&[6, 0, 0, 0, 200, 0]), 0, "it ends within a packet");
        assert_eq!(write(&[]), 1);
        assert_eq!(pcapng::read(&path).unwrap().len(), 2);
        assert_eq!(folder_of(None, Mac([2; 6])), "02-02-02-02-02-02");
    }
}
