//! The key that tokens of boots are made with: made once, kept in the run folder, readable by its owner alone.

use crate::boot::TokenKey;
use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Bytes of a key.
const LENGTH: usize = 32;
const FILE: &str = "token.key";

/// The key in the folder `run`, made where there is none.
pub fn key(run: &Path) -> io::Result<TokenKey> {
    let file = run.join(FILE);
    match fs::read(&file) {
        Ok(bytes) if bytes.len() == LENGTH => return Ok(TokenKey::new(bytes)),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::create_dir_all(run)?;
    let mut bytes = [0; LENGTH];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let new = run.join(format!("{FILE}.new"));
    let mut written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    written.write_all(&bytes)?;
    fs::rename(&new, &file)?;
    Ok(TokenKey::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn made_once() {
        let run = tempfile::tempdir().unwrap();
        let (mac, folder) = (crate::net::Mac([2, 0, 0, 0, 0, 1]), run.path().join("run"));
        let token = key(&folder).unwrap().token(mac, None);
        assert!(key(&folder).unwrap().token(mac, None).is(token));
        assert_eq!(fs::metadata(folder.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(folder.join(FILE), "short").unwrap();
        assert!(!key(&folder).unwrap().token(mac, None).is(token));
    }
}
