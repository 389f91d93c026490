//! Keeps one server running: an error or a panic ends it, is told, and it is tried again with back-off.

use crate::{
    event::{Fact, Service},
    servers::{Context, ServerError},
};
use std::{
    any::Any,
    future::Future,
    time::{Duration, Instant},
};

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Runs `serve` again and again until shutdown.
pub async fn keep<F>(service: Service, context: Context, serve: impl Fn(Context) -> F)
where
    F: Future<Output = Result<(), ServerError>> + Send + 'static,
{
    let mut delay = FIRST_RETRY;
    loop {
        let began = Instant::now();
        // A task of its own, so that a panic ends in its JoinHandle. It is aborted with this one.
        let mut task = tokio::task::JoinSet::new();
        task.spawn(serve(context.clone()));
        let outcome = task.join_next().await;
        if context.shutdown.is_cancelled() {
            context.tell(Fact::ServiceStopped { service });
            return;
        }
        let (error, next_step) = match outcome {
            Some(Ok(Err(error))) => (error.to_string(), error.next_step()),
            Some(Err(broken)) if broken.is_panic() => {
                (format!("it panicked: {}", words(&*broken.into_panic())), "report this; it starts anew".to_owned())
            }
            _ => ("it ended by itself".to_owned(), "it starts anew".to_owned()),
        };
        if began.elapsed() > LAST_RETRY {
            delay = FIRST_RETRY;
        }
        let retry = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        context.tell(Fact::ServiceFailed { service, error, next_step, retry });
        tokio::select! {
            () = context.shutdown.cancelled() => {
                context.tell(Fact::ServiceStopped { service });
                return;
            }
            () = tokio::time::sleep(delay) => delay = (delay * 2).min(LAST_RETRY),
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bus::{Bus, Delivery},
        conf::Conf,
        net::Interface,
    };
    use std::{
        net::Ipv4Addr,
        path::Path,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::Relaxed},
        },
    };
    use tokio::sync::watch;

    /// Panics, breaks, ends, and then serves, as it is tried again and again.
    async fn unlucky(context: Context, tries: Arc<AtomicU32>) -> Result<(), ServerError> {
        match tries.fetch_add(1, Relaxed) {
            0 => panic!("a bug"),
            1 => Err(ServerError::bind("UDP port 67")(std::io::ErrorKind::AddrInUse.into())),
            2 => Ok(()),
            _ => {
                context.started(Service::Dhcp, "UDP port 67");
                context.shutdown.cancelled().await;
                Ok(())
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_panics_or_breaks_is_told_and_tried_again() {
        let bus = Bus::default();
        let mut told = bus.subscribe("test", 100);
        let (_sender, conf) = watch::channel(Arc::new(Conf::default()));
        let context = Context {
            segment: Ipv4Addr::new(10, 77, 0, 1),
            interface: Interface { name: "br0".into(), index: 1, mac: None, addresses: vec![], up: true },
            conf,
            state: Default::default(),
            bus,
            key: Default::default(),
            conf_dir: Path::new("conf").into(),
            tftpboot: Path::new("/").into(),
            roots: Path::new("roots").into(),
            overlay: Path::new("overlay").into(),
            journal: Path::new("journal.sqlite").into(),
            page: Default::default(),
            is_page: |_| false,
            shutdown: Default::default(),
        };
        let (tries, shutdown) = (Arc::new(AtomicU32::new(0)), context.shutdown.clone());
        let keeping = tokio::spawn(keep(Service::Dhcp, context, move |context| unlucky(context, tries.clone())));
        let mut next = async || match told.recv().await {
            Some(Delivery::Event(event)) => event.fact.clone(),
            other => panic!("{other:?}"),
        };
        for (words, step, wait) in [
            ("it panicked: a bug", "report this; it starts anew", 1000),
            ("cannot listen on UDP port 67", "another program has that port", 2000),
            ("it ended by itself", "it starts anew", 4000),
        ] {
            let fact = next().await;
            let Fact::ServiceFailed { service: Service::Dhcp, error, next_step, retry } = &fact else {
                panic!("{fact:?}")
            };
            assert!(error.starts_with(words) && next_step.starts_with(step) && *retry == wait, "{fact:?}");
        }
        assert!(matches!(next().await, Fact::ServiceStarted { .. }));
        shutdown.cancel();
        assert_eq!(next().await, Fact::ServiceStopped { service: Service::Dhcp });
        keeping.await.unwrap();
    }
}
