//! The thread that shows the past to who asks for it: it reads the journal while the program goes on writing it.

use crate::{
    journal::{JournalError, Traveller},
    state::past::{Go, Request, SPEEDS, Sight, gather, played},
};
use jiff::SignedDuration;
use std::{
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// While time passes a new state is shown as often as the console draws.
const FRAME: Duration = Duration::from_millis(33);
/// What is said of a journal without events.
const EMPTY: &str = "nothing is in the journal yet";

/// Somebody looks at the past.
struct Session {
    traveller: Traveller,
    segment: Option<Ipv4Addr>,
    /// The last time that time passed; none while it is held.
    played: Option<Instant>,
    /// Of [`SPEEDS`].
    speed: usize,
}

/// Answers `requests` with what there is to be shown, until nobody can ask any longer.
pub fn show(journal: &Path, requests: &Receiver<Request>, shown: &watch::Sender<Sight>) {
    let mut session: Option<Session> = None;
    loop {
        let first = match session.as_ref().and_then(|session| session.played) {
            Some(played) => match requests.recv_timeout(FRAME.saturating_sub(played.elapsed())) {
                Err(RecvTimeoutError::Disconnected) => return,
                other => other.ok(),
            },
            None => match requests.recv() {
                Err(_) => return,
                Ok(request) => Some(request),
            },
        };
        // Nothing is shown twice: who asked often is answered once.
        let wishes = gather(first.into_iter().chain(requests.try_iter()));
        let mut answered = Ok(());
        for wish in wishes {
            answered = answered.and_then(|()| obey(journal, &mut session, wish));
        }
        let sight = answered.and_then(|()| session.as_mut().map(Session::sight).transpose());
        shown.send_replace(match sight {
            Ok(sight) => sight.unwrap_or_default(),
            Err(error) => {
                session = None;
                Sight::Failed(error)
            }
        });
    }
}

fn obey(journal: &Path, session: &mut Option<Session>, wish: Request) -> Result<(), String> {
    let segment = wish.segment;
    match wish.go {
        Go::Open => {
            *session = None;
            *session = Some(Session::begin(journal, segment)?);
        }
        Go::Close => *session = None,
        go => {
            // Who asks for a moment begins there: nothing else is shown before.
            if session.is_none() && matches!(go, Go::At(_)) {
                *session = Some(Session::begin(journal, segment)?);
            }
            if let Some(session) = session {
                session.segment = segment;
                session.go(&go).map_err(words)?;
            }
        }
    }
    Ok(())
}

fn words(error: JournalError) -> String {
    error.to_string()
}

impl Session {
    fn begin(journal: &Path, segment: Option<Ipv4Addr>) -> Result<Session, String> {
        let traveller = Traveller::open(journal, segment).map_err(words)?.ok_or(EMPTY)?;
        Ok(Session { traveller, segment, played: None, speed: 0 })
    }

    fn go(&mut self, go: &Go) -> Result<(), JournalError> {
        let (traveller, segment) = (&mut self.traveller, self.segment);
        match go {
            Go::At(moment) => traveller.at(*moment, segment),
            Go::Step(steps) if *steps != 0 => traveller.step(*steps, segment),
            Go::Jump(span) => traveller.jump(*span, segment),
            Go::Begin => traveller.begin(segment),
            Go::End => traveller.end(segment),
            Go::Play => {
                self.played = if self.played.is_some() { None } else { Some(Instant::now()) };
                Ok(())
            }
            Go::Speed(by) => {
                self.speed = self.speed.saturating_add_signed(isize::try_from(*by).unwrap_or(0)).min(SPEEDS.len() - 1);
                Ok(())
            }
            Go::Open | Go::Close | Go::Step(_) => Ok(()),
        }
    }

    fn sight(&mut self) -> Result<Sight, String> {
        self.play().map_err(words)?;
        let mut past = self.traveller.past(self.segment, self.played.is_some(), SPEEDS[self.speed]).map_err(words)?;
        if past.at_end {
            // Nothing is to come; what comes later is the present's.
            (self.played, past.playing) = (None, false);
        }
        Ok(Sight::Past(Arc::new(past)))
    }

    /// Lets time pass since the last look.
    fn play(&mut self) -> Result<(), JournalError> {
        let Some(before) = self.played.filter(|before| before.elapsed() >= FRAME) else { return Ok(()) };
        let elapsed = SignedDuration::try_from(before.elapsed()).unwrap_or(SignedDuration::ZERO);
        self.played = Some(Instant::now());
        let next = self.traveller.next(self.segment)?;
        let moment = played(self.traveller.moment(), next, elapsed, SPEEDS[self.speed]);
        self.traveller.at(moment, self.segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bus::Bus,
        console::Window,
        event::{Event, Fact},
        journal::Journal,
        state::past::Past,
    };
    use jiff::Timestamp;
    use std::{sync::mpsc::SyncSender, thread};

    const COUNT: i64 = 1_000;
    /// How long is waited for what should come at once.
    const SOON: Duration = Duration::from_secs(20);

    fn begin() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    /// A journal with an event of the program each minute.
    fn store(path: &Path) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let started = |minute| Event {
            time: begin() + SignedDuration::from_mins(minute),
            ..Event::new(None, Fact::ProgramStarted { version: minute.to_string() })
        };
        runtime.block_on(async {
            let bus = Bus::default();
            let queue = bus.subscribe_durable("journal", 2_000);
            let thread = Journal::open(path).unwrap().write(queue, bus.clone()).unwrap();
            bus.store((0..COUNT).map(started).collect(), SOON).await.unwrap();
            bus.close();
            thread.join().unwrap();
        });
    }

    fn ask(requests: &SyncSender<Request>, go: Go) {
        requests.send(Request { go, segment: None }).unwrap();
    }

    /// Waits until what is shown is as wanted.
    fn wait(shown: &watch::Receiver<Sight>, what: &str, wanted: impl Fn(&Sight) -> bool) {
        let began = Instant::now();
        while !wanted(&shown.borrow()) {
            assert!(began.elapsed() < SOON, "{what}: {:?}", shown.borrow());
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn is_at(minute: i64) -> impl Fn(&Sight) -> bool {
        let moment = begin() + SignedDuration::from_mins(minute);
        move |sight| matches!(sight, Sight::Past(past) if past.moment == moment && !past.playing)
    }

    fn past(sight: &Sight, wanted: impl Fn(&Past) -> bool) -> bool {
        matches!(sight, Sight::Past(past) if wanted(past))
    }

    #[test]
    fn requests_that_pile_up_are_answered_and_time_passes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.sqlite");
        let (_window, requests, show_to) = Window::new();
        drop(requests);
        let (asking, requests) = std::sync::mpsc::sync_channel(10_000);
        let shown = show_to.subscribe();
        // Held back until all of it is asked: keys come faster than answers.
        ask(&asking, Go::Open);
        (0..500).for_each(|_| ask(&asking, Go::Step(-1)));
        store(&path);
        let worker = thread::spawn(move || show(&path, &requests, &show_to));
        wait(&shown, "500 steps back", is_at(COUNT - 501));
        ask(&asking, Go::Jump(SignedDuration::from_mins(-99)));
        wait(&shown, "a jump", is_at(COUNT - 600));
        ask(&asking, Go::Begin);
        wait(&shown, "the begin", |sight| is_at(0)(sight) && past(sight, |past| past.at_begin));
        (0..4).for_each(|_| ask(&asking, Go::Speed(1)));
        ask(&asking, Go::Play);
        // A minute at 30 times is two seconds: nothing is passed over, and it comes.
        wait(&shown, "playing", |sight| past(sight, |past| past.playing && past.speed == 30));
        wait(&shown, "the next event", |sight| {
            past(sight, |past| past.event.as_ref().is_some_and(|event| event.time > begin()))
        });
        ask(&asking, Go::Play);
        wait(&shown, "held", |sight| past(sight, |past| !past.playing));
        ask(&asking, Go::End);
        ask(&asking, Go::Play);
        wait(&shown, "nothing to play", |sight| is_at(COUNT - 1)(sight) && past(sight, |past| past.at_end));
        ask(&asking, Go::Close);
        wait(&shown, "the present", |sight| matches!(sight, Sight::Present));
        drop(asking);
        worker.join().unwrap();
    }

    #[test]
    fn a_journal_that_cannot_be_read_is_told() {
        let (_window, requests, show_to) = Window::new();
        drop(requests);
        let (asking, requests) = std::sync::mpsc::sync_channel(10);
        let shown = show_to.subscribe();
        let worker = thread::spawn(move || show(Path::new("/nonexistent/journal"), &requests, &show_to));
        ask(&asking, Go::Open);
        wait(&shown, "why", |sight| matches!(sight, Sight::Failed(why) if why.contains("there is no journal")));
        drop(asking);
        worker.join().unwrap();
    }
}
