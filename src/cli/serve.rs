//! `run` and `practice`: the servers, with the console or without.

use super::{headless, power_on::PowerOn};
use crate::{
    bus::{Bus, Delivery},
    console,
    event::{Event, Fact},
    supervisor::{self, Options, Running},
};
use clap::Args;
use color_eyre::eyre::{Result, WrapErr};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// What the terminal gets to be given back.
const GRACE: std::time::Duration = std::time::Duration::from_secs(1);
/// Events that lines of words may be behind.
const EVENTS: usize = 1 << 14;
/// How often a console that broke is opened anew.
const TRIES: u32 = 3;

/// What is seen of the work.
#[derive(Clone, Debug, Args)]
pub struct Screen {
    /// No screen: events as lines on stderr
    #[arg(long)]
    headless: bool,
    /// No screen: the console as lines of words, and orders as lines of standard input
    #[arg(long, conflicts_with = "headless")]
    plain: bool,
    /// The console shows everything and changes nothing
    #[arg(long, conflicts_with = "headless")]
    read_only: bool,
    /// With --headless: each event as a JSON object
    #[arg(long, requires = "headless")]
    json: bool,
    /// The console's colours: the name of a file in themes/
    #[arg(long, value_name = "NAME", env = "PXELATOR_THEME")]
    theme: Option<String>,
}

/// Serves until the operator quits or a signal comes. `note` stands in the console's head line.
pub fn serve(options: Options, screen: Screen, power_on: PowerOn, note: Option<String>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().wrap_err("cannot start threads")?;
    let served = runtime.block_on(async {
        let bus = Bus::default();
        let lines = screen.headless.then(|| bus.subscribe("screen", 1 << 14));
        // Before there are any, so that none is missed.
        let events = screen.plain.then(|| bus.subscribe("plain console", EVENTS));
        let power_on = power_on.prepare(&options.conf, &bus)?;
        let running = supervisor::start(options, bus.clone()).await?;
        let switching = power_on.map(|waiting| tokio::spawn(waiting.switch(running.commands.clone())));
        let printing = lines.map(|lines| tokio::spawn(headless::print(lines, screen.json)));
        let reason = show(&running, &screen, note, bus, events).await;
        switching.inspect(tokio::task::JoinHandle::abort);
        running.stop(reason.as_deref().unwrap_or("the console broke")).await;
        if let Some(printing) = printing {
            let _ = printing.await;
        }
        reason.map(drop)
    });
    // A blocking task that hangs (a name look-up, a dead disk) must not keep the program.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    served
}

/// Until the operator quits or a signal comes; the result is the reason.
async fn show(
    running: &Running,
    screen: &Screen,
    note: Option<String>,
    bus: Bus,
    events: Option<mpsc::Receiver<Delivery>>,
) -> Result<String> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let source = console::Source {
        state: running.state.clone(),
        replicas: running.replicas.clone(),
        conf: running.conf.clone(),
        past: running.past.clone(),
        found: running.found.clone(),
        record: running.record.clone(),
        trends: running.trends.clone(),
        desk: running.desk.clone(),
        commands: running.commands.clone(),
        shutdown: running.shutdown.clone(),
        note,
        read_only: screen.read_only,
    };
    let mut shown = match screen.headless {
        true => None,
        false => Some(tokio::spawn(keep_console(source, screen.clone(), bus, events))),
    };
    let ended = async {
        match &mut shown {
            Some(console) => console.await.wrap_err("the console broke")?,
            None => {
                running.shutdown.cancelled().await;
                Ok(())
            }
        }
    };
    let reason = tokio::select! {
        outcome = ended => return outcome.map(|()| "quit".to_owned()),
        _ = tokio::signal::ctrl_c() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
        _ = hangup.recv() => "SIGHUP",
    };
    running.shutdown.cancel();
    if let Some(console) = shown {
        // A terminal that takes nothing cannot be given back either.
        let _ = tokio::time::timeout(GRACE, console).await;
    }
    Ok(reason.to_owned())
}

/// Shows the console until it ends. A panic is the console's own: machines go on booting, and it is opened anew.
async fn keep_console(
    source: console::Source,
    screen: Screen,
    bus: Bus,
    mut first: Option<mpsc::Receiver<Delivery>>,
) -> Result<()> {
    for _ in 0..TRIES {
        let (here, theme, runtime) = (source.clone(), screen.theme.clone(), tokio::runtime::Handle::current());
        let anew = || screen.plain.then(|| bus.subscribe("plain console", EVENTS));
        let events = first.take().or_else(anew);
        let shown = tokio::task::spawn_blocking(move || match events {
            Some(events) => console::plain::run(&here, events, &runtime),
            None => console::run(&here, theme.as_deref(), &runtime),
        });
        match shown.await {
            Ok(ended) => return ended.map_err(Into::into),
            Err(broken) => bus.publish(Event::new(None, Fact::ConsoleFailed { error: broken.to_string() })),
        }
        tokio::select! {
            () = source.shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(GRACE) => {}
        }
    }
    eprintln!("pxelator: the console broke {TRIES} times; the servers go on without it, and ctrl-c ends them");
    source.shutdown.cancelled().await;
    Ok(())
}
