//! One way to switch a machine, called as the program does, from the segment's namespace.

use super::{Machine, Segment};
use pxelator::{
    conf,
    event::{Action, Fact, Manner, PowerState},
    net::Interface,
    power::{Power, PowerError, Steps, Target, Ways},
};
use std::{path::Path, sync::Arc};

/// A step of an examination: its name, what was found, and what to do where that is wrong.
pub type Step = (String, String, Option<String>);

/// The first way that conf names for a machine, read anew at each call.
pub struct Way<'a> {
    segment: &'a Segment,
    machine: &'a Machine,
}

impl Way<'_> {
    /// That of `machine`.
    pub fn of<'a>(segment: &'a Segment, machine: &'a Machine) -> Way<'a> {
        Way { segment, machine }
    }

    /// Does something with it.
    pub fn with<T: Send>(&self, work: impl AsyncFnOnce(Arc<dyn Power>, Target) -> T + Send) -> T {
        let read = conf::read(&self.segment.conf_dir(), None);
        assert_eq!(read.mistakes, []);
        let segment = read.conf.segments.values().next().unwrap().clone();
        let machine = segment.machines[&self.machine.address].clone();
        let run = self.segment.folder.path().join("run");
        super::segment::inside_of(&Path::new("/run/netns").join(&self.segment.name), move || {
            let interface = Interface::named("br0").unwrap().unwrap();
            let target = Target { segment, machine, interface, vms: run.join("vm"), run, owner: None };
            let way = Ways::default().of(&target).remove(0);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work(way, target))
        })
    }

    /// Switches it.
    pub fn switch(&self, action: Action, gently: bool) -> Result<Manner, PowerError> {
        self.with(async |way, target| way.switch(&target, action, gently).await)
    }

    /// Whether it is on.
    pub fn observe(&self) -> Result<Option<PowerState>, PowerError> {
        self.with(async |way, target| way.observe(&target).await)
    }

    /// The error of asking for its state, and the next step.
    pub fn trouble(&self) -> (String, String) {
        let PowerError { error, next_step } = self.observe().unwrap_err();
        (error, next_step)
    }

    /// Examines it; each step, of which the last alone may be wrong.
    pub fn examine(&self) -> Vec<Step> {
        let mut told = Vec::new();
        let method = self.with(async |way, target| {
            let mut tell = |fact| match fact {
                Fact::PowerExamined { step, words, next_step, .. } => told.push((step, words, next_step)),
                other => panic!("{other}"),
            };
            let method = way.method();
            let came = way.examine(&target, &mut Steps::new(method, &mut tell)).await;
            (method, came.is_ok())
        });
        let wrong = told.iter().position(|(_, _, next)| next.is_some());
        let expected = if method.1 { None } else { Some(told.len() - 1) };
        assert_eq!(wrong, expected, "{}: {told:?}", method.0);
        told
    }
}
