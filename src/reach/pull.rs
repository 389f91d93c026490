//! Files from a machine, by rsync(1): a mirror of what `track` names.

use super::{Reach, ReachError, Result, filter, rsync};
use crate::conf::Track;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::Duration,
};

/// What asking for the sizes of files may take.
const SIZES: Duration = Duration::from_secs(60);
/// Files whose sizes are asked for.
const LARGE: usize = 1_000;

/// What came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Files that were looked at.
    pub files: u64,
    /// Files that came, since they were other.
    pub transferred: u64,
    /// What the machine did not give: it vanished meanwhile, or may not be read. Printable.
    pub missing: Vec<String>,
    /// Files that `track` names and that are larger than it says: bytes by path below the root. They are not in the mirror.
    pub large: BTreeMap<Vec<u8>, u64>,
}

impl Reach {
    /// Brings the mirror to what the machine has: what `track` names and is no secret, with owners, modes, links, hard links,
    /// attributes and holes; with `secrets` also what it names as such. What was broken off goes on at the next call; a file
    /// appears whole or not at all. Only root can look into the mirror. Not to be called twice at a time for one machine.
    pub async fn pull(&self, track: &Track, mirror: &Path, secrets: bool) -> Result<Pulled> {
        let within = |error: io::Error| {
            let error = format!("cannot make {}: {error}", mirror.display());
            ReachError::new(error, "see its rights and its disk; the next look goes on by itself")
        };
        let mirror = private(mirror).map_err(within)?;
        let waiting = private(&self.run.join("pull").join(self.host())).map_err(within)?;
        keep_broken_off(&waiting).map_err(within)?;
        let mut words: Vec<OsString> =
            ["--delete", "--delete-excluded", "--stats", "--info=skip1", "--no-h", "--partial"]
                .map(OsString::from)
                .into();
        words.push(format!("--max-size={}", track.largest).into());
        // Not in the mirror, so that nothing but whole files is ever found there.
        for option in ["--partial-dir=", "--temp-dir="] {
            let mut word = OsString::from(option);
            word.push(&waiting);
            words.push(word);
        }
        if filter::strays(track) {
            words.push("--prune-empty-dirs".into());
        }
        words.extend(filter::rules(track, secrets).into_iter().map(|rule| format!("--filter={rule}").into()));
        words.extend(["--".into(), self.root().into(), rsync::contents(&mirror)]);
        let ran = self.rsync(&words, &[]).await.inspect_err(|error| {
            // Others need the room that is left.
            if error.next_step == rsync::ROOM {
                let _ = empty(&waiting);
            }
        })?;
        let mut pulled = stats(&ran.out);
        pulled.missing = ran.errors;
        for path in pulled.large.keys() {
            forget(&mirror, path);
        }
        self.sizes(&mut pulled.large).await;
        Ok(pulled)
    }

    /// Asks how large they are; zero where it is not told.
    async fn sizes(&self, large: &mut BTreeMap<Vec<u8>, u64>) {
        if large.is_empty() {
            return;
        }
        let script = "cd / && xargs -0 sh -c 'for f do stat -c %s -- \"$f\" 2> /dev/null || echo 0; done' sh";
        let names: Vec<u8> = large.keys().take(LARGE).flat_map(|name| name.iter().copied().chain([0])).collect();
        let Ok(lines) = self.ask(script, &names, SIZES).await else { return };
        for (size, line) in large.values_mut().zip(lines) {
            *size = line.trim().parse().unwrap_or(0);
        }
    }
}

/// A folder that only its owner can look into, with an absolute path. So is the one that it is in: rsync gives the folder itself the
/// mode that the machine's root has.
fn private(folder: &Path) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if let Some(parent) = folder.parent() {
        fs::set_permissions(parent, Permissions::from_mode(0o700))?;
    }
    folder.canonicalize()
}

/// What an rsync left that had no time to keep it: `.NAME.XXXXXX` becomes `NAME`, from which the next goes on.
fn keep_broken_off(waiting: &Path) -> io::Result<()> {
    for entry in fs::read_dir(waiting)? {
        let entry = entry?;
        let name = entry.file_name();
        if !entry.file_type()?.is_file() {
            continue;
        }
        if let Some(whole) = broken_off(name.as_bytes()) {
            fs::rename(entry.path(), waiting.join(OsStr::from_bytes(whole)))?;
        }
    }
    Ok(())
}

/// Gives up what came of broken off files.
fn empty(waiting: &Path) -> io::Result<()> {
    fs::read_dir(waiting)?.flatten().try_for_each(|entry| fs::remove_file(entry.path()))
}

fn broken_off(name: &[u8]) -> Option<&[u8]> {
    let (whole, random) = name.strip_prefix(b".")?.split_at_checked(name.len().checked_sub(8)?)?;
    let is_random = random.strip_prefix(b".").is_some_and(|random| random.iter().all(u8::is_ascii_alphanumeric));
    (is_random && !whole.is_empty()).then_some(whole)
}

/// Takes an old state of a file out of the mirror. Never through links: the machine made them.
fn forget(mirror: &Path, path: &[u8]) {
    let mut at = mirror.to_owned();
    let mut parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        at.push(OsStr::from_bytes(part));
        match fs::symlink_metadata(&at) {
            Ok(about) if parts.peek().is_some() && about.is_dir() && part != b".." => {}
            Ok(about) if parts.peek().is_none() && about.is_file() => {
                let _ = fs::remove_file(&at);
            }
            _ => return,
        }
    }
}

/// What rsync says of it at the end, and of files that it skips.
fn stats(out: &[u8]) -> Pulled {
    let mut pulled = Pulled::default();
    for line in out.split(|byte| *byte == b'\n') {
        if let Some(large) = line.strip_suffix(b" is over max-size") {
            pulled.large.insert(rsync::name(large), 0);
            continue;
        }
        let line = String::from_utf8_lossy(line);
        let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0);
        if let Some(rest) = line.strip_prefix("Number of files: ") {
            let files = rest.split_once("reg: ").map_or("", |(_, rest)| rest);
            pulled.files = number(files.split([' ', ')']).next().unwrap_or_default());
        } else if let Some(rest) = line.strip_prefix("Number of regular files transferred: ") {
            pulled.transferred = number(rest);
        }
    }
    pulled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rsync_says_at_the_end() {
        let out = b"etc/a\\#012b is over max-size\n\nNumber of files: 1,204 (reg: 1,001, dir: 200, link: 3)\n\
            Number of created files: 2 (reg: 2)\nNumber of regular files transferred: 12\nTotal file size: 9 bytes\n";
        let pulled = stats(out);
        assert_eq!((pulled.files, pulled.transferred), (1001, 12));
        assert_eq!(pulled.large.into_keys().collect::<Vec<_>>(), [b"etc/a\nb".to_vec()]);
    }

    #[test]
    fn what_was_broken_off() {
        for (name, whole) in [
            (&b".big.bin.a1B2c3"[..], Some(&b"big.bin"[..])),
            (b"big.bin", None),
            (b".bashrc", None),
            (b".x.a1B2c3", Some(b"x")),
            (b"..a1B2c3", None),
            (b"..bashrc.a1B2c3", Some(b".bashrc")),
        ] {
            assert_eq!(broken_off(name), whole, "{}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn no_link_leads_out_of_the_mirror() {
        let dir = tempfile::tempdir().unwrap();
        let (mirror, other) = (dir.path().join("mirror"), dir.path().join("other"));
        fs::create_dir_all(mirror.join("a")).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("kept"), "").unwrap();
        fs::write(mirror.join("a/gone"), "").unwrap();
        std::os::unix::fs::symlink(&other, mirror.join("link")).unwrap();
        for path in [&b"link/kept"[..], b"../other/kept", b"a/../../other/kept", b"a/gone", b"none"] {
            forget(&mirror, path);
        }
        assert!(other.join("kept").exists() && !mirror.join("a/gone").exists());
    }
}
