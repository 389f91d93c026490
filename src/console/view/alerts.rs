//! The room of alerts: which there are, and all that is known of the one that is selected; on machines' pages theirs.

use super::{Scene, list, words};
use crate::{
    command::AlertKey,
    console::{
        keys::Wish,
        rooms::alerts::{self, Alerts, SPANS},
    },
    state::{
        Machine,
        alerts::{Alert, Phase},
    },
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Margin, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};
use std::net::Ipv4Addr;

/// Lines of what is said of the selected one, below the list.
const BELOW: u16 = 9;

/// Draws the room; returns where the lines of alerts are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Alerts) -> Rect {
    let theme = scene.theme;
    let lines = alerts::lines(scene.state, scene.now);
    let at = alerts::selected(room, &lines);
    let chosen = at.and_then(|at| lines.get(at)).copied();
    let below = match (room.choosing, room.whole) {
        (Some(_), _) => u16::try_from(SPANS.len() + 3).unwrap_or(BELOW),
        (None, true) => area.height,
        (None, false) => BELOW.min(area.height / 2),
    };
    let [top, bottom] = Layout::vertical([Constraint::Min(0), Constraint::Length(below)]).areas(area);
    let loud = scene.state.alerts.loud(scene.now).len();
    let title = Line::from(vec![
        Span::styled(format!(" Alerts {} ", scene.state.alerts.open.len()), theme.head),
        Span::styled(format!("{loud} that nobody looks after "), if loud > 0 { theme.bad } else { theme.dim }),
    ]);
    let block = list::framed(scene, title, room.choosing.is_none());
    let inner = block.inner(top);
    if top.height > 0 {
        frame.render_widget(block, top);
    }
    if lines.is_empty() {
        let words = "Nothing fires, and nothing did. The rules are in conf/SEGMENT/alerts, who is told in conf/SEGMENT/receivers; \
            `pxelator alerts rules` shows those in force.";
        let words = Paragraph::new(words).style(theme.dim).wrap(Wrap { trim: true });
        frame.render_widget(words, inner.inner(Margin { horizontal: 1, vertical: 0 }));
        return inner;
    }
    let first = list::first(lines.len(), at.unwrap_or(0), usize::from(inner.height), room.offset);
    let names: Vec<String> = lines.iter().map(|(key, alert)| name(scene, key, alert)).collect();
    let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(20);
    for ((number, (key, alert)), y) in lines.iter().enumerate().skip(first).zip(inner.y..inner.bottom()) {
        let line = of_alert(scene, key, alert, &names[number], widest);
        let line = if Some(number) == at { line.style(theme.selected) } else { line };
        frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
    if let Some((key, alert)) = chosen {
        let (title, lines) = match room.choosing {
            Some(choice) => (" Not told ".to_owned(), choices(scene, choice, key)),
            None => (format!(" {} ", what(key)), whole(scene, key, alert)),
        };
        let block = list::framed(scene, Line::from(Span::styled(title, theme.head)), room.choosing.is_some());
        let inside = block.inner(bottom);
        frame.render_widget(block, bottom);
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inside);
    }
    inner
}

/// Of which machine, or of what.
fn name(scene: Scene<'_>, key: &AlertKey, alert: &Alert) -> String {
    let machine = key.segment.zip(key.mac).and_then(|(segment, mac)| scene.state.machine(segment, mac));
    machine
        .map(Machine::name)
        .or_else(|| alert.machine.map(|address| address.to_string()))
        .or_else(|| key.mac.map(|mac| mac.to_string()))
        .or_else(|| key.segment.map(|segment| segment.to_string()))
        .unwrap_or_else(|| "PXElator".to_owned())
}

/// `down`, `service tcp 22`.
fn what(key: &AlertKey) -> String {
    if key.subject.is_empty() { key.rule.clone() } else { format!("{} {}", key.rule, key.subject) }
}

/// How far it is: a mark, a word, and a style.
fn phase(scene: Scene<'_>, key: &AlertKey, alert: &Alert) -> (&'static str, &'static str, Style) {
    let (theme, marks) = (scene.theme, &scene.theme.marks);
    let silenced = scene.state.alerts.silence_of(key, scene.now).is_some();
    match alert.phase {
        Phase::Resolved => (marks.good, "over", theme.dim),
        Phase::Pending => (marks.idle, "pending", theme.notice),
        Phase::Firing if alert.acknowledged.is_some() => (marks.busy, "taken", theme.busy),
        Phase::Firing if silenced => (marks.idle, "silenced", theme.dim),
        Phase::Firing if alert.damped => (marks.bad, "flaps", theme.bad),
        Phase::Firing => (marks.bad, "fires", theme.bad),
    }
}

fn of_alert<'a>(scene: Scene<'_>, key: &AlertKey, alert: &Alert, name: &str, widest: usize) -> Line<'a> {
    let theme = scene.theme;
    let (mark, word, style) = phase(scene, key, alert);
    let since = words::span(alert.since, alert.resolved.unwrap_or(scene.now));
    let name: String = name.chars().take(widest).collect();
    Line::from(vec![
        Span::styled(format!("{mark} {word:<8} {since:>6} "), style),
        Span::styled(format!("{name:<widest$} "), theme.focus),
        Span::styled(format!("{}: ", what(key)), theme.severity(alert.severity)),
        Span::styled(alert.text.clone(), theme.text),
    ])
}

/// All that is known of it.
fn whole<'a>(scene: Scene<'_>, key: &AlertKey, alert: &Alert) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let clock = |time| scene.clock(time);
    let mut lines = vec![Line::styled(format!(" {}: {}", name(scene, key, alert), alert.text), theme.text)];
    let mut say = |head: &str, words: String, style: Style| {
        lines.push(Line::from(vec![Span::styled(format!(" {head:<10}"), theme.head), Span::styled(words, style)]));
    };
    let fired = alert.fired.map(|at| format!(", fired at {}", clock(at))).unwrap_or_default();
    let over = alert.resolved.map(|at| format!(", over at {}", clock(at))).unwrap_or_default();
    say("Since", format!("{}{fired}{over}; severity {}", clock(alert.since), alert.severity), theme.text);
    if alert.damped && alert.resolved.is_none() {
        say("Flaps", "it comes and goes; its end is told when it was quiet for ten minutes".to_owned(), theme.busy);
    }
    if let Some((by, at, note)) = &alert.acknowledged {
        let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        say("Taken", format!("by {by} at {}{note}", clock(*at)), theme.busy);
    }
    if let Some(silence) = scene.state.alerts.silence_of(key, scene.now) {
        say("Silenced", format!("by {} until {}", silence.by, clock(silence.until)), theme.busy);
    }
    for (word, told) in [("Told", &alert.told), ("Told over", &alert.told_over)] {
        for (receiver, came) in told {
            match came {
                Ok(at) => say(word, format!("{receiver} at {}", clock(*at)), theme.text),
                Err(error) => {
                    say(word, format!("{} not {receiver}: {error}", theme.marks.bad), theme.bad);
                }
            }
        }
    }
    if alert.told.is_empty() && alert.phase == Phase::Firing {
        say("Told", "nobody yet; who is told stands in conf/SEGMENT/receivers".to_owned(), theme.dim);
    }
    lines
}

/// For how long it is not told.
fn choices<'a>(scene: Scene<'_>, choice: usize, key: &AlertKey) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let again =
        if scene.state.alerts.silence_of(key, scene.now).is_some() { "tell it again" } else { "tell it as before" };
    let words = SPANS.iter().map(|(words, ..)| *words).chain([again]);
    words
        .enumerate()
        .map(|(number, words)| {
            let line = Line::styled(format!(" {}  {words}", number + 1), theme.text);
            if number == choice { line.style(theme.selected) } else { line }
        })
        .collect()
}

/// Those of a machine, on its page: what is open.
pub fn of_machine<'a>(scene: Scene<'_>, at: Ipv4Addr, machine: &Machine) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let its = scene.state.alerts.open.iter().filter(|(key, _)| key.segment == Some(at) && key.mac == Some(machine.mac));
    its.map(|(key, alert)| {
        let (mark, word, style) = phase(scene, key, alert);
        let since = words::span(alert.since, scene.now);
        Line::from(vec![
            Span::styled(" Alert  ", theme.head),
            Span::styled(format!("{mark} {word} since {since}: {}: {}", what(key), alert.text), style),
            Span::styled(format!("; {} has all", scene.key(Wish::Alerts)), theme.dim),
        ])
    })
    .collect()
}

/// What is open, as lines of words.
pub fn told(scene: Scene<'_>) -> Vec<String> {
    let lines = alerts::lines(scene.state, scene.now);
    let open: Vec<String> = lines
        .iter()
        .filter(|(_, alert)| alert.phase != Phase::Resolved)
        .map(|(key, alert)| {
            let (_, word, _) = phase(scene, key, alert);
            let since = words::span(alert.since, scene.now);
            format!(
                "{}, {word} since {since}, {}, {}: {}",
                name(scene, key, alert),
                alert.severity,
                what(key),
                alert.text
            )
        })
        .collect();
    if open.is_empty() { vec!["nothing fires".to_owned()] } else { open }
}

/// What the head says of them, where something fires.
pub fn head<'a>(scene: Scene<'_>) -> Option<Span<'a>> {
    let theme = scene.theme;
    let loud = scene.state.alerts.loud(scene.now).len();
    let word = if loud == 1 { "alert" } else { "alerts" };
    (loud > 0).then(|| {
        Span::styled(format!("{} {loud} {word}: {}  ", theme.marks.bad, scene.model.keys.of(Wish::Alerts)), theme.bad)
    })
}
