//! How much goes through the interfaces, looked at once a second while somebody wants to know.

use crate::net::{Meter, Traffic};
use parking_lot::{Condvar, Mutex};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// The time between two looks.
const SECOND: Duration = Duration::from_secs(1);

/// What is known by now.
pub type Rates = Result<Vec<Traffic>, String>;

/// A thread that looks, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rates: Mutex<Rates>,
    left: Mutex<bool>,
    changed: Condvar,
}

impl Watch {
    /// Begins; `touch` is called with each look.
    pub fn begin(touch: impl Fn() + Send + 'static) -> Watch {
        let shared =
            Arc::new(Shared { rates: Mutex::new(Ok(Vec::new())), left: Mutex::default(), changed: Condvar::new() });
        let here = shared.clone();
        let thread = thread::Builder::new().name("rates".to_owned()).spawn(move || here.look(&touch));
        if let Err(error) = thread {
            *shared.rates.lock() = Err(format!("no thread to look with: {error}"));
        }
        Watch { shared }
    }

    /// The last look.
    pub fn rates(&self) -> Rates {
        self.shared.rates.lock().clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.shared.left.lock() = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn look(&self, touch: &dyn Fn()) {
        let mut meter = Meter::default();
        let mut looked = Instant::now();
        loop {
            let elapsed = looked.elapsed();
            looked = Instant::now();
            *self.rates.lock() = meter.look(elapsed).map_err(|error| error.to_string());
            touch();
            let mut left = self.left.lock();
            if !*left {
                self.changed.wait_for(&mut left, SECOND);
            }
            if *left {
                return;
            }
        }
    }
}
