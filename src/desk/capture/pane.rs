//! Packets that are looked at inside the console: a thread keeps them, and finds those that fit while they come. Who looks
//! never waits for it.

use super::{
    Packets,
    live::{Came, Live},
    ring::{Cursor, Kept, Ring, Row},
};
use crate::packet::{Frame, pcapng};
use parking_lot::{Condvar, Mutex};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Lines that are looked at for one packet that comes, so that a new filter is done in some packets.
const SOME: usize = 64;
/// Lines that are looked at while nobody else can look.
const MANY: usize = 500;
/// How often it is looked for an end when nothing comes any more.
const IDLE: Duration = Duration::from_millis(200);

/// What is seen of the packets at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The lines shown.
    pub rows: Vec<Row>,
    /// Which of them is selected.
    pub selected: Option<usize>,
    /// What is behind that.
    pub picked: Option<Kept>,
    /// The lines that fit.
    pub count: usize,
    /// Packets that came.
    pub came: u64,
    /// Older ones that made room.
    pub dropped: u64,
    /// Those that came too fast to be captured.
    pub lost: u64,
    /// It is still looked which fit.
    pub searching: bool,
    /// Nothing comes any more: why. Empty for the end of a file.
    pub ended: Option<String>,
}

/// What the operator wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Words that lines are to have.
    pub filter: String,
    /// What comes is kept, and not shown yet.
    pub paused: bool,
    /// Lines that there is room for.
    pub height: usize,
}

/// Packets that are captured, or read from a file, until this is dropped.
#[derive(Debug)]
pub struct Pane {
    /// Which.
    pub packets: Packets,
    shelf: Arc<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    kept: Mutex<Books>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Books {
    live: Ring,
    frozen: Option<Ring>,
    filter: String,
    came: u64,
    lost: u64,
    sifted: bool,
    ended: Option<String>,
    left: bool,
}

impl Books {
    fn shown(&mut self) -> &mut Ring {
        self.frozen.as_mut().unwrap_or(&mut self.live)
    }

    fn sift(&mut self, most: usize) -> bool {
        let live = self.live.sift(most);
        self.sifted = self.frozen.as_mut().map_or(live, |frozen| frozen.sift(most));
        live && self.sifted
    }
}

impl Pane {
    /// Begins; `touch` is called with whatever there is to see.
    pub fn open(packets: Packets, touch: impl Fn() + Send + 'static) -> Pane {
        let shelf = Arc::new(Shelf::default());
        let (here, wanted) = (shelf.clone(), packets.clone());
        let thread = thread::Builder::new().name("packets".to_owned()).spawn(move || {
            let why = here.fill(&wanted, &touch);
            here.kept.lock().ended = Some(why);
            touch();
            here.attend(&touch);
        });
        if let Err(error) = thread {
            shelf.kept.lock().ended = Some(format!("no thread to capture with: {error}"));
        }
        Pane { packets, shelf }
    }

    /// What is to be seen now, after `by` lines from where the cursor was.
    pub fn look(&self, view: &View, cursor: &mut Cursor, by: isize) -> Page {
        let (mut page, shown) = {
            let mut books = self.shelf.kept.lock();
            match (view.paused, books.frozen.is_some()) {
                (true, false) => books.frozen = Some(books.live.clone()),
                (false, true) => books.frozen = None,
                _ => {}
            }
            if books.filter != view.filter {
                books.filter.clone_from(&view.filter);
                books.live.filter(&view.filter);
                books.sifted = false;
                self.shelf.changed.notify_all();
            }
            let filter = view.filter.as_str();
            if let Some(frozen) = &mut books.frozen {
                frozen.filter(filter);
            }
            let ring = &*books.shown();
            let (lines, line) = cursor.step(ring, by, view.height);
            let shown: Vec<Kept> =
                lines.clone().filter_map(|line| ring.get(line)).map(|(_, kept)| kept.clone()).collect();
            let selected = line.checked_sub(lines.start).filter(|at| *at < shown.len());
            let count = ring.len();
            let page = Page {
                rows: Vec::new(),
                selected,
                picked: selected.and_then(|at| shown.get(at).cloned()),
                count,
                came: books.came,
                dropped: books.live.dropped(),
                lost: books.lost,
                searching: !view.filter.is_empty() && !books.sifted,
                ended: books.ended.clone(),
            };
            (page, shown)
        };
        page.rows = shown.iter().map(Kept::row).collect();
        page
    }

    /// The packets that are shown, those that do not fit too.
    pub fn frames(&self) -> Vec<Frame> {
        let mut books = self.shelf.kept.lock();
        let frames = books.shown().all().filter_map(|kept| match kept {
            Kept::Packet(frame, _) => Some(frame.clone()),
            Kept::Comment(..) => None,
        });
        frames.collect()
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        self.shelf.kept.lock().left = true;
        self.shelf.changed.notify_all();
    }
}

impl Shelf {
    /// Takes packets in until there are no more, or nobody looks; the result is why.
    fn fill(&self, packets: &Packets, touch: &dyn Fn()) -> String {
        match packets {
            Packets::Recorded { file } => match pcapng::read(file) {
                Ok(frames) => {
                    let mut books = self.kept.lock();
                    frames.into_iter().for_each(|frame| books.live.push(frame));
                    books.came = books.live.all().filter(|kept| matches!(kept, Kept::Packet(..))).count() as u64;
                    String::new()
                }
                Err(error) => error.to_string(),
            },
            Packets::Live { interface, machine, boot } => {
                let mut live = match Live::open(interface, *machine, *boot) {
                    Ok(live) => live,
                    Err(error) => return error,
                };
                let mut touched = Instant::now();
                loop {
                    match live.wait() {
                        Ok(Came::Packet(frame)) => {
                            let mut books = self.kept.lock();
                            books.came += 1;
                            books.live.push(frame);
                            books.sift(SOME);
                        }
                        Ok(Came::Pause(lost)) => {
                            self.kept.lock().lost = lost;
                            self.sift();
                        }
                        Err(why) => return why,
                    }
                    if self.kept.lock().left {
                        return String::new();
                    }
                    if touched.elapsed() > Duration::from_millis(20) {
                        touched = Instant::now();
                        touch();
                    }
                }
            }
        }
    }

    /// Finds what fits a filter after the last packet.
    fn attend(&self, touch: &dyn Fn()) {
        loop {
            if !self.kept.lock().sifted {
                self.sift();
                touch();
            }
            let mut books = self.kept.lock();
            if books.left {
                return;
            }
            if books.sifted {
                self.changed.wait_for(&mut books, IDLE);
            }
        }
    }

    /// In steps, between which others can look.
    fn sift(&self) {
        while !self.kept.lock().sift(MANY) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks until the page is as wanted.
    fn page(pane: &Pane, filter: &str, wanted: impl Fn(&Page) -> bool) -> Page {
        let view = View { filter: filter.to_owned(), paused: false, height: 10 };
        let began = Instant::now();
        loop {
            let page = pane.look(&view, &mut Cursor::default(), 0);
            if wanted(&page) {
                return page;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{page:?}");
            thread::yield_now();
        }
    }

    #[test]
    fn what_cannot_be_captured_says_why() {
        let packets = Packets::Live { interface: "nowhere0".to_owned(), machine: None, boot: false };
        let page = page(&Pane::open(packets, || {}), "", |page| page.ended.is_some());
        assert_eq!(page.ended.as_deref(), Some("there is no interface nowhere0; w lists those that are up"));
        let packets = Packets::Recorded { file: "/nowhere/boot.pcapng".into() };
        let page = self::page(&Pane::open(packets, || {}), "", |page| page.ended.is_some());
        assert!(page.ended.is_some_and(|why| why.starts_with("/nowhere/boot.pcapng: No such file")));
    }

    #[test]
    fn a_recorded_boot_with_what_happened() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = pcapng::Writer::begin(file.reopen().unwrap(), "br0", "boot of web1").unwrap();
        let data = bytes::Bytes::from_static(&[0xff; 60]);
        let frame = Frame { time: jiff::Timestamp::UNIX_EPOCH, length: 60, data, comments: Vec::new() };
        writer.packet(&frame).unwrap();
        writer.packet(&Frame { comments: vec!["tftp.requested ipxe.efi".to_owned()], ..frame }).unwrap();
        writer.flush().unwrap();
        let pane = Pane::open(Packets::Recorded { file: file.path().to_owned() }, || {});
        let all = page(&pane, "", |page| page.ended.is_some());
        assert_eq!((all.count, all.came, all.ended.as_deref()), (3, 2, Some("")));
        assert!(matches!(&all.rows[1], Row::Comment(_, words) if words == "tftp.requested ipxe.efi"), "{all:?}");
        let fitting = page(&pane, "REQUESTED", |page| !page.searching && page.count == 1);
        assert!(matches!(&fitting.rows[..], [Row::Comment(..)]), "{fitting:?}");
        assert_eq!(pane.frames().len(), 2);
    }
}
