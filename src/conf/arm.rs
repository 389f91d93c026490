//! Arms and disarms machines: their `boot-once`, and the `boot` that holds afterwards.

use super::write;
use crate::command::Place;
use jiff::Timestamp;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

fn folder(dir: &Path, (segment, machine): Place) -> PathBuf {
    dir.join(segment.to_string()).join(machine.to_string())
}

/// Writes what a machine of the tree `dir` boots until there is evidence that it is done, and `then`. Who watches the tree
/// takes it for armed anew, also where it was armed so before.
pub fn arm(dir: &Path, machine: Place, profile: &str, then: Option<&str>) -> io::Result<()> {
    let then = then.map_or(String::new(), |then| format!(" then {then}"));
    write::value(&folder(dir, machine), "boot-once", &format!("{profile}{then}\n"))
}

/// Writes what a machine boots.
pub fn boots(dir: &Path, machine: Place, profile: &str) -> io::Result<()> {
    write::assign(dir, machine, Some(profile))?;
    File::open(folder(dir, machine))?.sync_all()
}

/// Takes `boot-once` of a machine away, after `then` is written into its `boot`: with both files there the journal tells
/// that it is over; without the first the second must be on the disk. One that was written after `over` is another arming,
/// and stays.
pub fn disarm(dir: &Path, machine: Place, then: Option<&str>, over: Option<Timestamp>) -> io::Result<()> {
    let written = armed_at(dir, machine);
    if written.is_some_and(|at| over.is_some_and(|over| at > over)) {
        return Ok(());
    }
    if let Some(then) = then {
        boots(dir, machine, then)?;
    }
    let folder = folder(dir, machine);
    match fs::remove_file(folder.join("boot-once")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::open(folder)?.sync_all()
}

/// When a machine was armed: its file's time.
pub fn armed_at(dir: &Path, machine: Place) -> Option<Timestamp> {
    let modified = fs::metadata(folder(dir, machine).join("boot-once")).and_then(|meta| meta.modified()).ok()?;
    Timestamp::try_from(modified).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use std::net::Ipv4Addr;

    #[test]
    fn files_come_and_go_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let place = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 60));
        let at = |name: &str| folder(dir.path(), place).join(name);
        let says = |name: &str| fs::read_to_string(at(name)).ok();
        assert!(arm(dir.path(), place, "debian", None).is_err(), "there is no such machine");
        fs::create_dir_all(at("")).unwrap();
        arm(dir.path(), place, "debian", Some("kiosk")).unwrap();
        assert_eq!(says("boot-once").as_deref(), Some("debian then kiosk\n"));
        let written = armed_at(dir.path(), place).unwrap();
        // What shows that an earlier one is over does not take this one away.
        disarm(dir.path(), place, Some("kiosk"), Some(written - SignedDuration::from_secs(1))).unwrap();
        assert_eq!((says("boot"), says("boot-once").is_some()), (None, true));
        disarm(dir.path(), place, Some("kiosk"), Some(written + SignedDuration::from_secs(1))).unwrap();
        assert_eq!((says("boot").as_deref(), says("boot-once")), (Some("kiosk\n"), None));
        disarm(dir.path(), place, None, None).unwrap();
        assert_eq!(says("boot").as_deref(), Some("kiosk\n"), "what it boots stays");
        // Where `boot` cannot be written, it stays armed.
        arm(dir.path(), place, "debian", None).unwrap();
        fs::remove_file(at("boot")).unwrap();
        fs::create_dir(at("boot")).unwrap();
        assert!(disarm(dir.path(), place, Some("local"), None).is_err());
        assert!(says("boot-once").is_some());
        assert!(!at(".boot.new").exists());
    }
}
