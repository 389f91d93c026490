//! The bases in `roots`: found, put in their place whole, their kernels laid where machines load them, made of a machine's tree.

use super::{
    Copied, Own, Trouble, graft,
    own::{Spare, sweep},
    trouble::{check_name, disk},
};
use jiff::Timestamp;
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, RenameFlags, renameat2},
};
use serde::Serialize;
use std::{
    cmp::Ordering,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Base {
    /// Its name.
    pub name: String,
    /// What its kernel is called; none where it has none.
    pub kernel: Option<String>,
    /// When its folder was last changed at the top.
    pub made: Option<Timestamp>,
}

/// The bases that there are, by name. None where `roots` is not there yet.
pub fn bases(roots: &Path) -> Result<Vec<Base>, Trouble> {
    let entries = match fs::read_dir(roots) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(disk(roots))?,
    };
    let base = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| check_name("base", name).is_ok())?;
        let folder = entry.path();
        // A link to a folder elsewhere is a base too.
        let made = fs::metadata(&folder).ok().filter(fs::Metadata::is_dir)?.modified().ok();
        let made = made.and_then(|made| Timestamp::try_from(made).ok());
        Some(Base { name, kernel: kernel_of(&folder).map(|found| found.version), made })
    };
    let mut found: Vec<Base> = entries.flatten().filter_map(base).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The folder of a base that is there.
pub fn find_base(roots: &Path, name: &str) -> Result<PathBuf, Trouble> {
    check_name("base", name)?;
    let folder = roots.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let known = bases(roots)?.into_iter().map(|base| base.name).collect();
    Err(Trouble::NoBase { name: name.to_owned(), roots: roots.to_owned(), known })
}

/// A base on its way: made beside its place. Dropped before it is put there, nothing is left of it.
pub struct Beside {
    name: String,
    place: PathBuf,
    spare: Spare,
}

impl Beside {
    /// A new base of this name, which none has.
    pub fn new(roots: &Path, name: &str) -> Result<Beside, Trouble> {
        check_name("base", name)?;
        let place = roots.join(name);
        if fs::symlink_metadata(&place).is_ok() {
            return Err(Trouble::Exists { what: "base", name: name.to_owned(), folder: place });
        }
        fs::create_dir_all(roots).map_err(disk(roots))?;
        sweep(roots);
        let spare = Spare::new(roots.join(format!(".new-{name}-{}", std::process::id())))?;
        Ok(Beside { name: name.to_owned(), place, spare })
    }

    /// Where the tree is made.
    pub fn tree(&self) -> PathBuf {
        self.spare.0.join("tree")
    }

    /// Lays kernel and initrd into `tftpboot`, and puts the tree in its place. The kernel's version.
    pub fn put(self, tftpboot: &Path) -> Result<String, Trouble> {
        let tree = self.tree();
        let version = boot_files(&tree, tftpboot, &self.name)?;
        match renameat2(AT_FDCWD, &tree, AT_FDCWD, &self.place, RenameFlags::RENAME_NOREPLACE) {
            Err(Errno::EEXIST) => Err(Trouble::Exists { what: "base", name: self.name, folder: self.place }),
            other => other.map(|()| version).map_err(disk(&self.place)),
        }
    }
}

/// Copies kernel and initrd of a base to `tftpboot/roots/<base>/vmlinuz` and `initrd.img`. The kernel's version.
pub fn boot_files(tree: &Path, tftpboot: &Path, name: &str) -> Result<String, Trouble> {
    let found = kernel_of(tree).ok_or_else(|| Trouble::NoKernel(tree.to_owned()))?;
    let folder = tftpboot.join("roots").join(name);
    fs::create_dir_all(&folder).map_err(disk(&folder))?;
    for (from, to) in [(&found.kernel, "vmlinuz"), (&found.initrd, "initrd.img")] {
        let (from, new, to) = (tree.join("boot").join(from), folder.join(format!(".{to}.new")), folder.join(to));
        // What is served is everybody's to read; an initrd often is not.
        fs::copy(&from, &new).map_err(disk(&from))?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o644)).map_err(disk(&new))?;
        fs::rename(&new, &to).map_err(disk(&to))?;
    }
    Ok(found.version)
}

/// Makes what a machine sees, its layer over its base, to a new base. Its `machine-id` is left out: each machine that boots the
/// new base makes its own.
pub fn promote(own: &Own, roots: &Path, tftpboot: &Path, name: &str, force: bool) -> Result<(Copied, String), Trouble> {
    own.at_rest(force, || {
        let lower = find_base(roots, &own.base()?)?;
        let beside = Beside::new(roots, name)?;
        let tree = beside.tree();
        fs::create_dir(&tree).map_err(disk(&tree))?;
        let copied = graft::merged(&own.upper(), &lower, &tree)?;
        let identity = tree.join("etc/machine-id");
        // Never by a link: the tree is a machine's.
        if fs::symlink_metadata(&identity).is_ok_and(|meta| meta.is_file())
            && fs::symlink_metadata(tree.join("etc")).is_ok_and(|meta| meta.is_dir())
        {
            fs::write(&identity, "").map_err(disk(&identity))?;
        }
        Ok((copied, beside.put(tftpboot)?))
    })
}

/// A kernel and what goes with it, below `boot`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kernel {
    version: String,
    kernel: String,
    initrd: String,
}

fn kernel_of(tree: &Path) -> Option<Kernel> {
    let boot = tree.join("boot");
    // Regular files only, and in a folder that is one: a tree is a machine's, and may have links to anywhere.
    fs::symlink_metadata(&boot).ok().filter(fs::Metadata::is_dir)?;
    let entries = fs::read_dir(boot).ok()?.flatten();
    let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let names: Vec<String> = entries.filter(is_file).filter_map(|entry| entry.file_name().into_string().ok()).collect();
    newest(&names)
}

/// The newest kernel that has an initrd, by Debian's names or by Red Hat's.
fn newest(names: &[String]) -> Option<Kernel> {
    let kernels = names.iter().filter_map(|kernel| {
        let version = kernel.strip_prefix("vmlinuz-")?;
        let initrd = [format!("initrd.img-{version}"), format!("initramfs-{version}.img")];
        let initrd = initrd.into_iter().find(|initrd| names.contains(initrd))?;
        Some(Kernel { version: version.to_owned(), kernel: kernel.clone(), initrd })
    });
    kernels.max_by(|a, b| by_version(&a.version, &b.version))
}

/// Numbers in the words count as numbers: 6.1.0-9 is before 6.1.0-10.
fn by_version(a: &str, b: &str) -> Ordering {
    fn parts(text: &str) -> Vec<(u64, &str)> {
        let is_digit = |c: char| c.is_ascii_digit();
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c| !is_digit(c)).unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            let (word, after) = after.split_at(after.find(is_digit).unwrap_or(after.len()));
            parts.push((number.parse().unwrap_or(0), word));
            rest = after;
        }
        parts
    }
    parts(a).cmp(&parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_with_an_initrd() {
        for (names, expected) in [
            (&["vmlinuz-6.1.0-9-amd64", "initrd.img-6.1.0-9-amd64", "config-6.1.0-9-amd64"][..], Some("6.1.0-9-amd64")),
            (&["vmlinuz-6.1.0-9", "initrd.img-6.1.0-9", "vmlinuz-6.1.0-10", "initrd.img-6.1.0-10"], Some("6.1.0-10")),
            (&["vmlinuz-6.1.0-9", "initrd.img-6.1.0-9", "vmlinuz-6.1.0-10"], Some("6.1.0-9")),
            (&["vmlinuz-5.14.0-70.el9", "initramfs-5.14.0-70.el9.img"], Some("5.14.0-70.el9")),
            (&["vmlinuz", "initrd.img"], None),
            (&["initrd.img-6.1.0-9"], None),
            (&[], None),
        ] {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(newest(&names).map(|found| found.version).as_deref(), expected, "{names:?}");
        }
    }

    #[test]
    fn a_base_has_a_plain_name() {
        for (name, is_plain) in [
            ("debian-12", true),
            ("alma9.4_web", true),
            ("", false),
            (".new", false),
            ("..", false),
            ("a/b", false),
            ("a b", false),
            ("-x", false),
            ("kiosk,rw", false),
        ] {
            assert_eq!(check_name("base", name).is_ok(), is_plain, "{name:?}");
        }
    }
}
