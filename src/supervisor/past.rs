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
            let traveller = Traveller::open(journal, segment).map_err(words)?.ok_or(EMPTY)?;
            *session = Some(Session { traveller, segment, played: None, speed: 0 });
        }
        Go::Close => *session = None,
        go => {
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
