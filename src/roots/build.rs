//! How a base is made of a distribution's packages: the words for mmdebstrap, or debootstrap, and what is added so that the
//! system boots over NFS. Pure but for asking the host for its archives.

use std::{ffi::OsString, fs, path::Path, process::Command};

/// What any base needs to boot over NFS, beside a kernel.
const PACKAGES: [&str; 7] =
    ["initramfs-tools", "systemd-sysv", "udev", "kmod", "iproute2", "netbase", "ca-certificates"];
/// Tells the booted system what its initrd knows of the network.
pub const NETWORK: &str = include_str!("network");
/// Where that is in a base.
pub const NETWORK_AT: &str = "etc/initramfs-tools/scripts/nfs-bottom/pxelator";

/// What makes bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// Better: takes more than one archive, so that security updates are in.
    Mmdebstrap,
    /// Almost everywhere.
    Debootstrap,
}

impl Maker {
    /// The first that this host has.
    pub fn here() -> Option<Maker> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<_> = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
        [Maker::Mmdebstrap, Maker::Debootstrap].into_iter().find(|m| folders.iter().any(|f| f.join(m.name()).is_file()))
    }

    /// The program.
    pub fn name(self) -> &'static str {
        match self {
            Maker::Mmdebstrap => "mmdebstrap",
            Maker::Debootstrap => "debootstrap",
        }
    }
}

/// What a base is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// `bookworm`.
    pub suite: String,
    /// Packages beside those that any base has.
    pub include: Vec<String>,
    /// Archives: URLs, or lines of a sources.list. None: the maker's own choice.
    pub mirrors: Vec<String>,
    /// Settings of apt on this host, as apt.conf has them: how archives are reached.
    pub reached: Vec<String>,
}

impl Recipe {
    /// All packages, each once.
    pub fn packages(&self, machine: &str) -> Vec<String> {
        let kernel = match machine {
            "aarch64" => "linux-image-arm64",
            "x86_64" => "linux-image-amd64",
            other => return [vec![format!("linux-image-{other}")], self.all()].concat(),
        };
        // Who names a kernel wants that one.
        let own = self.include.iter().any(|package| package.starts_with("linux-image-"));
        let kernel = if own { Vec::new() } else { vec![kernel.to_owned()] };
        [kernel, self.all()].concat()
    }

    fn all(&self) -> Vec<String> {
        let mut all: Vec<String> = PACKAGES.iter().map(ToString::to_string).collect();
        all.extend(self.include.iter().filter(|package| !PACKAGES.contains(&package.as_str())).cloned());
        all
    }

    /// The words for the maker: a base in `tree`, for machines of this kind.
    pub fn words(&self, maker: Maker, machine: &str, tree: &Path) -> Vec<OsString> {
        let include = format!("--include={}", self.packages(machine).join(","));
        let mut words: Vec<OsString> = match maker {
            Maker::Mmdebstrap => {
                // Between unpacking and the kernel's set-up, so that the initrd is made once, with it inside.
                let before = format!("install -D -m 755 \"$PXELATOR_NETWORK\" \"$1/{NETWORK_AT}\"");
                let after = "rm -f \"$1/etc/apt/apt.conf.d/99mmdebstrap\"; : > \"$1/etc/machine-id\"";
                let own = [
                    "--mode=root".to_owned(),
                    "--format=directory".to_owned(),
                    "--variant=minbase".to_owned(),
                    include,
                    format!("--essential-hook={before}"),
                    format!("--customize-hook={after}"),
                ];
                own.into_iter()
                    .chain(self.reached.iter().map(|line| format!("--aptopt={line}")))
                    .map(Into::into)
                    .collect()
            }
            Maker::Debootstrap => vec!["--variant=minbase".into(), include.into()],
        };
        words.extend([self.suite.clone().into(), tree.into()]);
        // debootstrap takes one archive, and as a URL.
        let most = if maker == Maker::Debootstrap { 1 } else { usize::MAX };
        let url = |mirror: &String| mirror.split_whitespace().find(|word| word.contains("://")).map(OsString::from);
        words.extend(self.mirrors.iter().take(most).filter_map(|mirror| match maker {
            Maker::Mmdebstrap => Some(mirror.into()),
            Maker::Debootstrap => url(mirror),
        }));
        words
    }
}

/// The suite of this host, where it is a Debian.
pub fn suite_here() -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let value = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    (value("ID")? == "debian").then(|| value("VERSION_CODENAME"))?
}

/// The archives of `suite` that apt of this host knows, as lines of a sources.list; none where it knows no such.
pub fn mirrors_here(suite: &str) -> Vec<String> {
    let mut ask = Command::new("apt-get");
    ask.args([
        "indextargets",
        "--format",
        "deb $(REPO_URI) $(CODENAME) $(COMPONENT)",
        "Created-By: Packages",
        "Origin: Debian",
    ]);
    let told = ask.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    mirrors_of(&told, suite)
}

fn mirrors_of(told: &str, suite: &str) -> Vec<String> {
    let is_its = |line: &&str| {
        let codename = line.split_whitespace().nth(2).unwrap_or_default();
        codename.strip_prefix(suite).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let mut found: Vec<String> = Vec::new();
    for line in told.lines().filter(is_its) {
        if !found.iter().any(|known| known == line) {
            found.push(line.to_owned());
        }
    }
    // Updates alone are no system.
    let is_whole = |line: &String| line.split_whitespace().nth(2) == Some(suite);
    if found.iter().any(is_whole) { found } else { Vec::new() }
}

/// How apt of this host reaches archives, as lines of apt.conf.
pub fn reached_here() -> Vec<String> {
    let mut ask = Command::new("apt-config");
    ask.args(["dump", "--format", "%f \"%v\";%n", "Acquire::http::Proxy", "Acquire::https::Proxy"]);
    ask.args(["Acquire::Check-Valid-Until", "Acquire::Check-Date"]);
    let told = ask.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    told.lines().filter(|line| line.contains("::") && !line.contains("\"\"")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(include: &[&str], mirrors: &[&str]) -> Recipe {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Recipe { suite: "bookworm".to_owned(), include: own(include), mirrors: own(mirrors), reached: Vec::new() }
    }

    #[test]
    fn a_kernel_of_ones_own_is_the_only_one() {
        for (include, machine, expected) in [
            (&[][..], "x86_64", "linux-image-amd64 initramfs-tools"),
            (&["linux-image-cloud-amd64"], "x86_64", "initramfs-tools systemd-sysv"),
            (&[], "aarch64", "linux-image-arm64 initramfs-tools"),
            (&[], "riscv64", "linux-image-riscv64 initramfs-tools"),
        ] {
            let packages = recipe(include, &[]).packages(machine);
            assert!(packages.join(" ").starts_with(expected), "{packages:?}");
        }
        let packages = recipe(&["udev", "vim"], &[]).packages("x86_64");
        assert_eq!(packages.iter().filter(|package| *package == "udev").count(), 1);
        assert_eq!(packages.last().map(String::as_str), Some("vim"));
    }

    #[test]
    fn each_maker_gets_its_own_words() {
        let lines = ["deb http://a/debian bookworm main", "deb http://a/security bookworm-security main"];
        let recipe = recipe(&["vim"], &lines);
        let words = |maker| -> Vec<String> {
            let words = recipe.words(maker, "x86_64", Path::new("/roots/.new-x/tree"));
            words.into_iter().map(|word| word.into_string().unwrap()).collect()
        };
        let mm = words(Maker::Mmdebstrap);
        assert_eq!(mm[mm.len() - 4..], ["bookworm", "/roots/.new-x/tree", lines[0], lines[1]]);
        assert!(
            mm.iter().any(|word| word.starts_with("--essential-hook=install") && word.contains(NETWORK_AT)),
            "{mm:?}"
        );
        let de = words(Maker::Debootstrap);
        assert_eq!(de[2..], ["bookworm", "/roots/.new-x/tree", "http://a/debian"]);
    }

    #[test]
    fn archives_of_a_suite() {
        let told = "deb http://a/debian bookworm main\ndeb http://a/debian bookworm main\n\
            deb http://a/debian bookworm-updates main\ndeb http://a/debian trixie main\ndeb http://a/s sid-security main\n";
        for (suite, expected) in [("bookworm", 2), ("trixie", 1), ("sid", 0), ("book", 0)] {
            assert_eq!(mirrors_of(told, suite).len(), expected, "{suite}");
        }
    }
}
