//! `vm new`, `snapshot` and `rm`: asks where it must, has it done, and tells it.

use super::{DONE, FAILED, Firmware, New, Stopped, disk_in, machine};
use crate::{
    cli::{
        Places,
        power::{
            ask::{ask, can_ask},
            choose::Wrong,
        },
        tell::tell,
    },
    conf::{Conf, Segment, power},
    event::{Event, Fact},
    vm::{self, Doomed, Made, Note, Source, Wish},
};
use serde_json::json;
use std::{net::Ipv4Addr, sync::Arc};

/// Makes a machine.
pub fn new(new: &New, places: &Places) -> Result<u8, Stopped> {
    let (store, conf) = (places.store(), places.tree()?);
    let note = match &new.from {
        Some(name) => {
            vm::known(&store, name)?;
            Note::read(&store.note(name))
        }
        None => None,
    };
    let segment = segment(&conf, new.segment, note.as_ref())?;
    let usual = vm::power_of(note.as_ref());
    let wish = Wish {
        name: &new.name,
        source: match (&new.from, &new.image) {
            (Some(name), _) => Source::Snapshot(name),
            (None, Some(file)) => Source::Image(file),
            (None, None) => return Err(Wrong::Words("say --from or --image".to_owned()).into()),
        },
        segment: &segment,
        address: new.address,
        mac: new.mac,
        power: power::Qemu {
            memory: new.memory.unwrap_or(usual.memory),
            cpus: new.cpus.unwrap_or(usual.cpus),
            firmware: new.firmware.map(Into::into).or(usual.firmware),
            secure: new.firmware.map_or(usual.secure, |firmware| firmware == Firmware::UefiSecure),
            screen: usual.screen,
            disk: None,
        },
        boot: &new.boot,
    };
    let Made { address, mac, hostname, disk, from } = vm::create(&store, &places.conf, &conf, &wish)?;
    let fact = Fact::VmCreated { hostname: hostname.clone(), disk: disk.display().to_string(), from: from.clone() };
    tell(places, Event::new(Some(segment.server), fact).about(Some(address), Some(mac)));
    if new.json {
        let (segment, disk) = (segment.server, disk.display().to_string());
        let made = json!({ "machine": hostname, "segment": segment, "address": address, "mac": mac, "disk": disk, "from": from });
        say!("{made}");
    } else {
        say!("{hostname}: {address}, {mac}, disk {} from {from}", disk.display());
        say!("switch it on with: pxelator power on {hostname}");
    }
    Ok(DONE)
}

/// The segment asked for, else the snapshot's, else the only one.
fn segment(conf: &Conf, wanted: Option<Ipv4Addr>, note: Option<&Note>) -> Result<Arc<Segment>, Stopped> {
    let known = || match conf.segments.keys().map(ToString::to_string).collect::<Vec<_>>() {
        none if none.is_empty() => "none".to_owned(),
        some => some.join(", "),
    };
    if let Some(segment) = wanted {
        let found = conf.segments.get(&segment).cloned();
        return found.ok_or_else(|| Wrong::Segment { segment, known: known() }.into());
    }
    if let Some(segment) = note.and_then(|note| conf.segments.get(&note.segment)) {
        return Ok(segment.clone());
    }
    let mut all = conf.segments.values();
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(Wrong::Words(format!("say which segment with --segment; conf has {}", known())).into()),
    }
}

/// Takes a snapshot.
pub fn snapshot(
    name: &str,
    called: Option<&str>,
    segment: Option<Ipv4Addr>,
    json: bool,
    places: &Places,
) -> Result<u8, Stopped> {
    let (segment, machine) = machine(&places.tree()?, name, segment)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stopped::Broken(format!("cannot start threads: {error}")))?;
    let store = places.store();
    let taken = runtime.block_on(vm::snapshot(&store, &places.run_dir, &segment, &machine, called))?;
    let (name, bytes, disk) = (taken.name, taken.note.size, taken.note.disk);
    let of = disk_in(&machine).unwrap_or_default();
    let fact = Fact::VmSnapshotted { snapshot: name.clone(), disk: of, bytes, state: disk.name().to_owned() };
    tell(places, Event::new(Some(segment.server), fact).about(Some(machine.address), Some(machine.mac)));
    if json {
        let path = taken.path.display().to_string();
        let taken = json!({ "snapshot": name, "of": machine.hostname, "file": path, "bytes": bytes, "disk": disk,
            "taken": taken.note.taken });
        say!("{taken}");
        return Ok(DONE);
    }
    let how = match disk {
        vm::Stillness::Off => "off",
        vm::Stillness::Frozen => "running, its file systems held still by its guest agent",
        vm::Stillness::Running => "running; no guest agent answered, so it is as after a power cut at that moment",
    };
    say!("{name}: {} of {} ({how})", super::list::size(bytes), machine.hostname);
    say!("make a machine of it with: pxelator vm new NAME --from {name}");
    Ok(DONE)
}

/// Removes a machine, a snapshot or a disk.
pub fn rm(name: &str, yes: bool, places: &Places) -> Result<u8, Stopped> {
    let (store, conf) = (places.store(), places.tree()?);
    let doomed = vm::find(&store, &places.run_dir, &conf, name)?;
    if !yes {
        if !can_ask() {
            eprintln!("pxelator: remove {}? nobody is at the terminal; say --yes", doomed.words());
            return Ok(FAILED);
        }
        if !ask(&format!("remove {} for ever?", doomed.words())) {
            return Ok(FAILED);
        }
    }
    let bytes = vm::remove(&store, &places.run_dir, &places.conf, &doomed)?;
    let fact = Fact::VmRemoved { what: doomed.words(), bytes };
    let event = match &doomed {
        Doomed::Machine { place, mac, .. } => Event::new(Some(place.0), fact).about(Some(place.1), Some(*mac)),
        Doomed::Disk { .. } | Doomed::Snapshot { .. } => Event::new(None, fact),
    };
    tell(places, event);
    say!("removed {}; {} are free", doomed.words(), super::list::size(bytes));
    Ok(DONE)
}
