//! A new machine: its disk, as a layer on a snapshot or from an image, and its folder in conf. Both or neither.

use super::{Image, Note, Store, VmError, image, making::Making, path_from, variables_of};
use crate::{
    boot,
    conf::{self, Conf, Segment, power},
    nearest::nearest,
    net::Mac,
};
use std::{
    collections::BTreeSet,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// What QEMU gives to virtual machines: 52:54:00.
const MAKER: [u8; 3] = [0x52, 0x54, 0x00];

/// Where the disk's content comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A snapshot, which the disk hangs on.
    Snapshot(&'a str),
    /// Any image, which is copied.
    Image(&'a Path),
}

/// The machine that is wanted.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// Its name, and that of its disk.
    pub name: &'a str,
    /// What is on its disk.
    pub source: Source<'a>,
    /// Where it is to be.
    pub segment: &'a Segment,
    /// Its address; else one that is free.
    pub address: Option<Ipv4Addr>,
    /// Its hardware address; else a new one.
    pub mac: Option<Mac>,
    /// Memory, processors, firmware.
    pub power: power::Qemu,
    /// The profile that it boots.
    pub boot: &'a str,
}

/// The machine that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address.
    pub mac: Mac,
    /// Its name.
    pub hostname: String,
    /// Its disk.
    pub disk: PathBuf,
    /// The snapshot or image that it came from.
    pub from: String,
}

/// Makes it. `tree` is the folder of `conf`.
pub fn create(store: &Store, tree: &Path, conf: &Conf, wish: &Wish) -> Result<Made, VmError> {
    let _held = store.hold(false)?;
    let hostname = conf::value::hostname(wish.name);
    let hostname = hostname.map_err(|expected| VmError::Unfit { value: wish.name.to_owned(), expected })?;
    let unfit = |value: &str, expected: String| Err(VmError::Unfit { value: value.to_owned(), expected });
    if !boot::is_known(&conf.profiles, wish.boot) {
        return unfit(wish.boot, "a profile of conf/boot".to_owned());
    }
    let segment = wish.segment;
    let address = match wish.address.or_else(|| conf::free_address(segment, &BTreeSet::new(), None)) {
        None => return unfit(&segment.server.to_string(), "a segment with a free address outside its pool".to_owned()),
        Some(address) => address,
    };
    if wish.address.is_some() && segment.pool.is_some_and(|pool| pool.contains(address)) {
        return unfit(&address.to_string(), "an address outside the segment's pool".to_owned());
    }
    let mac = match wish.mac {
        Some(mac) => mac,
        None => new_mac(conf)?,
    };
    conf::fits(segment, mac, address, &hostname)?;
    store.free(&hostname)?;
    let (disk, from) = (store.disk(&hostname), from(wish.source));
    fill(store, wish.source, &hostname)?;
    let power = power::Qemu { disk: Some(power::Disk::Named(hostname.clone())), ..wish.power.clone() };
    let values =
        [("boot", wish.boot.to_owned()), ("instance", random()?), ("power", conf::Rung::Qemu(power).to_string())];
    let written = conf::adopt(tree, segment, mac, address, &hostname, &values);
    written.inspect_err(|_| {
        let _ = fs::remove_file(variables_of(&disk));
        let _ = fs::remove_file(&disk);
    })?;
    Ok(Made { address, mac, hostname, disk, from })
}

fn from(source: Source) -> String {
    match source {
        Source::Snapshot(name) => name.to_owned(),
        Source::Image(path) => path.display().to_string(),
    }
}

/// Makes the disk.
fn fill(store: &Store, source: Source, hostname: &str) -> Result<(), VmError> {
    let disk = store.disk(hostname);
    let making = Making::of(&disk);
    match source {
        Source::Snapshot(name) => {
            let snapshot = known(store, name)?;
            image::chain(&snapshot)?;
            image::layer(making.path(), &path_from(store.folder(), &snapshot), None)?;
            let (theirs, ours) = (variables_of(&snapshot), variables_of(&disk));
            if theirs.exists() {
                image::copy(&theirs, &ours)?;
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(&ours, fs::Permissions::from_mode(0o644)).map_err(VmError::io(&ours))?;
            }
        }
        Source::Image(path) => image::convert(&taken_in(path)?, making.path())?,
    }
    let put = making.put(hostname, "disk");
    put.inspect_err(|_| drop(fs::remove_file(variables_of(&disk))))
}

/// The snapshot's file.
pub fn known(store: &Store, name: &str) -> Result<PathBuf, VmError> {
    let path = store.snapshot(name);
    if conf::value::name(name).is_ok() && path.exists() {
        return Ok(path);
    }
    let names = store.names(true)?;
    let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
    Err(VmError::NoSnapshot { name: name.to_owned(), folder: store.folder().join("snapshots"), near })
}

/// An image from elsewhere. One that names further files is not followed: they could be any of this host's.
fn taken_in(path: &Path) -> Result<Image, VmError> {
    let path = std::path::absolute(path).map_err(VmError::io(path))?;
    if !path.is_file() {
        return Err(VmError::Missing(path));
    }
    let image = image::look(&path, None)?;
    let unfit = |expected: &str| VmError::Unfit { value: path.display().to_string(), expected: expected.to_owned() };
    // Any file can be read as the plain bytes of a disk.
    let is_plain = path.extension().is_some_and(|end| ["img", "raw"].iter().any(|raw| end == *raw));
    if image.format == "raw" && (!is_plain || image.disk == 0) {
        return Err(unfit("a disk image: plain ones have a name that ends in .img or .raw, and some content"));
    }
    if image.hangs_on.is_some() {
        return Err(unfit("an image that stands alone: qemu-img convert makes one of it"));
    }
    image::check(&image)?;
    Ok(image)
}

/// A hardware address that no machine of conf has.
fn new_mac(conf: &Conf) -> Result<Mac, VmError> {
    loop {
        let random = random()?;
        let mut mac = [MAKER[0], MAKER[1], MAKER[2], 0, 0, 0];
        for (octet, digits) in mac[3..].iter_mut().zip(random.as_bytes().chunks_exact(2)) {
            *octet = std::str::from_utf8(digits).ok().and_then(|two| u8::from_str_radix(two, 16).ok()).unwrap_or(0);
        }
        if conf.segments.values().all(|segment| segment.machine_by_mac(Mac(mac)).is_none()) {
            return Ok(Mac(mac));
        }
    }
}

/// A UUID of the kernel's: new, and nobody else's.
fn random() -> Result<String, VmError> {
    const PATH: &str = "/proc/sys/kernel/random/uuid";
    Ok(fs::read_to_string(PATH).map_err(VmError::io(PATH))?.trim().to_owned())
}

/// Memory, processors and firmware of the machine that the snapshot was taken of.
pub fn power_of(note: Option<&Note>) -> power::Qemu {
    let ladder = note.and_then(|note| power::ladder(note.power.as_deref()?).ok()).unwrap_or_default();
    let qemu = ladder.into_iter().find_map(|rung| match rung {
        conf::Rung::Qemu(qemu) => Some(qemu),
        _ => None,
    });
    qemu.unwrap_or_default()
}
