//! Why something was not done with a disk or a snapshot, and what the operator can do. Knows no screen.

use std::{io, path::PathBuf};

/// Why it was not done. Nothing is half done.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// The program for images is not there.
    #[error("qemu-img cannot be run: {0}")]
    NoTool(#[source] io::Error),
    /// It does not do what it is told.
    #[error("{doing}: {said}")]
    Tool {
        /// What was being done.
        doing: String,
        /// What it printed.
        said: String,
    },
    /// There is no room left.
    #[error("{doing}: no room is left on the disk that {} is on", folder.display())]
    Full {
        /// What was being done.
        doing: String,
        /// Where.
        folder: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A word that cannot be taken.
    #[error("{value} is not {expected}")]
    Unfit {
        /// The word.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// The name is somebody's.
    #[error("{name} is the name of a {of} already ({})", path.display())]
    Taken {
        /// The name.
        name: String,
        /// `disk` or `snapshot`.
        of: &'static str,
        /// Its file.
        path: PathBuf,
    },
    /// There is no such snapshot.
    #[error("there is no snapshot {name} in {}{}", folder.display(), near.as_ref().map_or(String::new(), |near| format!("; {near} is")))]
    NoSnapshot {
        /// The name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// What was perhaps meant.
        near: Option<String>,
    },
    /// There is no such file.
    #[error("{} is not there", .0.display())]
    Missing(PathBuf),
    /// What an image hangs on is gone.
    #[error("{} hangs on {}, which is not there", image.display(), missing.display())]
    Broken {
        /// The image.
        image: PathBuf,
        /// What it needs.
        missing: PathBuf,
    },
    /// The machine has no disk of its own.
    #[error("{0} has no disk: its `power` names none")]
    NoDisk(String),
    /// Others hang on it.
    #[error("{name} cannot be removed: {} of it", hang(.on))]
    Held {
        /// The snapshot.
        name: String,
        /// Disks and snapshots that hang on it.
        on: Vec<String>,
    },
    /// It runs.
    #[error("{0} runs")]
    Runs(String),
    /// It was switched in the middle.
    #[error("{0} was switched {1} meanwhile, so that the copy is of no use")]
    Switched(String, &'static str),
    /// QEMU does not do what it is told.
    #[error("QEMU of {machine}: {error}")]
    Qemu {
        /// The machine.
        machine: String,
        /// What it says.
        error: String,
    },
    /// Another is at work in the folder.
    #[error("another pxelator is at work in {}", .0.display())]
    Busy(PathBuf),
    /// Conf was not written.
    #[error(transparent)]
    Conf(#[from] crate::conf::AdoptError),
}

fn hang(on: &[String]) -> String {
    match on {
        [one] => format!("{one} is made"),
        many => format!("{} are made", many.join(", ")),
    }
}

impl VmError {
    /// What the operator can do.
    pub fn next_step(&self) -> String {
        match self {
            VmError::NoTool(_) => "apt install qemu-utils".to_owned(),
            VmError::Tool { .. } => "look at it with qemu-img info and qemu-img check".to_owned(),
            VmError::Full { folder, .. } => {
                format!(
                    "make room (`pxelator vm list` says what is large), or keep {} elsewhere: --vm-dir",
                    folder.display()
                )
            }
            VmError::Io { .. } => "see that the folder of --vm-dir and conf can be written".to_owned(),
            VmError::Unfit { .. } => "write another".to_owned(),
            VmError::Taken { name, .. } => format!("take another name, or remove that: pxelator vm rm {name}"),
            VmError::NoSnapshot { .. } => {
                "`pxelator vm list` names them; `pxelator vm snapshot MACHINE` makes one".to_owned()
            }
            VmError::Missing(_) => "`pxelator vm list` says what there is".to_owned(),
            VmError::Broken { missing, .. } => {
                format!("bring {} back, from a backup; without it nothing of the image can be read", missing.display())
            }
            VmError::NoDisk(_) => "write one into its `power`: qemu disk=NAME".to_owned(),
            VmError::Held { on, .. } => format!("remove {} first", on.join(" and ")),
            VmError::Runs(name) => format!("switch it off first: pxelator power off {name}"),
            VmError::Switched(..) => "try again".to_owned(),
            VmError::Qemu { .. } => {
                "see that the machine still runs, and that you may write to its socket: sudo".to_owned()
            }
            VmError::Busy(_) => "try again when it has ended".to_owned(),
            VmError::Conf(_) => "name others with --address and --mac, and see that conf can be written".to_owned(),
        }
    }

    /// A file of `path` could not be read or written.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> VmError {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let folder = path.parent().map(PathBuf::from).unwrap_or_default();
                VmError::Full { doing: format!("writing {}", path.display()), folder }
            }
            _ => VmError::Io { path, source },
        }
    }
}
