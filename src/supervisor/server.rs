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
            () = context.shutdown.cancelled() => return,
            () = tokio::time::sleep(delay) => delay = (delay * 2).min(LAST_RETRY),
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}
