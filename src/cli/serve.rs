//! `run` and `practice`: the servers, with the console or without.

use super::headless;
use crate::{
    bus::{Bus, Delivery},
    supervisor::{self, Options, Running},
};
use clap::Args;
use color_eyre::eyre::{Result, WrapErr};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::Receiver,
};

/// What is seen of the work.
#[derive(Clone, Debug, Args)]
pub struct Screen {
    /// No screen: events as lines on stderr
    #[arg(long)]
    headless: bool,
    /// With --headless: each event as a JSON object
    #[arg(long, requires = "headless")]
    json: bool,
    /// The console's colours: the name of a file in themes/
    #[arg(long, value_name = "NAME", env = "PXELATOR_THEME")]
    theme: Option<String>,
}

/// Serves until the operator quits or a signal comes. `note` stands in the console's head line.
pub fn serve(options: Options, screen: Screen, note: Option<String>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().wrap_err("cannot start threads")?;
    let served = runtime.block_on(async {
        let bus = Bus::default();
        let lines = screen.headless.then(|| bus.subscribe("screen", 1 << 14));
        let running = supervisor::start(options, bus).await?;
        let reason = show(&running, lines, screen, note).await;
        running.stop(reason.as_deref().unwrap_or("the console broke")).await;
        reason.map(drop)
    });
    // A blocking task that hangs (a name look-up, a dead disk) must not keep the program.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    served
}

async fn show(
    running: &Running,
    lines: Option<Receiver<Delivery>>,
    screen: Screen,
    note: Option<String>,
) -> Result<String> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let shown = async {
        if let Some(lines) = lines {
            headless::print(lines, screen.json, running.shutdown.clone()).await;
            return Ok("quit".to_owned());
        }
        let _ = note;
        running.shutdown.cancelled().await;
        Ok("quit".to_owned())
    };
    tokio::select! {
        outcome = shown => outcome,
        _ = tokio::signal::ctrl_c() => Ok("SIGINT".to_owned()),
        _ = terminate.recv() => Ok("SIGTERM".to_owned()),
        _ = hangup.recv() => Ok("SIGHUP".to_owned()),
    }
}
