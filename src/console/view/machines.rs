//! The list of machines: those of conf, then those that were only seen.

use super::{
    Scene, Sight,
    list::{self, Lines},
    power as planned, switching,
    words::{self, Heard, Mood, span, standing},
};
use crate::{
    console::{keys::Wish, model::Pane, theme::Theme},
    state::Machine,
};
use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Cell, Row},
};

/// Lines that the pane needs to show every machine.
pub fn height(scene: Scene<'_>) -> u16 {
    u16::try_from(scene.model.machines(scene.state).len() + 3).unwrap_or(u16::MAX)
}

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, sight: &mut Sight) {
    let machines = scene.model.machines(scene.state);
    let longest = |words: &dyn Fn(&Machine) -> usize, least: usize, most: usize| {
        let longest = machines.iter().map(|(_, machine)| words(machine)).max().unwrap_or(0).clamp(least, most);
        Constraint::Length(u16::try_from(longest).unwrap_or(20))
    };
    let marks = scene.model.marked(scene.state);
    // All names move over, so that they stay below each other.
    let margin = if marks.is_empty() { 0 } else { 2 };
    let behind = |m: &Machine| if scene.model.has_terminal(m.address) { 2 } else { 0 };
    let names = longest(
        &|m| margin + name(m).chars().count() + behind(m),
        7 + margin,
        if area.width < 100 { 14 + margin } else { 24 + margin },
    );
    let address = longest(&|m| m.address.map_or(0, |a| a.to_string().len()), 10, 15);
    let mut columns = vec![("name", names), ("address", address)];
    if scene.model.fleet {
        columns.insert(0, ("server", Constraint::Length(15)));
    }
    // What does not fit is in the strip below and on the machine's page.
    let (with_mac, with_firmware) = (area.width >= 110, area.width >= 96);
    if with_mac {
        columns.push(("mac", Constraint::Length(17)));
    }
    if with_firmware {
        columns.push(("firmware", Constraint::Length(9)));
    }
    columns.extend([
        ("stage", Constraint::Length(13)),
        ("since", Constraint::Length(5)),
        ("power", Constraint::Length(8)),
    ]);
    let with_next = area.width >= 130 && planned::is_scheduled(scene);
    if with_next {
        columns.push(("next", Constraint::Length(15)));
    }
    columns.push(("last word", Constraint::Fill(1)));
    let lines = Lines {
        pane: Pane::Machines,
        columns: &columns,
        count: machines.len(),
        selected: scene.model.selected(scene.state, Pane::Machines),
        empty: match scene.model.places[Pane::Machines as usize].filter.is_empty() {
            true => format!(
                "No machine in conf, and none was seen yet. Power one on that boots from the network: it appears here, \
                 and {} adopts it.",
                scene.model.keys.of(Wish::Adopt)
            ),
            false => format!("No machine has these words; {} clears the filter.", scene.model.keys.of(Wish::Back)),
        },
    };
    list::draw(frame, area, scene, sight, &lines, |number| {
        let (server, machine) = machines[number];
        let standing = standing(machine);
        let mood = style(scene.theme, standing.mood);
        let since = standing.since.map(|since| span(since, scene.now)).unwrap_or_default();
        let mut named = Vec::new();
        if margin > 0 {
            let is_marked = marks.contains(&(server, machine.mac));
            let mark = if is_marked { scene.theme.marks.marked } else { " " };
            named.push(Span::styled(format!("{mark} "), scene.theme.focus));
        }
        named.push(Span::raw(name(machine)));
        if scene.model.has_terminal(machine.address) {
            named.push(Span::styled(format!(" {}", scene.theme.marks.terminal), scene.theme.notice));
        }
        let mut cells = vec![Cell::from(Line::from(named)), Cell::from(address_of(machine))];
        if scene.model.fleet {
            cells.insert(0, Cell::from(server.to_string()));
        }
        if with_mac {
            cells.push(Cell::from(machine.mac.to_string()));
        }
        if with_firmware {
            cells.push(Cell::from(machine.firmware.map(|f| f.to_string()).unwrap_or_default()));
        }
        cells.extend([
            Cell::from(Span::styled(format!("{} {}", scene.theme.marks.mood(standing.mood), standing.word), mood)),
            Cell::from(since),
            power(scene.theme, machine),
        ]);
        if with_next {
            cells.push(Cell::from(planned::next_word(scene, server, machine)));
        }
        cells.push(last_word(scene.theme, machine));
        Row::new(cells).style(if machine.in_conf { scene.theme.text } else { scene.theme.dim })
    });
}

fn name(machine: &Machine) -> String {
    machine.hostname.clone().unwrap_or_else(|| "(seen)".to_owned())
}

fn address_of(machine: &Machine) -> String {
    machine.address.map_or("-".to_owned(), |address| address.to_string())
}

/// The style of a mood.
pub fn style(theme: &Theme, mood: Mood) -> Style {
    match mood {
        Mood::Idle => theme.dim,
        Mood::Busy => theme.busy,
        Mood::Good => theme.good,
        Mood::Bad => theme.bad,
    }
}

fn power<'a>(theme: &Theme, machine: &Machine) -> Cell<'a> {
    let (word, mood) = switching::column(machine);
    Cell::from(Span::styled(word, style(theme, mood)))
}

/// The verdict where the boot stands still, else what was heard last.
fn last_word<'a>(theme: &Theme, machine: &Machine) -> Cell<'a> {
    let Some(heard) = words::heard(machine) else { return Cell::from("") };
    let style = match &heard {
        Heard::Asked(_) => theme.busy,
        Heard::Verdict(_) => theme.bad,
        Heard::Last(event) => theme.severity(event.severity()),
    };
    Cell::from(Span::styled(heard.to_string(), style))
}
