//! What an order in words changes in the model, and which commands come of it. Pure.

use super::{
    answers, arming,
    certificate::certificate,
    lock,
    model::{Dialog, Model, Pane},
    order::{List, Order},
    power,
    rooms::{alerts, changes, interfaces, packets, recipes},
    timeline,
    update::{self, Effect},
};
use crate::{
    command::Command,
    conf::{Conf, fits},
    desk::{Packets, Wanted, What},
    net::Mac,
    state::{Machine, State},
};
use std::net::Ipv4Addr;

/// Carries an order out; `live` is the present.
pub fn obey(model: &mut Model, live: &State, conf: &Conf, order: Order) -> Effect {
    let past = model.past.clone();
    let state = past.as_ref().map_or(live, |past| &past.state);
    let changes = matches!(
        order,
        Order::Power(..)
            | Order::Skip(..)
            | Order::Trust(_)
            | Order::Arm(..)
            | Order::Recipe(..)
            | Order::Acknowledge(_)
            | Order::Silence(..)
            | Order::Terminal(..)
            | Order::Adopt { .. }
    );
    let acts = changes || matches!(order, Order::Look(_) | Order::Doctor(_) | Order::Pull(_));
    if changes && model.read_only {
        model.word = Some(lock::REFUSED.to_owned());
        return Effect::None;
    }
    if acts && past.is_some() {
        model.word =
            Some("this is the past: machines are switched, adopted and opened now; `now` goes there".to_owned());
        return Effect::None;
    }
    match order {
        Order::Wish(wish) => return update::wished(model, live, conf, wish),
        Order::Power(whom, action) => {
            if let [(segment, _)] = whom[..] {
                show(model, state, segment);
            }
            return power::switch(model, state, whom, action);
        }
        Order::Look(whom) => return power::look(model, state, &whom),
        Order::Doctor(who) => return power::examine(model, state, who),
        Order::Skip(who, skip) => return power::skip(model, state, who, skip),
        Order::Trust(who) => match certificate(state, who) {
            Some(certificate) => update::ask(model, Dialog::Trust { who, certificate }),
            None => {
                model.word = Some("nothing that switches it showed a certificate to trust; doctor it first".to_owned());
            }
        },
        Order::Arm(who, profile, then) => return arming::arm(model, state, conf, who, profile, then),
        Order::Pull(whom) => {
            let machines = whom.iter().filter_map(|who| power::place(state, *who)).collect();
            return Effect::Send(Command::Pull { machines, cause: None });
        }
        Order::Recipe(whom, recipe, manner) => {
            recipes::open(model, whom.clone(), Some(&recipe));
            return recipes::carry(model, state, whom, recipe, manner);
        }
        Order::Acknowledge(whom) => return alerts::acknowledge(model, state, &whom),
        Order::Silence(who, minutes) => return alerts::silence_machine(model.now, who, minutes),
        Order::Changes(host, words) => changes::open(model, state, host, &words),
        Order::Page(segment, mac) => {
            show(model, state, segment);
            (model.page, model.room) = (Some((mac, 0)), None);
        }
        Order::Terminal(segment, mac, way) => {
            show(model, state, segment);
            let Some(machine) = address(state, segment, mac) else { return Effect::None };
            if update::is_elsewhere(model, state, "open") {
                return Effect::None;
            }
            return Effect::Desk(Wanted::Terminal(What::Machine { segment, machine, way }));
        }
        Order::Packets(segment, mac) => {
            show(model, state, segment);
            let interface = conf.segments.get(&segment).and_then(|segment| segment.interface.clone());
            let Some(interface) = interface else {
                // Which it is, is known there.
                model.page = Some((mac, 0));
                interfaces::enter(model, state);
                return Effect::None;
            };
            let machine = state.machine(segment, mac);
            let packets = Packets::Live { interface, machine: Some(mac), boot: false };
            return packets::open(model, packets, machine.map(Machine::name), false);
        }
        Order::Adopt { segment, mac, address, hostname } => {
            show(model, state, segment);
            if update::is_elsewhere(model, state, "adopt") {
                return Effect::None;
            }
            match adopt(conf, segment, mac, &address, &hostname) {
                Ok(command) => return Effect::Send(command),
                Err(error) => model.word = Some(error),
            }
        }
        Order::Segment(segment) => {
            model.show_segment(segment);
            model.page = None;
        }
        Order::Show(list, words) => {
            let pane = match list {
                List::Machines => Pane::Machines,
                List::Leases => Pane::Leases,
                List::Syslog => Pane::Syslog,
                List::Audit => Pane::Audit,
                List::Servers | List::Segments | List::Replicas | List::Power => {
                    update::ask(model, Dialog::Told(list));
                    return Effect::None;
                }
            };
            (model.pane, model.page, model.room) = (pane, None, None);
            if let Some(words) = words {
                return filter(model, state, words);
            }
        }
        Order::Filter(words) => {
            (model.page, model.room) = (None, None);
            return filter(model, state, words);
        }
        Order::Theme(name) => return Effect::Theme(name),
        Order::At(text) => return Effect::At(text),
        Order::Now if model.travelling => return timeline::leave(model),
        Order::Now => model.word = Some("this is the present".to_owned()),
        Order::Quiet => model.word = Some("quiet is for the console of lines, --plain".to_owned()),
    }
    Effect::None
}

/// The segment of what is ordered is the one shown; its filters stay where it is shown already.
fn show(model: &mut Model, state: &State, segment: Ipv4Addr) {
    let shown = model.segment(state).map(|(shown, _)| shown);
    if shown != Some(segment) && !model.fleet {
        model.show_segment(segment);
    }
    model.segment = Some(segment);
}

fn address(state: &State, segment: Ipv4Addr, mac: Mac) -> Option<Ipv4Addr> {
    state.machine(segment, mac)?.address
}

fn filter(model: &mut Model, state: &State, words: String) -> Effect {
    let before = std::mem::replace(&mut model.place_mut().filter, words);
    model.refilter(state);
    if let Some(fault) = model.place().fault.clone() {
        model.word = Some(format!("filter, column {}: {}", fault.column, fault.fault));
        model.place_mut().filter = before;
        model.refilter(state);
        return Effect::None;
    }
    answers::search(model, state)
}

/// A machine that fits into conf, as the command that writes it there.
pub fn adopt(conf: &Conf, segment: Ipv4Addr, mac: Mac, address: &str, hostname: &str) -> Result<Command, String> {
    let segment = conf.segments.get(&segment).ok_or("no segment")?;
    let address = address.trim().parse().map_err(|_| format!("{address:?} is not an address"))?;
    let hostname = hostname.trim().to_owned();
    fits(segment, mac, address, &hostname).map_err(|error| error.to_string())?;
    Ok(Command::Adopt { segment: segment.server, mac, address, hostname })
}
