//! Patterns of `track`, on paths of any bytes: as rsync(1) has them. Pure.

/// Whether `path` (no leading `/`) is what the pattern `/etc/*.conf` names, or in it. `*` and `?` stop at `/`, `**` does not,
/// `[a-z]` and `[!a-z]` stand for one byte, `\` takes the next one as it is.
pub fn names(pattern: &str, path: &[u8]) -> bool {
    let pattern = pattern.trim_matches('/').as_bytes();
    if pattern.is_empty() {
        return true;
    }
    // It, or a folder that it is in.
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| path.get(..end).is_some_and(|path| is(pattern, path)))
}

/// Whether something in the folder `path` could be what the pattern names, so that it has to be gone through.
pub fn leads_to(pattern: &str, path: &[u8]) -> bool {
    let pattern = pattern.trim_matches('/').as_bytes();
    let mut parts = pattern.split(|byte| *byte == b'/');
    for folder in path.split(|byte| *byte == b'/') {
        match parts.next() {
            None => return true,
            Some(part) if part.windows(2).any(|two| two == b"**") => return true,
            Some(part) if is(part, folder) => {}
            Some(_) => return false,
        }
    }
    true
}

fn is(pattern: &[u8], path: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return path.is_empty() };
    match (first, rest) {
        (b'*', [b'*', rest @ ..]) => (0..=path.len()).any(|at| path.get(at..).is_some_and(|path| is(rest, path))),
        (b'*', _) => {
            let most = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=most).any(|at| path.get(at..).is_some_and(|path| is(rest, path)))
        }
        (b'?', _) => path.split_first().is_some_and(|(byte, path)| *byte != b'/' && is(rest, path)),
        (b'[', _) => match (class(rest), path.split_first()) {
            (Some((set, is_not, rest)), Some((byte, path))) => {
                *byte != b'/' && holds(set, *byte) != is_not && is(rest, path)
            }
            (None, Some((b'[', path))) => is(rest, path),
            _ => false,
        },
        (b'\\', [escaped, rest @ ..]) => {
            path.split_first().is_some_and(|(byte, path)| byte == escaped && is(rest, path))
        }
        _ => path.split_first().is_some_and(|(byte, path)| byte == first && is(rest, path)),
    }
}

/// What is between the brackets, whether it is turned round, and what comes after.
fn class(text: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let (is_not, text) = match text {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // A `]` at the begin is one of those it stands for.
    let end = text.iter().skip(1).position(|byte| *byte == b']')? + 1;
    Some((text.get(..end)?, is_not, text.get(end + 1..)?))
}

fn holds(set: &[u8], byte: u8) -> bool {
    match set {
        [from, b'-', to, rest @ ..] => (*from..=*to).contains(&byte) || holds(rest, byte),
        [one, rest @ ..] => *one == byte || holds(rest, byte),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_names() {
        for (pattern, path, expected) in [
            ("/etc", "etc/a/b", true),
            ("/etc", "etcetera", false),
            ("/", "any/thing", true),
            ("/etc/*.conf", "etc/a.conf", true),
            ("/etc/*.conf", "etc/a/b.conf", false),
            ("/etc/**.conf", "etc/a/b.conf", true),
            ("/opt/*/conf", "opt/x/conf/deep/y", true),
            ("/opt/*/conf", "opt/conf", false),
            ("/a?c", "abc", true),
            ("/a?c", "a/c", false),
            ("/x[0-9]", "x5", true),
            ("/x[!0-9]", "x5", false),
            ("/x[]]", "x]", true),
            ("/x[", "x[", true),
            ("/a\\*b", "a*b", true),
            ("/a\\*b", "axb", false),
        ] {
            assert_eq!(names(pattern, path.as_bytes()), expected, "{pattern} {path}");
        }
        assert!(names("/etc/\u{fc}*", "etc/\u{fc}x".as_bytes()) && names("/e?c", b"e\xffc"));
    }

    #[test]
    fn what_leads_there() {
        for (pattern, folder, expected) in [
            ("/opt/*/conf", "opt", true),
            ("/opt/*/conf", "opt/x", true),
            ("/opt/*/conf", "opt/x/conf/y", true),
            ("/opt/*/conf", "opt/x/data", false),
            ("/srv/**/x", "srv/a/b/c", true),
            ("/etc", "usr", false),
        ] {
            assert_eq!(leads_to(pattern, folder.as_bytes()), expected, "{pattern} {folder}");
        }
    }
}
