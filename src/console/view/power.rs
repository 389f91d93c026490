//! Power on a machine's page, an examination as it goes, and a change of many machines as it goes.

use super::{Scene, machines::style, switching, words::span};
use crate::{
    conf,
    console::{batch::Batch, marks::Who, power::machine},
    event::{Event, Fact, Service},
    state::{Machine, Press, PressStage},
};
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};
use std::{net::Ipv4Addr, sync::Arc};

/// Scheduled changes that are shown beside the one that is done next.
const PASSED_OVER: usize = 2;
/// Scheduled changes that are looked through.
const AHEAD: usize = 60;
/// Machines named in the panel that failed.
const FAILED: usize = 5;

/// What conf says of a machine, of the present.
pub fn of_conf<'a>(
    scene: Scene<'a>,
    segment: Ipv4Addr,
    machine: &Machine,
) -> Option<(&'a conf::Segment, &'a conf::Machine)> {
    scene.conf.machine((segment, machine.address?)).map(|(segment, machine)| (&**segment, &**machine))
}

/// The ways to switch it, the best first.
pub fn ways(machine: &conf::Machine) -> String {
    machine.power.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ")
}

/// Whether it is on and by which ways it is switched, what is next, and its alarms: a line each.
pub fn facts<'a>(scene: Scene<'_>, segment: Ipv4Addr, machine: &Machine) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let in_conf = of_conf(scene, segment, machine);
    if !machine.in_conf || machine.power_method.is_none() {
        return Vec::new();
    }
    let line = |head: &str, words: String, style| {
        Line::from(vec![Span::styled(format!(" {head:<7}"), theme.head), Span::styled(words, style)])
    };
    let (_, mood) = switching::column(machine);
    let ways = in_conf.map(|(_, machine)| ways(machine)).filter(|ways| !ways.is_empty());
    let ways = ways.map(|ways| format!("; switched by {ways}")).unwrap_or_default();
    let mut lines = vec![line("Power", format!("{}{ways}", switching::state(machine)), style(theme, mood))];
    if let Some((segment, of_conf)) = in_conf {
        for (number, (words, is_done)) in next(scene, segment, of_conf).into_iter().enumerate() {
            let head = if number == 0 { "Next" } else { "" };
            lines.push(line(head, words, if is_done { theme.text } else { theme.dim }));
        }
    }
    for (due, method) in machine.alarms.set.iter().filter(|(due, _)| *due > scene.now) {
        let due = switching::due(*due, scene.now, scene.zone);
        lines.push(line("Alarm", format!("on {due}, by the clock of its {method}"), theme.text));
    }
    if let Some((error, next_step)) = &machine.alarms.trouble {
        lines.push(line("Alarm", format!("{error}; {next_step}"), theme.bad));
    }
    lines
}

/// The next scheduled changes, each with whether it is done: those passed over, and the first two that are not.
fn next(scene: Scene<'_>, segment: &conf::Segment, machine: &conf::Machine) -> Vec<(String, bool)> {
    let mut told = Vec::new();
    let (mut passed, mut done) = (0, 0);
    for change in segment.changes(machine, scene.now).take(AHEAD) {
        let words = switching::change(&change, scene.now, scene.zone);
        match change.skipped {
            None => {
                told.push((words, true));
                done += 1;
            }
            Some(reason) => {
                passed += 1;
                if passed <= PASSED_OVER {
                    told.push((format!("{words} is passed over: {reason}"), false));
                }
            }
        }
        if done == 2 {
            break;
        }
    }
    told
}

/// The next scheduled change that is done, for a column.
pub fn next_word(scene: Scene<'_>, segment: Ipv4Addr, machine: &Machine) -> String {
    let Some((segment, machine)) = of_conf(scene, segment, machine) else { return String::new() };
    let next = segment.changes(machine, scene.now).take(AHEAD).find(|change| change.skipped.is_none());
    next.map(|change| switching::short_change(&change, scene.now, scene.zone)).unwrap_or_default()
}

/// True where a machine of the segments that are shown has a schedule.
pub fn is_scheduled(scene: Scene<'_>) -> bool {
    let shown = scene.model.segment(scene.state).map(|(at, _)| at);
    let segments = scene.conf.segments.iter().filter(|(at, _)| scene.model.fleet || shown == Some(**at));
    segments.into_iter().any(|(_, segment)| {
        segment.schedule.is_some() || segment.machines.values().any(|machine| machine.schedule.is_some())
    })
}

/// A line of words of the machine's power: `web1: on; switched by amt, then wol; next on 07:30 tomorrow (…)`.
pub fn words(scene: Scene<'_>, segment: Ipv4Addr, machine: &Machine) -> String {
    let mut parts = vec![format!("{}: {}", machine.name(), switching::state(machine))];
    parts.extend(switching::underway(machine));
    match of_conf(scene, segment, machine) {
        Some((segment, of_conf)) => {
            parts.push(match ways(of_conf) {
                ways if ways.is_empty() => "conf names no way to switch it".to_owned(),
                ways => format!("switched by {ways}"),
            });
            let next = next(scene, segment, of_conf);
            let told = next.iter().position(|(_, is_done)| *is_done).map_or(next.len(), |done| done + 1);
            let next: Vec<&str> = next[..told].iter().map(|(words, _)| words.as_str()).collect();
            if !next.is_empty() {
                parts.push(format!("next {}", next.join(", then ")));
            }
        }
        None => parts.extend(machine.power_method.as_ref().map(|method| format!("switched by {method}"))),
    }
    parts.join("; ")
}

/// The last change of power: how it stands, and what happened step by step, with the time since it was asked for.
pub fn last_change<'a>(scene: Scene<'_>, segment: Ipv4Addr, machine: &Machine) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let Some(press) = &machine.press else { return Vec::new() };
    let (mark, mood) = match press.stage {
        PressStage::Confirmed { .. } => (theme.marks.good, theme.good),
        PressStage::Unconfirmed { .. } => (theme.marks.bad, theme.bad),
        _ => (theme.marks.busy, theme.busy),
    };
    let head = format!(" Power {} of {}: ", press.action.name(), scene.clock(press.asked));
    let mut lines = vec![Line::from(vec![
        Span::styled(head, theme.head),
        Span::styled(format!("{mark} {}", stage(press, scene.now)), mood),
    ])];
    let events = scene.state.segments.get(&segment).map(|segment| &segment.events);
    let is_step = |event: &&Arc<Event>| {
        event.mac == Some(machine.mac)
            && event.time >= press.asked
            && matches!(
                event.fact,
                Fact::PowerRequested { .. }
                    | Fact::PowerAccepted { .. }
                    | Fact::PowerFailed { .. }
                    | Fact::PowerConfirmed { .. }
                    | Fact::PowerUnconfirmed { .. }
                    | Fact::PowerRefused { .. }
            )
    };
    lines.extend(events.into_iter().flatten().filter(is_step).map(|event| {
        Line::from(vec![
            Span::styled(format!("   {:>6}  ", span(press.asked, event.time)), theme.dim),
            Span::styled(event.fact.to_string(), theme.severity(event.severity())),
        ])
    }));
    lines
}

fn stage(press: &Press, now: Timestamp) -> String {
    match &press.stage {
        PressStage::Asked => format!("{} was asked {} ago", press.method, span(press.asked, now)),
        PressStage::Accepted(_) => format!("accepted, not seen for {}", span(press.asked, now)),
        PressStage::Failed => format!("{} failed", press.method),
        PressStage::Confirmed { millis, .. } => format!("seen after {}", super::words::seconds(*millis)),
        PressStage::Unconfirmed { error, .. } if error.is_empty() => "was not followed".to_owned(),
        PressStage::Unconfirmed { .. } => "not begun".to_owned(),
    }
}

/// An examination since it was asked for, way by way.
pub fn examination<'a>(scene: Scene<'_>, who: Who, since: Timestamp) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let events = scene.state.segments.get(&who.0).map(|segment| &segment.events);
    let its = events
        .into_iter()
        .flatten()
        .filter(|event| event.mac == Some(who.1) && event.time >= since && event.service() == Service::Power);
    let mut lines = Vec::new();
    let (mut way, mut over) = (String::new(), false);
    for event in its {
        match &event.fact {
            Fact::PowerExamined { method, step, words, next_step } => {
                if way != *method {
                    way.clone_from(method);
                    lines.push(Line::styled(format!(" {method}"), theme.head));
                }
                let (mark, style) = match next_step {
                    None => (theme.marks.good, theme.good),
                    Some(_) => (theme.marks.bad, theme.bad),
                };
                lines.push(Line::from(vec![
                    Span::styled(format!(" {mark} {step}: "), style),
                    Span::styled(words.clone(), theme.text),
                ]));
                lines.extend(next_step.iter().map(|next| Line::styled(format!("   {next}"), theme.notice)));
            }
            Fact::PowerDiagnosed { ill, .. } => {
                over = true;
                let style = if *ill == 0 { theme.good } else { theme.bad };
                lines.extend([Line::default(), Line::styled(format!(" {}", event.fact), style)]);
            }
            Fact::PowerRefused { .. } => {
                over = true;
                lines.push(Line::styled(format!(" {}", event.fact), theme.bad));
            }
            _ => {}
        }
    }
    if !over {
        let words = format!(" {} under way for {}", theme.marks.busy, span(since, scene.now));
        lines.push(Line::styled(words, theme.busy));
    }
    lines.extend([Line::default(), Line::styled(" esc closes this", theme.dim)]);
    lines
}

/// What is asked of many machines.
pub fn question<'a>(scene: Scene<'_>, whom: &[Who], action: crate::event::Action) -> Vec<Line<'a>> {
    const NAMED: usize = 60;
    let theme = scene.theme;
    let is_off = |who: &&Who| {
        machine(scene.state, **who).is_none_or(|machine| machine.power == Some(crate::event::PowerState::Off))
    };
    if let [who] = whom {
        let known = machine(scene.state, *who).is_some_and(|machine| machine.power.is_some());
        return vec![Line::styled(format!(" {}", switching::sure(action, known)), theme.busy)];
    }
    let running = whom.len() - whom.iter().filter(is_off).count();
    let names: Vec<String> =
        whom.iter().take(NAMED).map(|who| crate::console::batch::name(scene.state, *who)).collect();
    let more = whom.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    vec![
        Line::styled(format!(" {}", switching::sure_of(action, whom.len(), running)), theme.busy),
        Line::styled(format!(" {}{more}", names.join(", ")), theme.text),
    ]
}

/// A change of many machines in lines: how far it is, and at most so many that failed.
pub fn batch_lines(scene: Scene<'_>, batch: &Batch, most: usize) -> Vec<String> {
    let tally = batch.tally(scene.state);
    let mut lines = vec![format!("power {}: {}", batch.action.name(), tally.words())];
    let failed = batch.failed(scene.state);
    let more = failed.len().saturating_sub(most);
    lines.extend(failed.into_iter().take(most).map(|(name, why)| format!("{name}: {why}")));
    if more > 0 {
        lines.push(format!("and {more} more; the audit has them"));
    }
    lines
}

/// Lines that the panel takes of this width, at most a third of the screen.
pub fn batch_height(scene: Scene<'_>, area: Rect) -> u16 {
    let lines = panel(scene, area.width);
    if lines.is_empty() {
        return 0;
    }
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    u16::try_from(text.line_count(area.width.saturating_sub(2))).unwrap_or(u16::MAX).min(area.height / 3)
}

/// Draws the panel.
pub fn draw_batch(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) {
    let inner = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
    frame.render_widget(Paragraph::new(panel(scene, area.width)).wrap(Wrap { trim: false }), inner);
}

fn panel<'a>(scene: Scene<'_>, width: u16) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let Some(batch) = scene.model.batch.as_ref().filter(|_| scene.model.past.is_none()) else { return Vec::new() };
    let tally = batch.tally(scene.state);
    let (mark, mood) = match (tally.is_over(), tally.failed) {
        (true, 0) => (theme.marks.good, theme.good),
        (_, 1..) => (theme.marks.bad, theme.bad),
        (false, 0) => (theme.marks.busy, theme.busy),
    };
    let mut words = batch_lines(scene, batch, FAILED).into_iter();
    let mut first = vec![Span::styled(format!("{mark} {}  ", words.next().unwrap_or_default()), mood)];
    if tally.is_over() {
        first.push(Span::styled("esc closes this", theme.dim));
    } else if width >= 100 {
        let percent = (tally.seen + tally.failed) * 100 / tally.all.max(1);
        first.extend(super::bar::bar(theme, u64::try_from(percent).unwrap_or(0), 20));
    }
    [Line::from(first)].into_iter().chain(words.map(|words| Line::styled(words, theme.text))).collect()
}
