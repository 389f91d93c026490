//! Puts a recipe that was written into the tree: its files first, so that it is never there without them.

use super::{Content, RecipeError, Result, Written, load::is_name};
use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{OpenOptionsExt, symlink},
    },
    path::{Path, PathBuf},
};

/// Saves it below `conf/recipes`; one of the same name gives way only where it is to. The script's path.
pub fn save(folder: &Path, name: &str, written: &Written, replace: bool) -> Result<PathBuf> {
    if !is_name(name) {
        let error = format!("{name:?} is no name of a recipe");
        return Err(RecipeError { error, next_step: "take letters, digits, hyphens and dots".to_owned() });
    }
    let (script, files) = (folder.join(format!("{name}.sh")), folder.join(name));
    if !replace && (script.exists() || files.exists()) {
        let error = format!("{} is there already", script.display());
        return Err(RecipeError { error, next_step: "take another --name, or --force".to_owned() });
    }
    let new = folder.join(format!(".{name}.new"));
    let write = || -> io::Result<()> {
        let _ = fs::remove_dir_all(&new);
        fs::create_dir_all(&new)?;
        for (path, content, mode) in &written.files {
            put(&new.join(OsStr::from_bytes(path)), content, *mode)?;
        }
        match fs::remove_dir_all(&files) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if written.files.is_empty() {
            fs::remove_dir(&new)?
        } else {
            fs::rename(&new, &files)?
        }
        let draft = folder.join(format!(".{name}.sh.new"));
        fs::write(&draft, &written.script)?;
        fs::rename(&draft, &script)
    };
    write().map_err(|error| RecipeError {
        error: format!("{}: {error}", script.display()),
        next_step: "see the rights of its folder and the room on its disk".to_owned(),
    })?;
    Ok(script)
}

/// What others may not read there, they may not read here.
fn put(path: &Path, content: &Content, mode: u32) -> io::Result<()> {
    match content {
        Content::Folder => return fs::create_dir_all(path),
        _ => path.parent().map_or(Ok(()), fs::create_dir_all)?,
    }
    match content {
        Content::File(bytes) => {
            let mode = 0o600 | (mode & 0o777 & !0o022);
            OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(bytes)
        }
        Content::Link(target) => symlink(OsStr::from_bytes(target), path),
        Content::Folder => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::load;

    #[test]
    fn what_was_saved_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let written = Written {
            script: "# files: /etc/m\\040d 0600 root:root\n#   /etc/link\n#   /srv/x 0755\ntrue\n".to_owned(),
            files: vec![
                (b"etc/m d".to_vec(), Content::File(b"hello".to_vec()), 0o600),
                (b"etc/link".to_vec(), Content::Link(b"m d".to_vec()), 0o777),
                (b"srv/x".to_vec(), Content::Folder, 0o755),
            ],
            ..Written::default()
        };
        save(dir.path(), "web", &written, false).unwrap();
        let loaded = load(dir.path(), "web").unwrap();
        let contents: Vec<_> = loaded.contents.iter().map(|(content, _)| content).collect();
        assert_eq!(contents, written.files.iter().map(|(_, content, _)| content).collect::<Vec<_>>());
        assert!(save(dir.path(), "web", &written, false).unwrap_err().error.ends_with("web.sh is there already"));
        let other = Written { script: "true\n".to_owned(), ..Written::default() };
        save(dir.path(), "web", &other, true).unwrap();
        assert!(!dir.path().join("web").exists() && load(dir.path(), "web").unwrap().recipe.is_whole);
        assert!(save(dir.path(), "../x", &written, true).is_err());
    }
}
