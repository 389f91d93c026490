//! qemu-img(1) as a child: what an image is, and new ones. Knows no machine.

use super::VmError;
use serde_json::Value;
use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its file.
    pub path: PathBuf,
    /// `qcow2`, `raw` …
    pub format: String,
    /// Bytes of the disk that its machine sees.
    pub disk: u64,
    /// Bytes that the file takes up.
    pub takes: u64,
    /// The image that it hangs on, as a whole path.
    pub hangs_on: Option<PathBuf>,
}

/// The format of a machine's disk or a snapshot, by its name. Its content is not asked: a guest writes that, and could make
/// plain bytes look like an image that hangs on a file of this host.
pub fn format_of(path: &Path) -> &'static str {
    if path.extension().is_some_and(|end| end == "qcow2") { "qcow2" } else { "raw" }
}

/// Looks at one image in this format, else in the one that it seems to have; also at one that is in use.
pub fn look(path: &Path, format: Option<&str>) -> Result<Image, VmError> {
    let mut words = vec!["info", "-U", "--output=json"];
    words.extend(format.into_iter().flat_map(|format| ["-f", format]));
    let told = ask(path, &words)?;
    image(&told).ok_or_else(|| strange(path))
}

/// Looks at a disk or a snapshot and all that it hangs on, one on the other.
pub fn chain(path: &Path) -> Result<Vec<Image>, VmError> {
    let mut images = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        if !path.exists() {
            return Err(match images.last() {
                None => VmError::Missing(path),
                Some(Image { path: image, .. }) => VmError::Broken { image: image.clone(), missing: path },
            });
        }
        if images.iter().any(|image: &Image| image.path == path) {
            let said = format!("{} hangs on itself", path.display());
            return Err(VmError::Tool { doing: format!("looking at {}", path.display()), said });
        }
        // What lies below is written by nobody.
        let image = look(&path, images.is_empty().then(|| format_of(&path)))?;
        next = image.hangs_on.clone();
        images.push(image);
    }
    Ok(images)
}

/// Makes a new image that hangs on `on`: a path from the new image's folder, so that both may be moved together. `disk` is
/// the size in bytes, else that of `on`.
pub fn layer(new: &Path, on: &Path, disk: Option<u64>) -> Result<(), VmError> {
    let mut words: Vec<&OsStr> = vec!["create".as_ref(), "-q".as_ref(), "-f".as_ref(), "qcow2".as_ref()];
    words.extend([OsStr::new("-F"), OsStr::new("qcow2"), OsStr::new("-b"), on.as_os_str(), new.as_os_str()]);
    let size = disk.map(|disk| disk.to_string());
    words.extend(size.as_ref().map(OsStr::new));
    run(&words, &format!("making {}", new.display()), new).map(drop)
}

/// Makes a new, empty image of this size.
pub fn empty(new: &Path, disk: u64) -> Result<(), VmError> {
    let size = disk.to_string();
    let words = ["create".as_ref(), "-q".as_ref(), "-f".as_ref(), "qcow2".as_ref(), new.as_os_str(), size.as_ref()];
    run(&words, &format!("making {}", new.display()), new).map(drop)
}

/// Copies the disk in an image of any format into a new one that hangs on nothing.
pub fn convert(from: &Image, new: &Path) -> Result<(), VmError> {
    let words = [
        "convert".as_ref(),
        "-f".as_ref(),
        from.format.as_ref(),
        "-O".as_ref(),
        "qcow2".as_ref(),
        from.path.as_os_str(),
        new.as_os_str(),
    ];
    run(&words, &format!("copying {}", from.path.display()), new).map(drop)
}

/// Writes down anew what an image hangs on; its own content stays as it is.
pub fn hang(image: &Path, on: &Path) -> Result<(), VmError> {
    let words = ["rebase", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b"].map(OsStr::new);
    let words: Vec<&OsStr> = words.into_iter().chain([on.as_os_str(), image.as_os_str()]).collect();
    run(&words, &format!("changing what {} hangs on", image.display()), image).map(drop)
}

/// Says whether the image's own tables are in order. What is only left over in it (exit code 3) is no fault.
pub fn check(image: &Image) -> Result<(), VmError> {
    let words = ["check".as_ref(), "-q".as_ref(), "-f".as_ref(), image.format.as_ref(), image.path.as_os_str()];
    // A raw image has no tables (63).
    output(&words, &format!("checking {}", image.path.display()), &image.path, &[0, 3, 63]).map(drop)
}

fn ask(path: &Path, words: &[&str]) -> Result<Value, VmError> {
    let words: Vec<&OsStr> = words.iter().map(OsStr::new).chain([path.as_os_str()]).collect();
    let told = run(&words, &format!("looking at {}", path.display()), path)?;
    serde_json::from_str(&told).map_err(|_| strange(path))
}

fn strange(path: &Path) -> VmError {
    VmError::Tool {
        doing: format!("looking at {}", path.display()),
        said: "qemu-img says what is not understood".to_owned(),
    }
}

fn image(told: &Value) -> Option<Image> {
    let path = PathBuf::from(told.get("filename")?.as_str()?);
    let written = told.get("backing-filename").and_then(Value::as_str).map(Path::new);
    // Made whole here, since older versions leave that out.
    let hangs_on = written.map(|written| path.parent().unwrap_or(Path::new("/")).join(written));
    Some(Image {
        format: told.get("format")?.as_str()?.to_owned(),
        disk: told.get("virtual-size")?.as_u64()?,
        takes: told.get("actual-size").and_then(Value::as_u64).unwrap_or(0),
        hangs_on: hangs_on.map(|path| plain(&path)),
        path,
    })
}

/// The path without `.` and `..`, as far as words go.
fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    path.components().fold(PathBuf::new(), |mut whole, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
        whole
    })
}

fn run(words: &[&OsStr], doing: &str, at: &Path) -> Result<String, VmError> {
    output(words, doing, at, &[0])
}

fn output(words: &[&OsStr], doing: &str, at: &Path, well: &[i32]) -> Result<String, VmError> {
    let output = Command::new("qemu-img").args(words).env("LC_ALL", "C").stdin(Stdio::null()).output();
    let output = output.map_err(VmError::NoTool)?;
    if output.status.code().is_some_and(|code| well.contains(&code)) {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(trouble(&errors, doing, at))
}

/// What its errors mean.
fn trouble(errors: &str, doing: &str, at: &Path) -> VmError {
    let doing = doing.to_owned();
    if errors.contains("No space left on device") || errors.contains("Disk quota exceeded") {
        return VmError::Full { doing, folder: at.parent().map(PathBuf::from).unwrap_or_default() };
    }
    if errors.contains("lock") && errors.contains("Is another process using the image") {
        return VmError::Runs(at.display().to_string());
    }
    let lines = errors.lines().map(|line| line.trim_start_matches("qemu-img: ").trim());
    let said = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let said = if said.is_empty() { "qemu-img ended without a word".to_owned() } else { said };
    VmError::Tool { doing, said }
}

/// Copies a file as it is, sharing its blocks where the file system can.
pub fn copy(from: &Path, to: &Path) -> Result<(), VmError> {
    let doing = format!("copying {}", from.display());
    let mut command = Command::new("cp");
    command.args(["--reflink=auto", "--sparse=always", "--"]).args([from, to]).env("LC_ALL", "C").stdin(Stdio::null());
    let output = command.output().map_err(|source| VmError::Io { path: "cp".into(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(match trouble(&errors, &doing, to) {
        VmError::Tool { said, .. } => VmError::Io { path: from.to_owned(), source: io::Error::other(said) },
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_it_hangs_on_is_a_whole_path() {
        let told = |backing: Value| {
            json!({ "filename": "/srv/vm/web1.qcow2", "format": "qcow2", "virtual-size": 1 << 30, "actual-size": 200_704,
                "backing-filename": backing })
        };
        for (backing, expected) in [
            (Value::Null, None),
            (json!("snapshots/night.qcow2"), Some("/srv/vm/snapshots/night.qcow2")),
            (json!("../base/./debian.qcow2"), Some("/srv/base/debian.qcow2")),
            (json!("/images/debian.qcow2"), Some("/images/debian.qcow2")),
        ] {
            let image = image(&told(backing)).unwrap();
            assert_eq!((image.disk, image.takes), (1 << 30, 200_704));
            assert_eq!(image.hangs_on.as_deref(), expected.map(Path::new));
        }
        assert_eq!(image(&json!({ "format": "raw" })), None);
    }

    #[test]
    fn what_its_errors_mean() {
        let words = |errors| trouble(errors, "making x", Path::new("/srv/vm/x.qcow2")).to_string();
        for (errors, told) in [
            (
                "qemu-img: error while writing at byte 0: No space left on device\n",
                "making x: no room is left on the disk that /srv/vm is on",
            ),
            (
                "qemu-img: Could not open '/x': Failed to get \"write\" lock\nIs another process using the image [/x]?\n",
                "/srv/vm/x.qcow2 runs",
            ),
            (
                "qemu-img: Could not open '/x': Image is not in qcow2 format\n",
                "making x: Could not open '/x': Image is not in qcow2 format",
            ),
            ("", "making x: qemu-img ended without a word"),
        ] {
            assert_eq!(words(errors), told);
        }
    }
}
