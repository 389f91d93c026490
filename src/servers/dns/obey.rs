//! Obeys commands by names: finds who asks, tells what is done, and waits until it is so. What is done with conf, who follows
//! the events does.

use super::{
    command::{Asked, Deed, Here, Pace, Said, decide},
    script,
};
use crate::{
    boot,
    conf::{Conf, Evidence, Segment},
    event::{Event, Fact, now},
    net::Mac,
    servers::{Context, who},
    state::Spoken,
};
use jiff::Timestamp;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{OnceCell, Semaphore};

/// A resolver that heard nothing asks again: it gets the same answer for so long after it was found.
const RETRY: Duration = Duration::from_secs(5);
/// Answers and sources remembered.
const MOST: usize = 1_024;
/// What conf gets to say it; a resolver asks again meanwhile.
const WRITTEN: Duration = Duration::from_secs(8);
/// What the journal gets.
const STORED: Duration = Duration::from_secs(2);
/// Scripts at the same time.
const SCRIPTS: usize = 4;

/// A command of a boot: who, which boot, verb and argument.
type Key = (Mac, Option<Timestamp>, String, String);

/// The commands of a segment's machines.
pub struct Commands {
    context: Context,
    paces: Mutex<HashMap<Ipv4Addr, Pace>>,
    answers: Mutex<HashMap<Key, Given>>,
    scripts: Semaphore,
}

/// An answer that is being found, or was.
#[derive(Clone)]
struct Given {
    said: Arc<OnceCell<(Said, Instant)>>,
}

/// Who asks.
struct Who {
    address: Ipv4Addr,
    mac: Mac,
    boot: Option<Timestamp>,
}

impl Commands {
    /// Those of the segment of `context`.
    pub fn new(context: &Context) -> Commands {
        let (paces, answers) = (Mutex::default(), Mutex::default());
        Commands { context: context.clone(), paces, answers, scripts: Semaphore::new(SCRIPTS) }
    }

    /// Obeys, or does not; what the machine is to be told.
    pub async fn answer(&self, source: Ipv4Addr, asked: Result<Asked, Said>) -> Said {
        let Some(segment) = self.context.segment() else { return Said::Stranger };
        let asker = who::asker(&self.context, &segment, source);
        let own = |asked: &Asked| asked.token.is_some_and(|token| asker.standing.token.is(token));
        let (asked, machine) = match (asked, asker.machine) {
            (Ok(asked), Some(machine)) if own(&asked) => (asked, machine),
            // Who it is, is not known: it is counted by its address.
            (Ok(asked), _) => {
                let said = if self.takes(source) { Said::Stranger } else { Said::TooOften };
                return self.refuse(source, asker.mac, &asked, said);
            }
            (Err(said), _) => {
                let nothing = Asked { verb: String::new(), argument: String::new(), token: None };
                let said = if self.takes(source) { said } else { Said::TooOften };
                return self.refuse(source, asker.mac, &nothing, said);
            }
        };
        let who = Who { address: machine.address, mac: machine.mac, boot: self.present_boot(machine.mac) };
        let key = (who.mac, who.boot, asked.verb.clone(), asked.argument.clone());
        // A question has an answer of its own each time.
        if asked.verb == "ask" {
            return self.obey(&who, &asked).await;
        }
        let given = {
            let mut answers = self.answers.lock();
            answers.retain(|_, given| given.said.get().is_none_or(|(_, at)| at.elapsed() < RETRY));
            if answers.len() >= MOST && !answers.contains_key(&key) {
                return Said::TooOften;
            }
            answers.entry(key).or_insert_with(|| Given { said: Arc::default() }).clone()
        };
        given.said.get_or_init(|| async { (self.obey(&who, &asked).await, Instant::now()) }).await.0
    }

    async fn obey(&self, who: &Who, asked: &Asked) -> Said {
        let conf = self.context.conf.borrow().clone();
        let Some(segment) = conf.segments.get(&self.context.segment) else { return Said::Stranger };
        let script = script::find(&self.context.conf_dir, &asked.verb);
        let (before, of_arming) = self.known(who, asked);
        let in_pace = before.is_some() || self.takes(who.address);
        let armed = armed(&conf, segment, who.address);
        let here = Here {
            before: before.as_ref(),
            in_pace,
            armed,
            of_arming,
            boots: armed.map(|(name, _)| name).or_else(|| boots(segment, who.address)),
            has_script: matches!(script, Some(Ok(_))),
        };
        if let (Some(Err(wrong)), None, Err(Said::Unknown)) = (&script, &before, decide(asked, here)) {
            self.unheeded(who.address, Some(who.mac), asked, Said::Failed, wrong);
            return Said::Failed;
        }
        match (decide(asked, here), script) {
            (Err(said), _) => self.refuse(who.address, Some(who.mac), asked, said),
            (Ok(Deed::Answer(answer)), _) => {
                let fact = Fact::DnsAsked { question: asked.argument.clone(), answer };
                self.context.bus.publish(self.about(who, fact));
                if answer { Said::Done } else { Said::No }
            }
            (Ok(Deed::Tell), _) => {
                self.store(who, asked, false).await;
                Said::Done
            }
            (Ok(Deed::Disarm), _) => {
                self.store(who, asked, false).await;
                self.is_so(who, Said::Done, |segment, address| armed_with(segment, address).is_none()).await
            }
            (Ok(Deed::Local), _) => {
                self.store(who, asked, false).await;
                self.is_so(who, Said::Done, is_local).await
            }
            (Ok(Deed::Run), Some(Ok(file))) => {
                let Ok(_place) = self.scripts.try_acquire() else {
                    return self.refuse(who.address, Some(who.mac), asked, Said::TooOften);
                };
                // Before it runs: with the program gone in the middle of it, it is not run once more.
                self.store(who, asked, true).await;
                let ran = script::run(&file, segment, who.address, &asked.argument).await;
                let (verb, argument, boot) = (asked.verb.clone(), asked.argument.clone(), who.boot);
                let script::Ran { code, output, millis } = ran;
                let fact = Fact::DnsRan { verb, argument, boot, code, output, millis };
                let _ = self.context.bus.store(vec![self.about(who, fact)], STORED).await;
                if code == Some(0) { Said::Done } else { Said::Failed }
            }
            (Ok(Deed::Run), _) => Said::Failed,
            (Ok(Deed::Again), _) => match before {
                Some(Spoken { script: true, ran: Some(true), .. }) => Said::Already,
                Some(Spoken { script: true, .. }) => Said::Failed,
                _ if asked.verb == "local" => self.is_so(who, Said::Already, is_local).await,
                _ if asked.verb == "done" => {
                    self.is_so(who, Said::Already, |segment, address| armed_with(segment, address).is_none()).await
                }
                _ => Said::Already,
            },
        }
    }

    /// Waits until conf says what was asked for.
    async fn is_so(&self, who: &Who, well: Said, is_so: impl Fn(&Segment, Ipv4Addr) -> bool) -> Said {
        let (mut conf, server) = (self.context.conf.clone(), self.context.segment);
        let says = |conf: &Arc<Conf>| conf.segments.get(&server).is_some_and(|segment| is_so(segment, who.address));
        match tokio::time::timeout(WRITTEN, conf.wait_for(says)).await {
            Ok(Ok(_)) => well,
            _ => Said::Unwritten,
        }
    }

    fn about(&self, who: &Who, fact: Fact) -> Event {
        Event::new(Some(self.context.segment), fact).about(Some(who.address), Some(who.mac))
    }

    async fn store(&self, who: &Who, asked: &Asked, script: bool) {
        let (verb, argument, boot) = (asked.verb.clone(), asked.argument.clone(), who.boot);
        let fact = Fact::DnsObeyed { verb, argument, script, boot };
        let _ = self.context.bus.store(vec![self.about(who, fact)], STORED).await;
    }

    fn present_boot(&self, mac: Mac) -> Option<Timestamp> {
        let state = self.context.state.read();
        state.machine(self.context.segment, mac)?.present_boot()
    }

    /// The same command, where it was obeyed before in this boot; and whether this boot is one of what it is armed with.
    fn known(&self, who: &Who, asked: &Asked) -> (Option<Spoken>, bool) {
        let state = self.context.state.read();
        let Some(machine) = state.machine(self.context.segment, who.mac) else { return (None, false) };
        let before = machine.said(who.boot, &asked.verb, &asked.argument).cloned();
        (before, machine.boots_what_it_is_armed_with())
    }

    /// Counts a command of `source`; false where it is one too many.
    fn takes(&self, source: Ipv4Addr) -> bool {
        let (mut paces, now) = (self.paces.lock(), now());
        if paces.len() >= MOST && !paces.contains_key(&source) {
            paces.retain(|_, pace| !pace.is_idle(now));
            if paces.len() >= MOST {
                return false;
            }
        }
        paces.entry(source).or_default().takes(now)
    }

    /// Tells that a command is not obeyed; of a flood once.
    fn refuse(&self, source: Ipv4Addr, mac: Option<Mac>, asked: &Asked, said: Said) -> Said {
        let is_news = |source| self.paces.lock().get_mut(source).is_some_and(Pace::is_news);
        if said != Said::TooOften || is_news(&source) {
            self.unheeded(source, mac, asked, said, said.words());
        }
        said
    }

    fn unheeded(&self, source: Ipv4Addr, mac: Option<Mac>, asked: &Asked, said: Said, reason: &str) {
        let (verb, argument) = (asked.verb.clone(), asked.argument.clone());
        let fact = Fact::DnsUnheeded { verb, argument, reason: reason.to_owned(), answer: said.address() };
        self.context.bus.publish(Event::new(Some(self.context.segment), fact).about(Some(source), mac));
    }
}

/// What a machine is armed with, and what shows that it is done.
fn armed<'a>(conf: &'a Conf, segment: &'a Segment, address: Ipv4Addr) -> Option<(&'a str, &'a [Evidence])> {
    let name = armed_with(segment, address)?;
    let done = boot::find(conf, name).map(|profile| profile.done.as_slice()).unwrap_or_default();
    Some((name, done))
}

fn armed_with(segment: &Segment, address: Ipv4Addr) -> Option<&str> {
    segment.machines.get(&address)?.boot_once.as_ref().map(|once| once.profile.as_str())
}

fn boots(segment: &Segment, address: Ipv4Addr) -> Option<&str> {
    segment.profile_of(segment.machines.get(&address).map(AsRef::as_ref))
}

fn is_local(segment: &Segment, address: Ipv4Addr) -> bool {
    armed_with(segment, address).is_none() && boots(segment, address) == Some(boot::LOCAL)
}
