//! One machine's files while they are served: its overlay, whether that is still the one, and what the operator is told of it.

use crate::{
    event::Fact,
    roots::{NoOverlay, Overlay},
};
use nix::errno::Errno;
use parking_lot::{Mutex, RwLock};
use std::{
    fs::File,
    io::Read,
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// How often is looked whether the machine was reset.
const LOOK: Duration = Duration::from_millis(200);
/// How often trouble with the disk is told.
const AGAIN: Duration = Duration::from_secs(60);

/// Tells the operator something about the machine.
pub type Tell = Arc<dyn Fn(Fact) + Send + Sync>;

/// Which files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where bases are.
    pub roots: Arc<Path>,
    /// Where machines' own layers are.
    pub overlay: Arc<Path>,
    /// The base.
    pub base: String,
    /// The machine.
    pub machine: Ipv4Addr,
}

/// The files.
pub struct Files {
    place: Place,
    tell: Tell,
    open: RwLock<Arc<Overlay>>,
    looked: Mutex<Instant>,
    troubled: Mutex<Option<Instant>>,
    /// The machine asked for its root, or uses it.
    in_use: AtomicBool,
    verifier: [u8; 8],
}

impl Files {
    /// Opens them; may wait for the disk.
    pub fn open(place: Place, tell: Tell) -> Result<Files, NoOverlay> {
        let overlay = open(&place)?;
        let mut verifier = [0; 8];
        // Another than that of an earlier program: what it had not written yet is sent again.
        let filled = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut verifier));
        if filled.is_err() {
            verifier = crate::event::now().as_microsecond().to_be_bytes();
        }
        Ok(Files {
            place,
            tell,
            open: RwLock::new(Arc::new(overlay)),
            looked: Mutex::new(Instant::now()),
            troubled: Mutex::new(None),
            in_use: AtomicBool::new(false),
            verifier,
        })
    }

    /// Which they are.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Tells a client that this is another program than before.
    pub fn verifier(&self) -> [u8; 8] {
        self.verifier
    }

    /// The overlay; ESTALE where the machine was reset since.
    pub fn overlay(&self) -> crate::roots::Result<Arc<Overlay>> {
        let overlay = self.open.read().clone();
        let due = {
            let mut looked = self.looked.lock();
            let due = looked.elapsed() > LOOK;
            if due {
                *looked = Instant::now();
            }
            due
        };
        if due && !overlay.is_current() {
            // Until it is mounted anew; the next who asks looks again.
            *self.looked.lock() = Instant::now().checked_sub(2 * LOOK).unwrap_or_else(Instant::now);
            return Err(Errno::ESTALE);
        }
        if !self.in_use.swap(true, Relaxed) {
            self.tell_mounted(&overlay, true);
        }
        Ok(overlay)
    }

    /// The overlay for a machine that begins: after a reset a new one.
    pub fn mount(&self) -> Result<Arc<Overlay>, NoOverlay> {
        let mut open_now = self.open.write();
        if !open_now.is_current() {
            *open_now = Arc::new(open(&self.place)?);
        }
        self.in_use.store(true, Relaxed);
        self.tell_mounted(&open_now, false);
        Ok(open_now.clone())
    }

    fn tell_mounted(&self, overlay: &Overlay, resumed: bool) {
        let by = if overlay.by_kernel { "the kernel's overlayfs" } else { "pxelator's own union" };
        (self.tell)(Fact::NfsMounted {
            base: self.place.base.clone(),
            folder: overlay.folder.display().to_string(),
            by: by.to_owned(),
            resumed,
        });
    }

    /// The machine says that it is done.
    pub fn unmount(&self) {
        if self.in_use.swap(false, Relaxed) {
            (self.tell)(Fact::NfsUnmounted { base: self.place.base.clone() });
        }
    }

    /// The machine asked for a path that is not there.
    pub fn refuse(&self, path: String, reason: String) {
        let source = self.place.machine.into();
        (self.tell)(Fact::NfsRefused { source, path: Some(path), reason });
    }

    /// Looks at what went wrong, and tells once a minute what the operator has to see to.
    pub fn note(&self, error: Option<Errno>) {
        let next_step = match error {
            Some(Errno::ENOSPC) => "make room on that disk, or move the folder to a larger one (--overlay)",
            Some(Errno::EDQUOT) => "raise the quota of who runs pxelator on that disk",
            Some(Errno::EROFS) => "mount that disk for writing",
            Some(Errno::EIO) => "look at the kernel's log (dmesg): a disk may be broken",
            Some(Errno::EMFILE | Errno::ENFILE) => "raise the limit of open files (ulimit -n)",
            _ => return,
        };
        let Some(error) = error else { return };
        let mut troubled = self.troubled.lock();
        if troubled.is_some_and(|when| when.elapsed() < AGAIN) {
            return;
        }
        *troubled = Some(Instant::now());
        let folder = self.place.overlay.join(self.place.machine.to_string());
        (self.tell)(Fact::NfsFailed {
            doing: format!("changing files in {}", folder.display()),
            error: error.desc().to_owned(),
            next_step: next_step.to_owned(),
        });
    }
}

fn open(place: &Place) -> Result<Overlay, NoOverlay> {
    Overlay::open(&place.roots, &place.base, &place.overlay, &place.machine.to_string(), true)
}
