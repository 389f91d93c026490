//! `vm list`: machines with disks and snapshots, as two tables or as JSON.

use super::{DONE, Stopped};
use crate::{
    cli::Places,
    vm::{self, Disks, Image, Listing, Snapshots, Store, Traces},
};
use serde_json::json;
use std::path::Path;

/// Prints them.
pub fn list(json: bool, places: &Places) -> Result<u8, Stopped> {
    let (store, conf) = (places.store(), places.tree()?);
    let listing = vm::list(&store, &places.run_dir, &conf)?;
    if json {
        listing.disks.iter().for_each(|disk| say!("{}", of_disk(&listing, disk, &places.run_dir)));
        listing.snapshots.iter().for_each(|snapshot| say!("{}", of_snapshot(&listing, snapshot)));
        return Ok(DONE);
    }
    for line in tables(&listing, &store) {
        say!("{line}");
    }
    Ok(DONE)
}

fn of_disk(listing: &Listing, disk: &Disks, run: &Path) -> serde_json::Value {
    let machines = disk.of.iter().map(|((segment, address), hostname)| {
        let runs = Traces::of(run, *address).running().is_some();
        json!({ "machine": hostname, "segment": segment, "address": address, "runs": runs })
    });
    let mut object =
        json!({ "disk": disk.name, "file": disk.path.display().to_string(), "of": machines.collect::<Vec<_>>() });
    with_image(&mut object, listing, disk.image.as_ref(), disk.fault.as_deref());
    object
}

fn of_snapshot(listing: &Listing, snapshot: &Snapshots) -> serde_json::Value {
    let held_by = listing.on(&snapshot.path);
    let mut object =
        json!({ "snapshot": snapshot.name, "file": snapshot.path.display().to_string(), "holds": held_by });
    if let Some(note) = &snapshot.note {
        object["of"] = json!(note.of);
        object["taken"] = json!(note.taken);
        object["machine_was"] = json!(note.disk);
    }
    with_image(&mut object, listing, snapshot.image.as_ref(), snapshot.fault.as_deref());
    object
}

fn with_image(object: &mut serde_json::Value, listing: &Listing, image: Option<&Image>, fault: Option<&str>) {
    if let Some(image) = image {
        object["size"] = json!(image.disk);
        object["takes"] = json!(image.takes);
        object["hangs_on"] = json!(image.hangs_on.as_deref().map(|on| listing.name_of(on)));
    }
    if let Some(fault) = fault {
        object["fault"] = json!(fault);
    }
}

/// Both tables, line by line.
fn tables(listing: &Listing, store: &Store) -> Vec<String> {
    if listing.disks.is_empty() && listing.snapshots.is_empty() {
        let next = "pxelator vm new NAME --image FILE takes a first disk in";
        return vec![format!("no virtual machine has a disk, and {} has none; {next}", store.folder().display())];
    }
    let mut machines = vec![["MACHINE", "ADDRESS", "STATE", "DISK", "SIZE", "TAKES", "HANGS ON"].map(str::to_owned)];
    for disk in &listing.disks {
        let named = |name: &str, address: String, state: &str| {
            let (size, takes, on) = image(listing, disk.image.as_ref(), disk.fault.as_deref());
            [name.to_owned(), address, state.to_owned(), disk.name.clone(), size, takes, on]
        };
        if disk.of.is_empty() {
            machines.push(named("(none)", String::new(), "-"));
        }
        for ((_, address), hostname) in &disk.of {
            machines.push(named(hostname, address.to_string(), if disk.runs { "on" } else { "off" }));
        }
    }
    let mut snapshots = vec![["SNAPSHOT", "OF", "TAKEN", "TAKES", "HANGS ON", "HOLDS"].map(str::to_owned)];
    for snapshot in &listing.snapshots {
        let (_, takes, on) = image(listing, snapshot.image.as_ref(), snapshot.fault.as_deref());
        let note = snapshot.note.as_ref();
        let of = note.map_or("?".to_owned(), |note| note.of.clone());
        let taken = note.map_or("?".to_owned(), |note| format!("{:.0} ({})", note.taken, note.disk.name()));
        snapshots.push([snapshot.name.clone(), of, taken, takes, on, listing.on(&snapshot.path).join(", ")]);
    }
    let mut lines = aligned(&machines);
    if snapshots.len() > 1 {
        lines.push(String::new());
        lines.extend(aligned(&snapshots));
    }
    lines
}

fn image(listing: &Listing, image: Option<&Image>, fault: Option<&str>) -> (String, String, String) {
    let on = match (fault, image.and_then(|image| image.hangs_on.as_deref())) {
        (Some(fault), _) => format!("FAULT: {fault}"),
        (None, Some(on)) => listing.name_of(on),
        (None, None) => "-".to_owned(),
    };
    let bytes = |of: fn(&Image) -> u64| image.map_or("?".to_owned(), |image| size(of(image)));
    (bytes(|image| image.disk), bytes(|image| image.takes), on)
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let widths: Vec<usize> =
        (0..N).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Bytes in words: `1.5 GiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64 / 1024.0, UNITS[0]);
    for larger in &UNITS[1..] {
        if value >= 1024.0 {
            (value, unit) = (value / 1024.0, larger);
        }
    }
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::{Note, Stillness};

    #[test]
    fn sizes() {
        for (bytes, words) in [
            (0, "0.0 KiB"),
            (196_624, "192 KiB"),
            (1 << 30, "1.0 GiB"),
            (3 << 40, "3.0 TiB"),
            (1_600_000_000, "1.5 GiB"),
        ] {
            assert_eq!(size(bytes), words);
        }
    }

    #[test]
    fn two_tables() {
        let store = Store::new(Path::new("/vm"));
        assert!(tables(&Listing::default(), &store)[0].contains("pxelator vm new NAME --image FILE"));
        let image = |path: &str, on: Option<&str>| {
            let hangs_on = on.map(Into::into);
            Some(Image { path: path.into(), format: "qcow2".into(), disk: 1 << 30, takes: 196_624, hangs_on })
        };
        let night = store.snapshot("night");
        let disk = |name: &str, of: Vec<_>, runs, on, fault| Disks {
            name: name.into(),
            path: store.disk(name),
            of,
            runs,
            image: image(name, on),
            fault,
        };
        let of = |last, name: &str| vec![(([10, 77, 0, 1].into(), [10, 77, 0, last].into()), name.to_owned())];
        let lost = "/vm/copy2.qcow2 hangs on /vm/snapshots/old.qcow2, which is not there";
        let listing = Listing {
            disks: vec![
                disk("src1", of(60, "src1"), true, None, None),
                disk("copy1", of(61, "copy1"), false, night.to_str(), None),
                disk("copy2", Vec::new(), false, Some("/vm/snapshots/old.qcow2"), Some(lost.to_owned())),
            ],
            snapshots: vec![Snapshots {
                name: "night".into(),
                path: night.clone(),
                note: Some(Note {
                    of: "src1".into(),
                    segment: [10, 77, 0, 1].into(),
                    address: [10, 77, 0, 60].into(),
                    taken: "2026-11-26T02:00:00.5Z".parse().unwrap(),
                    size: 196_624,
                    disk: Stillness::Frozen,
                    power: None,
                }),
                image: image("night", None),
                fault: None,
            }],
        };
        insta::assert_snapshot!(tables(&listing, &store).join("\n"), @r"
        MACHINE  ADDRESS     STATE  DISK   SIZE     TAKES    HANGS ON
        src1     10.77.0.60  on     src1   1.0 GiB  192 KiB  -
        copy1    10.77.0.61  off    copy1  1.0 GiB  192 KiB  night
        (none)               -      copy2  1.0 GiB  192 KiB  FAULT: /vm/copy2.qcow2 hangs on /vm/snapshots/old.qcow2, which is not there

        SNAPSHOT  OF    TAKEN                          TAKES    HANGS ON  HOLDS
        night     src1  2026-11-26T02:00:00Z (frozen)  192 KiB  -         disk copy1
        ");
        let json = of_snapshot(&listing, &listing.snapshots[0]);
        assert_eq!(
            (&json["holds"][0], &json["machine_was"], &json["hangs_on"]),
            (&json!("disk copy1"), &json!("frozen"), &json!(null))
        );
        let json = of_disk(&listing, &listing.disks[1], Path::new("/run/none"));
        assert_eq!((&json["hangs_on"], &json["of"][0]["machine"]), (&json!("night"), &json!("copy1")));
        assert_eq!(of_disk(&listing, &listing.disks[2], Path::new("/run/none"))["fault"], lost);
    }
}
