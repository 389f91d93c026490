//! `root snapshot`, `reset` and `promote`: what is done with a machine's layer.

use super::{Stopped, Which, bytes, own, told};
use crate::{
    cli::{
        Places,
        power::ask::{ask, can_ask},
    },
    event::Fact,
    roots,
};
use jiff::ZonedDateTime;

/// Keeps a copy of the layer.
pub fn snapshot(which: &Which, name: Option<String>, places: &Places) -> Result<(), Stopped> {
    let (own, place) = own(which, places)?;
    let name = name.unwrap_or_else(|| ZonedDateTime::now().strftime("%Y-%m-%d-%H%M%S").to_string());
    if own.is_in_use() {
        eprintln!("pxelator: {} has its root mounted: it is kept as if the power were taken now", own.machine);
    }
    let copied = own.snapshot(&name)?;
    told(places, place, Fact::RootSnapshotted { snapshot: name.clone() });
    say!("snapshot {name} of {}: {} files, {}", own.machine, copied.files, bytes(copied.bytes));
    say!("to put it back: pxelator root reset {} --to {name}", own.machine);
    Ok(())
}

/// Empties the layer, or puts a snapshot in its place.
pub fn reset(which: &Which, to: Option<&str>, force: bool, yes: bool, places: &Places) -> Result<(), Stopped> {
    let (own, place) = own(which, places)?;
    let size = own.size();
    let what = format!("what {} changed ({} files, {})", own.machine, size.files, bytes(size.bytes));
    let question = match to {
        Some(name) => format!("Replace {what} by its snapshot {name}?"),
        None => format!("Delete {what}?"),
    };
    if !yes && can_ask() && !ask(&question) {
        return Err(Stopped::Broken("nothing was done".to_owned()));
    }
    own.reset(to, force)?;
    told(places, place, Fact::RootReset { to: to.map(str::to_owned) });
    match to {
        Some(name) => say!("{} is as its snapshot {name} has it", own.machine),
        None => say!("{} is as its base has it", own.machine),
    }
    Ok(())
}

/// Makes a base of what the machine sees.
pub fn promote(which: &Which, base: &str, force: bool, places: &Places) -> Result<(), Stopped> {
    let (own, place) = own(which, places)?;
    let (copied, version) = roots::promote(&own, &places.roots, &places.tftpboot, base, force)?;
    let of = own.base().ok();
    told(places, place, Fact::RootMade { base: base.to_owned(), of, kernel: version.clone() });
    let folder = places.roots.join(base);
    say!(
        "{base} is made of {}: {}, {} files, {}, Linux {version}",
        own.machine,
        folder.display(),
        copied.files,
        bytes(copied.bytes)
    );
    say!("its machine-id is empty; host keys of ssh and the like are still {}'s own", own.machine);
    Ok(())
}
