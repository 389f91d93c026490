//! Takes a snapshot of a machine's disk: of one that is off a copy, of one that runs what its QEMU holds still meanwhile.

use super::{Note, Stillness, Store, Traces, VmError, backup, image, making::Making, path_from, variables_of};
use crate::conf::{Machine, Rung, Segment};
use jiff::Timestamp;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A snapshot that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What is written down of it.
    pub note: Note,
}

/// Takes it. Without a name it is called by the machine and the moment.
pub async fn snapshot(
    store: &Store,
    run: &Path,
    segment: &Segment,
    machine: &Machine,
    name: Option<&str>,
) -> Result<Taken, VmError> {
    let _held = store.hold(false)?;
    let taken = Timestamp::now();
    let name = name.map_or_else(|| format!("{}-{}", machine.hostname, taken.strftime("%Y%m%d-%H%M%S")), str::to_owned);
    store.free(&name)?;
    let rung = machine.power.iter().find(|rung| matches!(rung, Rung::Qemu(_)));
    let Some(Rung::Qemu(qemu)) = rung else { return Err(VmError::NoDisk(machine.hostname.clone())) };
    let Some(disk) = &qemu.disk else { return Err(VmError::NoDisk(machine.hostname.clone())) };
    let (disk, _) = store.disk_of(disk);
    let place = store.snapshot(&name);
    let making = Making::of(&place);
    let traces = Traces::of(run, machine.address);
    let stillness = match traces.running() {
        Some(_) => backup::backup(&traces, &machine.hostname, &disk, making.path()).await?,
        None => {
            copy(&disk, &machine.hostname, &traces, making.path())?;
            Stillness::Off
        }
    };
    let takes = image::look(making.path(), Some("qcow2"))?.takes;
    // Others will hang on it.
    fs::set_permissions(making.path(), fs::Permissions::from_mode(0o444)).map_err(VmError::io(making.path()))?;
    let note = Note {
        of: machine.hostname.clone(),
        segment: segment.server,
        address: machine.address,
        taken,
        size: takes,
        disk: stillness,
        power: rung.map(ToString::to_string),
    };
    let beside = store.note(&name);
    let noting = Making::of(&beside);
    note.write(noting.path())?;
    let variables = (variables_of(&disk), variables_of(&place));
    if variables.0.exists() {
        image::copy(&variables.0, &variables.1)?;
    }
    // The image itself comes last: it is the snapshot.
    let put =
        fs::rename(noting.path(), &beside).map_err(VmError::io(&beside)).and_then(|()| making.put(&name, "snapshot"));
    put.inspect_err(|error| {
        if !matches!(error, VmError::Taken { .. }) {
            let _ = fs::remove_file(&beside);
            let _ = fs::remove_file(&variables.1);
        }
    })?;
    Ok(Taken { name, path: place, note })
}

/// Copies the disk of a machine that is off, as a layer on what it hangs on itself.
fn copy(disk: &Path, machine: &str, traces: &Traces, new: &Path) -> Result<(), VmError> {
    let chain = image::chain(disk)?;
    let Some(image) = chain.first() else { return Err(VmError::Missing(disk.to_owned())) };
    image::check(image)?;
    let written =
        || fs::metadata(disk).and_then(|about| Ok((about.modified()?, about.len()))).map_err(VmError::io(disk));
    let before = written()?;
    match &image.hangs_on {
        _ if image.format != "qcow2" => image::convert(image, new)?,
        None => image::copy(disk, new)?,
        Some(on) => {
            image::copy(disk, new)?;
            image::hang(new, &path_from(new.parent().unwrap_or(Path::new("/")), on))?;
        }
    }
    if traces.running().is_some() || written()? != before {
        return Err(VmError::Switched(machine.to_owned(), "on"));
    }
    Ok(())
}
