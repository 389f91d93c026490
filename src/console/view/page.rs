//! A machine's own page: its facts, its boot as a timeline, files, earlier boots and what was heard of it last.

use super::{Scene, Sight, alerts, arming, checked, given, list, power, strip, timeline, tracked, words};
use crate::{
    console::{keys::Wish, lines::line_of},
    event::Event,
    net::Mac,
    state::{Boot, Machine, PressStage, Underway},
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};
use std::{collections::VecDeque, net::Ipv4Addr, sync::Arc};

/// Events of the machine shown.
const EVENTS: usize = 24;
/// Messages of the machine shown.
const LOGGED: usize = 12;

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, sight: &mut Sight, mac: Mac, scrolled: usize) {
    let Scene { model, state, theme, .. } = scene;
    let machine = model.segment(state).and_then(|(at, segment)| Some((at, segment.machines.get(&mac)?)));
    let name = machine.map_or_else(|| mac.to_string(), |(_, machine)| machine.name());
    let title = Line::from(Span::styled(format!(" {name} "), theme.head));
    let block = list::framed(scene, title, true);
    let inner = block.inner(area);
    let lines = match machine {
        Some((at, machine)) => content(scene, at, machine, usize::from(inner.width)),
        None => vec![Line::styled(
            format!("It is gone: neither in conf nor heard of lately. {} goes back.", scene.key(Wish::Back)),
            theme.dim,
        )],
    };
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    sight.page = (text.line_count(inner.width), usize::from(inner.height));
    let most = sight.page.0.saturating_sub(sight.page.1);
    let scrolled = u16::try_from(scrolled.min(most)).unwrap_or(u16::MAX);
    frame.render_widget(text.scroll((scrolled, 0)).block(block), area);
}

/// The page as lines of words.
pub fn words(scene: Scene<'_>, mac: Mac, width: usize) -> Vec<String> {
    let machine = scene.model.segment(scene.state).and_then(|(at, segment)| Some((at, segment.machines.get(&mac)?)));
    let Some((at, machine)) = machine else { return Vec::new() };
    let title = format!("{}: {}", machine.name(), words::standing(machine).word);
    let lines = content(scene, at, machine, width).into_iter().map(|line| line.to_string());
    let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    [title].into_iter().chain(lines.filter(|line| !line.is_empty())).collect()
}

fn content<'a>(scene: Scene<'_>, at: Ipv4Addr, machine: &Machine, width: usize) -> Vec<Line<'a>> {
    let mut lines = vec![indented(strip::facts(scene, machine))];
    lines.extend(alerts::of_machine(scene, at, machine));
    lines.extend(power::facts(scene, at, machine));
    lines.extend(arming::lines(scene, machine));
    lines.extend(checked::lines(scene, machine));
    lines.extend(tracked::lines(scene, machine));
    lines.extend(tried(scene, machine));
    lines.push(Line::default());
    let change = power::last_change(scene, at, machine);
    // What is not as it should be is told before the boot.
    let is_first = machine.press.as_ref().is_some_and(|press| !matches!(press.stage, PressStage::Confirmed { .. }));
    if is_first {
        lines.extend(change.iter().cloned());
        lines.push(Line::default());
    }
    let mut boots = machine.boots.iter().rev();
    match boots.next() {
        Some(boot) => {
            lines.push(heading(
                scene,
                &format!("Boot of {}: {}{}", scene.clock(boot.began), words::ended(boot), kept(boot)),
            ));
            lines.extend(timeline::lines(scene, boot, width));
            lines.extend(arming::stages(scene, machine, boot));
            let files: Vec<_> = boot.transfers.iter().filter(|t| t.stage.is_none() || unlucky(t)).collect();
            if !files.is_empty() {
                lines.extend([Line::default(), heading(scene, "Other files")]);
                lines.extend(files.into_iter().map(|transfer| file(scene, transfer)));
            }
            let given = given::lines(scene, boot);
            if !given.is_empty() {
                lines.extend([Line::default(), heading(scene, "What it was given")]);
                lines.extend(given);
            }
        }
        None if machine.in_conf => lines.push(heading(
            scene,
            &format!("No boot yet: {} switches it on, or boot it from the network", scene.key(Wish::Power)),
        )),
        None => lines.push(heading(scene, &format!("Not in conf: {} adopts it", scene.key(Wish::Adopt)))),
    }
    if !is_first && !change.is_empty() {
        lines.push(Line::default());
        lines.extend(change);
    }
    if boots.len() > 0 {
        lines.extend([Line::default(), heading(scene, "Earlier boots")]);
        lines
            .extend(boots.map(|boot| {
                Line::raw(format!("   {}  {}{}", scene.clock(boot.began), words::ended(boot), kept(boot)))
            }));
    }
    if let Some((_, segment)) = scene.model.segment(scene.state) {
        for (words, events, most) in [("Heard last", &segment.events, EVENTS), ("Logged last", &segment.syslog, LOGGED)]
        {
            let last = last_words(scene, machine, events, most);
            if !last.is_empty() {
                lines.extend([Line::default(), heading(scene, words)]);
                lines.extend(last);
            }
        }
    }
    lines
}

/// The boot files that its firmware was given, where there is more to tell than that the first one works.
fn tried<'a>(scene: Scene<'_>, machine: &Machine) -> Option<Line<'a>> {
    let words: Vec<String> = machine
        .ladder
        .tries()
        .map(|tried| {
            let how = match (tried.worked, machine.ladder.has_learned(tried.program)) {
                (true, true) => "works, and is given first",
                (true, false) => "works",
                (false, _) => "did not start",
            };
            format!("{} {how}", tried.program.name())
        })
        .collect();
    (!words.is_empty()).then(|| Line::styled(format!(" boot files tried: {}", words.join("; ")), scene.theme.text))
}

fn indented(mut line: Line<'_>) -> Line<'_> {
    line.spans.insert(0, Span::raw(" "));
    line
}

fn heading<'a>(scene: Scene<'_>, words: &str) -> Line<'a> {
    Line::styled(format!(" {words}"), scene.theme.head)
}

/// Whether the packets of a boot are kept.
pub fn kept(boot: &Boot) -> String {
    match &boot.recording {
        None => String::new(),
        Some(recording) if recording.packets == 0 => ", packets are kept".to_owned(),
        Some(recording) => format!(", {} packets kept", recording.packets),
    }
}

fn unlucky(transfer: &Underway) -> bool {
    matches!(&transfer.ended, Some(Err(_))) && transfer.bytes > 0
}

fn file<'a>(scene: Scene<'_>, transfer: &Underway) -> Line<'a> {
    let how = match &transfer.ended {
        None => "under way".to_owned(),
        Some(Ok(())) => format!("in {}", words::seconds(transfer.millis)),
        Some(Err(reason)) => reason.clone(),
    };
    let protocol = transfer.service.name();
    Line::styled(
        format!("   {protocol:<4}  {}  {}  {how}", transfer.file, words::bytes(transfer.bytes)),
        scene.theme.text,
    )
}

fn last_words<'a>(scene: Scene<'_>, machine: &Machine, events: &VecDeque<Arc<Event>>, most: usize) -> Vec<Line<'a>> {
    let is_its = |event: &&Arc<Event>| match event.mac {
        Some(mac) => mac == machine.mac,
        None => event.machine.is_some() && event.machine == machine.address,
    };
    let events = events.iter().rev().filter(is_its).take(most);
    events
        .map(|event| {
            Line::from(vec![
                Span::styled(format!("   {}  ", scene.clock(event.time)), scene.theme.dim),
                Span::styled(line_of(event), scene.theme.severity(event.severity())),
            ])
        })
        .collect()
}
