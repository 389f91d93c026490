//! What stands before the panes: the help, what is wrong, and questions.

use super::{Scene, list, packets, page, power, profiles, recipes, told, words};
use crate::console::{
    batch::name,
    marks::Who,
    model::{Adopting, Dialog},
    power::menu,
    recorded::recorded,
    rooms::{Room, terminals},
};
use crate::{event::Event, net::Mac, state::Machine};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Paragraph, Wrap},
};

/// Draws a dialog; returns how many lines it has and how many are seen.
pub fn draw(frame: &mut Frame<'_>, body: Rect, scene: Scene<'_>, dialog: &Dialog) -> (usize, usize) {
    let theme = scene.theme;
    let (title, lines) = match dialog {
        Dialog::Help => ("Keys that work here; any key closes this".to_owned(), help(scene)),
        Dialog::Troubles => ("What is wrong; any key closes this".to_owned(), wrong(scene)),
        Dialog::Event(event) => (format!("{}; any key closes this", event.kind()), whole(scene, event)),
        Dialog::Packet(kept) => ("Packet; any key closes this".to_owned(), packets::whole(scene, kept)),
        Dialog::Filter(_) | Dialog::Moment(..) | Dialog::Palette(_) => return (0, 0),
        Dialog::Told(list) => {
            let mut lines = told::list(scene, *list);
            if lines.is_empty() {
                lines.push(told::nothing(*list).to_owned());
            }
            let lines = lines.into_iter().map(|line| Line::styled(format!(" {line}"), theme.text));
            (format!("{}; any key closes this", told::title(*list)), lines.collect())
        }
        Dialog::Power { whom, choice } => {
            let items = menu(scene.state, scene.conf, whom, scene.now, scene.zone);
            let widest = items.iter().map(|item| item.words.chars().count()).max().unwrap_or(0);
            let lines = items.iter().enumerate().map(|(number, item)| {
                let style = if number == *choice { theme.selected } else { theme.text };
                Line::styled(format!(" {}  {:<widest$} ", item.key, item.words), style)
            });
            let lines = lines.chain([Line::default(), Line::styled(" enter does it, esc leaves", theme.dim)]);
            (format!("Power of {}", names_of(scene, whom)), lines.collect())
        }
        Dialog::Sure { whom, action } => {
            let mut lines = power::question(scene, whom, *action);
            lines.extend([Line::default(), Line::styled(" y does it, any other key leaves", theme.dim)]);
            (format!("Power {} of {}", action.name(), names_of(scene, whom)), lines)
        }
        Dialog::Trust { who, certificate } => {
            let lines = vec![
                Line::styled(format!(" Its {} shows this certificate (SHA-256):", certificate.method), theme.text),
                Line::styled(format!(" {}", certificate.fingerprint), theme.busy),
                Line::styled(
                    " Compare it with what the machine itself shows. From now on no other is trusted.",
                    theme.text,
                ),
                Line::default(),
                Line::styled(" y trusts it and writes it into conf, any other key leaves", theme.dim),
            ];
            (format!("Trust the certificate of {}?", name(scene.state, *who)), lines)
        }
        Dialog::Doctor { who, since } => {
            (format!("Doctor: what switches {}", name(scene.state, *who)), power::examination(scene, *who, *since))
        }
        Dialog::Quit { boots } => {
            let lines = vec![
                Line::styled(format!(" {}", words::quitting(*boots)), theme.busy),
                Line::default(),
                Line::styled(" y quits, any other key stays", theme.dim),
            ];
            ("Quit?".to_owned(), lines)
        }
        Dialog::Recorded { mac, choice } => {
            (format!("Packets of a boot of {}", name_of(scene, *mac)), boots(scene, *mac, *choice))
        }
        Dialog::Profile { who, choice } => {
            (format!("What is {} to boot?", name(scene.state, *who)), profiles::lines(scene, *who, *choice))
        }
        Dialog::Recipe { whom, recipe } => {
            (format!("Apply {recipe} to {}?", names_of(scene, whom)), recipes::question(scene, whom, recipe))
        }
        Dialog::Adopt(adopting) => (format!("Adopt {}", adopting.mac), adopt(scene, adopting)),
    };
    let widest = lines.iter().map(Line::width).max().unwrap_or(0).max(title.len() + 2);
    let width = u16::try_from(widest + 3).unwrap_or(u16::MAX).min(body.width);
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    let needed = u16::try_from(text.line_count(width.saturating_sub(2))).unwrap_or(u16::MAX);
    let height = needed.saturating_add(2).min(body.height);
    let area = Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height };
    frame.render_widget(Clear, area);
    let title = Line::from(Span::styled(format!(" {title} "), theme.head));
    let seen = usize::from(height.saturating_sub(2));
    let most = usize::from(needed).saturating_sub(seen);
    let text = text.scroll((u16::try_from(scene.model.scrolled.min(most)).unwrap_or(0), 0));
    let more = if most > 0 { " arrows show more " } else { "" };
    let block = list::framed(scene, title, true).title_bottom(Span::styled(more, theme.dim));
    frame.render_widget(text.style(theme.text).block(block), area);
    (usize::from(needed), seen)
}

fn name_of(scene: Scene<'_>, mac: Mac) -> String {
    let machine = scene.model.segment(scene.state).and_then(|(_, segment)| segment.machines.get(&mac));
    machine.map_or_else(|| mac.to_string(), Machine::name)
}

fn names_of(scene: Scene<'_>, whom: &[Who]) -> String {
    match whom {
        [who] => name(scene.state, *who),
        whom => format!("{} machines", whom.len()),
    }
}

/// The recorded boots of a machine, one a line.
fn boots<'a>(scene: Scene<'_>, mac: Mac, choice: usize) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let machine = scene.model.segment(scene.state).and_then(|(_, segment)| segment.machines.get(&mac));
    let all = machine.map(recorded).unwrap_or_default();
    let choice = choice.min(all.len().saturating_sub(1));
    let lines = all.into_iter().enumerate().map(|(number, (boot, _))| {
        let style = if number == choice { theme.selected } else { theme.text };
        Line::styled(format!(" {}  {}{} ", scene.clock(boot.began), words::ended(boot), page::kept(boot)), style)
    });
    lines.chain([Line::default(), Line::styled(" enter opens them, esc leaves", theme.dim)]).collect()
}

/// Two columns where the lines would not fit one below the other.
fn help<'a>(scene: Scene<'_>) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let unicode = theme.marks.unicode;
    let keys = match &scene.model.room {
        Some(Room::Terminals(room)) => terminals::help(room, unicode),
        _ => scene.model.keys.help(scene.model, unicode),
    };
    let half = keys.len().div_ceil(2);
    let cell = |(key, words): &(String, &str)| {
        [Span::styled(format!(" {key:<10}"), theme.focus), Span::styled(format!("{words:<26}"), theme.text)]
    };
    (0..half)
        .map(|row| {
            let mut spans = cell(&keys[row]).to_vec();
            spans.extend(keys.get(row + half).map(cell).into_iter().flatten());
            Line::from(spans)
        })
        .collect()
}

fn wrong<'a>(scene: Scene<'_>) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let troubles = scene.troubles();
    if troubles.is_empty() {
        return vec![Line::styled(" Nothing is wrong.", theme.good)];
    }
    let lines = troubles.into_iter().flat_map(|trouble| {
        [
            Line::styled(format!("{} {}", theme.marks.bad, trouble.what), theme.bad),
            Line::styled(format!("  {}", trouble.next_step), theme.text),
        ]
    });
    lines.collect()
}

fn whole<'a>(scene: Scene<'_>, event: &Event) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let who = event.machine.map(|a| a.to_string()).into_iter().chain(event.mac.map(|m| m.to_string()));
    let mut lines = vec![
        Line::styled(format!(" {} {} {}", event.time, event.severity(), who.collect::<Vec<_>>().join(" ")), theme.dim),
        Line::styled(format!(" {}", event.fact), theme.severity(event.severity())),
        Line::default(),
    ];
    let details = serde_json::to_value(event).ok().and_then(|mut json| json.get_mut("details").map(|d| d.take()));
    let details = details.as_ref().and_then(|details| details.as_object());
    lines.extend(details.into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        Line::from(vec![Span::styled(format!(" {name:<12} "), theme.dim), Span::styled(value, theme.text)])
    }));
    lines
}

fn adopt<'a>(scene: Scene<'_>, adopting: &Adopting) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let field = |number: usize, name: &str, value: &str| {
        let here = adopting.field == number;
        let cursor = if here { theme.marks.cursor } else { " " };
        let style = if here { theme.focus } else { theme.text };
        Line::from(vec![
            Span::styled(format!(" {name:<10}"), theme.dim),
            Span::styled(format!("{value}{cursor}"), style),
        ])
    };
    let mut lines = vec![field(0, "address", &adopting.address), field(1, "name", &adopting.hostname), Line::default()];
    if let Some(error) = &adopting.error {
        lines.push(Line::styled(format!(" {error}"), theme.bad));
    }
    lines.push(Line::styled(" enter writes it into conf, tab changes the field, esc leaves", theme.dim));
    lines
}
