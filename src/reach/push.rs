//! Files to a machine, by rsync(1): those that are given, and nothing beside them.

use super::{Reach, ReachError, Result, rsync};
use std::{ffi::OsString, path::Path, time::Duration};

/// What removing files may take.
const REMOVAL: Duration = Duration::from_secs(60);

impl Reach {
    /// Puts what is below `paths` in `folder` onto the machine, each with its owner, mode, times and attributes, whatever
    /// lies there; touches neither what is so already nor the folders above. `remove` goes: files, and folders that are
    /// empty then. All paths are below the root, of any bytes but 0.
    pub async fn push(&self, folder: &Path, paths: &[Vec<u8>], remove: &[Vec<u8>]) -> Result<()> {
        if let Some(wrong) = paths.iter().chain(remove).find(|path| !is_below(path)) {
            let error = format!("{} is no path below the root", String::from_utf8_lossy(wrong).escape_debug());
            return Err(ReachError::new(error, "nothing was changed"));
        }
        self.remove(remove).await?;
        if paths.is_empty() {
            return Ok(());
        }
        let folder = folder.canonicalize().map_err(|error| {
            ReachError::new(format!("{}: {error}", folder.display()), "see its rights and its disk")
        })?;
        let names: Vec<u8> = paths.iter().flat_map(|path| path.iter().copied().chain([0])).collect();
        let mut words: Vec<OsString> =
            ["-r", "--checksum", "--force", "--files-from=-", "--from0", "--no-implied-dirs", "--"]
                .map(OsString::from)
                .into();
        words.extend([rsync::contents(&folder), self.root().into()]);
        let ran = self.rsync(&words, &names).await?;
        match ran.errors.split_first() {
            None => Ok(()),
            Some((first, more)) => {
                let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
                Err(ReachError::new(format!("not all was written: {first}{more}"), "see its rights and its disk there"))
            }
        }
    }

    async fn remove(&self, paths: &[Vec<u8>]) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        // What is in a folder comes before it.
        let mut paths: Vec<&[u8]> = paths.iter().map(Vec::as_slice).collect();
        paths.sort_unstable();
        let names: Vec<u8> =
            paths.iter().rev().flat_map(|path| b"./".iter().chain(*path).copied().chain([0])).collect();
        let script = "cd / && xargs -0 sh -c 'for f do \
            if [ -d \"$f\" ] && [ ! -L \"$f\" ]; then rmdir \"$f\"; else rm -f \"$f\"; fi || bad=1; done; exit ${bad:-0}' sh";
        self.ask(script, &names, REMOVAL).await.map(drop)
    }
}

fn is_below(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    !path.contains(&0) && parts.all(|part| !matches!(part, b"" | b"." | b".."))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn only_paths_below_the_root() {
        for (path, is) in [
            (&b"etc/fstab"[..], true),
            (b"", false),
            (b"/etc", false),
            (b"etc/../x", false),
            (b"etc/", false),
            (b"a\nb", true),
        ] {
            assert_eq!(is_below(path), is, "{path:?}");
        }
    }
}
