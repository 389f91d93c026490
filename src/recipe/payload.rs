//! What is sent to a machine: an archive of the harness, the recipe, its files, and a plan that says what is wanted. Pure.

use super::{Content, Loaded};
use crate::sh::quoted_bytes;
use std::io;

/// The line that unpacks it and carries it through; the archive is its standard input.
pub const UNPACK: &str = r#"d=$(mktemp -d "${TMPDIR:-/tmp}/pxelator.XXXXXX") || exit 125
trap 'rm -rf "$d"' EXIT; trap 'exit 129' HUP INT TERM PIPE
tar xf - -C "$d" || { echo "cannot unpack it in $d" >&2; exit 126; }
s=; [ "$(id -u)" = 0 ] || s='sudo -n'
$s sh "$d/harness" "$d" "#;

/// The archive. `environment` are the machine's values; lines that begin with `marker` are what the harness tells.
pub fn payload(loaded: &Loaded, environment: &[(String, String)], marker: &str) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut put = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes)
    };
    put("harness", include_bytes!("harness.sh"))?;
    put("files", include_bytes!("files.sh"))?;
    put("recipe", &loaded.text)?;
    put("plan", &plan(loaded, environment, marker))?;
    for (at, (content, _)) in loaded.contents.iter().enumerate() {
        let bytes: &[u8] = match content {
            Content::File(bytes) | Content::Link(bytes) => bytes,
            Content::Folder => &[],
        };
        put(&format!("f/{at}"), bytes)?;
    }
    archive.into_inner()
}

/// Assignments and functions for sh(1).
fn plan(loaded: &Loaded, environment: &[(String, String)], marker: &str) -> Vec<u8> {
    let recipe = &loaded.recipe;
    let mut plan = Vec::new();
    let mut set = |export: bool, name: &str, value: &str| {
        let export: &[u8] = if export { b"export " } else { b"" };
        plan.extend([export, name.as_bytes(), b"=", &quoted_bytes(value.as_bytes()), b"\n"].concat());
    };
    set(false, "px_marker", marker);
    set(false, "px_name", &recipe.name);
    set(false, "px_digest", &loaded.digest);
    set(false, "px_shell", recipe.shell);
    set(false, "px_functions", &recipe.functions.join(" "));
    set(false, "px_whole", if recipe.is_whole { "1" } else { "0" });
    set(false, "px_puts_itself", if recipe.puts_itself { "1" } else { "0" });
    set(false, "px_needs", &recipe.commands.join(" "));
    for (name, value) in &recipe.variables {
        let name = format!("PXE_{name}");
        if environment.iter().all(|(known, _)| *known != name) {
            set(true, &name, value);
        }
    }
    environment.iter().for_each(|(name, value)| set(true, name, value));
    set(true, "PXE_RECIPE", &recipe.name);
    plan.extend(b"px_each() {\n    :\n");
    for (at, (placed, (content, mode))) in recipe.files.iter().zip(&loaded.contents).enumerate() {
        let kind = match content {
            Content::File(_) => "file",
            Content::Link(_) => "link",
            Content::Folder => "folder",
        };
        let is_number = |name: &str| name.chars().all(|c| c.is_ascii_digit());
        let (user, group) = placed.owners.split_once(':').unwrap_or(("root", "root"));
        let user = if is_number(user) { "%u" } else { "%U" };
        let group = if is_number(group) { "%g" } else { "%G" };
        let line = format!("    \"$1\" {at} {kind} {mode:o} '{}' '%a {user}:{group}' ", placed.owners);
        let path = quoted_bytes(&[b"/", placed.path.as_slice()].concat());
        plan.extend([line.as_bytes(), &path, b" || return 1\n"].concat());
    }
    plan.extend(b"}\n");
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Placed, parse};
    use std::{collections::BTreeMap, io::Read};

    #[test]
    fn all_is_in_it_and_quoted() {
        let mut recipe = parse("web", "# variables: PORT=80\n# variables: HOSTNAME=x\ntrue\n").unwrap();
        recipe.files.push(Placed { path: b"etc/it's".to_vec(), mode: None, owners: "33:adm".into(), line: 1 });
        let contents = vec![(Content::File(vec![0, 255]), 0o4755)];
        let loaded = Loaded { recipe, text: b"true\n".to_vec(), contents, digest: "d".into() };
        let bytes = payload(&loaded, &[("PXE_HOSTNAME".into(), "a'; reboot".into())], "m").unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let files: BTreeMap<String, Vec<u8>> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
            })
            .collect();
        assert_eq!((&files["f/0"][..], &files["recipe"][..]), (&[0, 255][..], &b"true\n"[..]));
        let plan = String::from_utf8(files["plan"].clone()).unwrap();
        for line in [
            r"export PXE_HOSTNAME='a'\''; reboot'",
            "export PXE_PORT='80'",
            r#"    "$1" 0 file 4755 '33:adm' '%a %u:%G' '/etc/it'\''s' || return 1"#,
        ] {
            assert!(plan.lines().any(|told| told == line), "{line} in {plan}");
        }
        assert!(!plan.contains("'x'"));
    }
}
