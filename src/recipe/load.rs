//! Recipes from the tree: their names, one with its files, and the order in which one and what it needs are carried through.

use super::{Placed, Recipe, RecipeError, Result, parse};
use crate::nearest::nearest;
use sha2::{Digest, Sha256};
use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Bytes of all files of a recipe: it is sent to each machine at each look.
const LARGEST: usize = 64 << 20;

/// A recipe with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What its text says.
    pub recipe: Recipe,
    /// Its text.
    pub text: Vec<u8>,
    /// What each of its `files` is, with its mode.
    pub contents: Vec<(Content, u32)>,
    /// SHA-256 of all of it, in hexadecimal.
    pub digest: String,
}

/// What a file of a recipe is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file with these bytes.
    File(Vec<u8>),
    /// A symbolic link to there.
    Link(Vec<u8>),
    /// A folder.
    Folder,
}

/// The names of all recipes of the folder `conf/recipes`, sorted.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for file in files {
        let name = file?.file_name().into_string().unwrap_or_default();
        if let Some(name) = name.strip_suffix(".sh").filter(|name| is_name(name)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Fit for a name of a recipe.
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@:".contains(c);
    !name.is_empty() && name.len() <= 64 && !name.starts_with(['.', '-']) && name.chars().all(fits)
}

/// Reads one: its text has to make sense to this program and to its shell, and its files have to be there.
pub fn load(folder: &Path, name: &str) -> Result<Loaded> {
    let path = folder.join(format!("{name}.sh"));
    if !is_name(name) || !path.is_file() {
        let known = names(folder).unwrap_or_default();
        let near = nearest(name, known.iter().map(String::as_str)).map(|near| format!("; {near} is"));
        let error = format!("no recipe of {} is called {name}{}", folder.display(), near.unwrap_or_default());
        let known =
            if known.is_empty() { "there is none yet".to_owned() } else { format!("there are {}", known.join(", ")) };
        return Err(RecipeError { error, next_step: format!("write {}, or take another: {known}", path.display()) });
    }
    let read = |path: &Path| {
        fs::read(path).map_err(|error| RecipeError {
            error: format!("{}: {error}", path.display()),
            next_step: "see its rights".to_owned(),
        })
    };
    let text = read(&path)?;
    let recipe = parse(name, &String::from_utf8_lossy(&text)).map_err(|faults| {
        let all: Vec<String> = faults.iter().map(|fault| format!("{}, {fault}", path.display())).collect();
        RecipeError { error: all.join("\n"), next_step: "mend it".to_owned() }
    })?;
    makes_sense(&recipe, &path)?;
    let mut size = text.len();
    let mut contents = Vec::new();
    for placed in &recipe.files {
        let content = content(&folder.join(name), &path, placed)?;
        if let Content::File(bytes) = &content.0 {
            size += bytes.len();
        }
        contents.push(content);
    }
    if size > LARGEST {
        let error = format!("{}: it and its files have {} MiB", path.display(), size >> 20);
        let next_step = format!("at most {} MiB go; let it fetch what is larger", LARGEST >> 20);
        return Err(RecipeError { error, next_step });
    }
    let digest = digest(&text, &recipe.files, &contents);
    Ok(Loaded { recipe, text, contents, digest })
}

/// What its shell says of it without running it (`sh -n`); nothing where this host has no such shell.
fn makes_sense(recipe: &Recipe, path: &Path) -> Result<()> {
    // As a shell here calls it, its words say the line.
    let asked = Command::new(recipe.shell).arg("-n").arg(path).stdin(Stdio::null()).output();
    let Ok(output) = asked else { return Ok(()) };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it makes no sense");
    let said = said.strip_prefix(&format!("{}: ", path.display())).unwrap_or(said);
    let said = match said.split_once(": ") {
        Some((line, why)) if line.trim_start_matches("line ").parse::<u32>().is_ok() => {
            format!("line {}: {why}", line.trim_start_matches("line "))
        }
        _ => said.to_owned(),
    };
    let error = format!("{}, {said}", path.display());
    Err(RecipeError { error, next_step: format!("mend it; {} -n shows whether it makes sense", recipe.shell) })
}

fn content(folder: &Path, recipe: &Path, placed: &Placed) -> Result<(Content, u32)> {
    let path: PathBuf = folder.join(OsStr::from_bytes(&placed.path));
    let wrong = |why: String, next_step: String| RecipeError {
        error: format!("{}, line {}: {} {why}", recipe.display(), placed.line, path.display()),
        next_step,
    };
    let is = path
        .symlink_metadata()
        .map_err(|_| wrong("is not there".to_owned(), "put the file there that goes onto machines".to_owned()))?;
    let unreadable = |error: io::Error| wrong(format!("cannot be read: {error}"), "see its rights".to_owned());
    let (content, usual) = if is.is_symlink() {
        (Content::Link(fs::read_link(&path).map_err(unreadable)?.into_os_string().as_bytes().to_vec()), 0o777)
    } else if is.is_dir() {
        (Content::Folder, 0o755)
    } else if is.is_file() {
        let usual = if is.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
        (Content::File(fs::read(&path).map_err(unreadable)?), usual)
    } else {
        let next_step = "a file, a folder or a symbolic link goes onto machines".to_owned();
        return Err(wrong("is a special file".to_owned(), next_step));
    };
    // A link has all bits, whatever is said.
    let mode = placed.mode.filter(|_| !is.is_symlink());
    Ok((content, mode.unwrap_or(usual)))
}

fn digest(text: &[u8], files: &[Placed], contents: &[(Content, u32)]) -> String {
    let mut digest = Sha256::new();
    let mut take = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    take(text);
    for (placed, (content, mode)) in files.iter().zip(contents) {
        take(&placed.path);
        take(&mode.to_be_bytes());
        match content {
            Content::File(bytes) => take(bytes),
            Content::Link(target) => take(&[b"-> ", target.as_slice()].concat()),
            Content::Folder => take(b"/"),
        }
    }
    hex::encode(digest.finalize())
}

/// A recipe with those that it needs, in the order in which they are carried through: itself last.
pub fn order(folder: &Path, name: &str) -> Result<Vec<Loaded>> {
    let mut order = Vec::new();
    visit(folder, name, &mut Vec::new(), &mut order)?;
    Ok(order)
}

fn visit(folder: &Path, name: &str, way: &mut Vec<String>, order: &mut Vec<Loaded>) -> Result<()> {
    if order.iter().any(|known| known.recipe.name == name) {
        return Ok(());
    }
    if way.iter().any(|known| known == name) {
        let error = format!("recipes need each other in a ring: {} -> {name}", way.join(" -> "));
        return Err(RecipeError { error, next_step: "take one out of `needs`".to_owned() });
    }
    let loaded = load(folder, name).map_err(|wrong| match way.last() {
        Some(by) => RecipeError { error: format!("recipe {by} needs {name}: {}", wrong.error), ..wrong },
        None => wrong,
    })?;
    way.push(name.to_owned());
    for needed in &loaded.recipe.recipes {
        visit(folder, needed, way, order)?;
    }
    way.pop();
    order.push(loaded);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn with_its_files_and_what_it_needs() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("base.sh", "true\n");
        write("web.sh", "# needs: recipe:base\n# files: /etc/motd\n#   /etc/link\n#   /srv/x\ntrue\n");
        write("web/etc/motd", "hello\n");
        symlink("motd", dir.path().join("web/etc/link")).unwrap();
        fs::create_dir_all(dir.path().join("web/srv/x")).unwrap();
        let all = order(dir.path(), "web").unwrap();
        assert_eq!(all.iter().map(|loaded| loaded.recipe.name.as_str()).collect::<Vec<_>>(), ["base", "web"]);
        let contents = &all[1].contents;
        assert_eq!(contents[0], (Content::File(b"hello\n".to_vec()), 0o644));
        assert_eq!((&contents[1].0, &contents[2]), (&Content::Link(b"motd".to_vec()), &(Content::Folder, 0o755)));
        let before = all[1].digest.clone();
        write("web/etc/motd", "hallo\n");
        assert_ne!(load(dir.path(), "web").unwrap().digest, before);
        assert_eq!(names(dir.path()).unwrap(), ["base", "web"]);
        for (path, text, told) in [
            ("base.sh", "# needs: recipe:web\ntrue\n", "recipes need each other in a ring: web -> base -> web"),
            ("base.sh", "if true; then\n", "base.sh, line 2: Syntax error"),
            ("base.sh", "# titel: x\ntrue\n", "base.sh, line 1: a head has no field titel"),
            ("base.sh", "# files: /etc/motd\n", "base/etc/motd is not there; put the file there"),
            ("base.sh", "# needs: recipe:bsae\ntrue\n", "recipe base needs bsae: no recipe of"),
        ] {
            write(path, text);
            let wrong = order(dir.path(), "web").unwrap_err().to_string();
            assert!(wrong.contains(told), "{text}: {wrong}");
        }
        assert!(load(dir.path(), "wbe").unwrap_err().error.ends_with("is called wbe; web is"));
        assert!(load(dir.path(), "../web").is_err());
    }
}
