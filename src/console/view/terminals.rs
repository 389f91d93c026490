//! A terminal inside the console as its program draws it, what was there before, and the list of all terminals.

use super::{Scene, Sight, list, machines, words};
use crate::{
    console::{
        model::{Depth, Pane},
        rooms::terminals::{LIST, LOOKING, Listed, Looking, PREFIXED, Seen, Terminals, spelled},
    },
    desk::{
        Plan,
        inside::{
            Id,
            picture::{Look, Row, Spot, width},
        },
    },
};
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Constraint, Layout, Position, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Row as TableRow, Table, Wrap},
};
use tui_term::widget::{Cursor, PseudoTerminal};
use vt100::MouseProtocolMode;

/// Draws the room; returns where its lines are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, sight: &mut Sight, room: &Terminals) -> Rect {
    sight.seen = Seen::default();
    let Some(id) = room.shown else { return all(frame, area, scene, room) };
    let area = if room.half && area.height >= 14 {
        let wanted = machines::height(scene).clamp(4, area.height / 3);
        let [above, below] = Layout::vertical([Constraint::Length(wanted), Constraint::Min(6)]).areas(area);
        super::pane(frame, above, scene, sight, Pane::Machines);
        below
    } else {
        area
    };
    let [title, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
    headline(frame, title, scene, room, id);
    one(frame, body, scene, sight, room, id);
    body
}

/// Rows and columns of a terminal in a room of this area, below its headline.
pub fn size(area: Rect) -> (u16, u16) {
    (area.height.saturating_sub(1), area.width)
}

/// Its machine, and how it is.
fn headline(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Terminals, id: Id) {
    let Scene { model, theme, desk, .. } = scene;
    let Some(terminal) = desk.terminals().get(id) else { return };
    let open = model.terminals.iter().filter(|listed| listed.id.is_some());
    let (count, at) = (open.clone().count(), open.clone().position(|listed| listed.id == Some(id)).unwrap_or(0));
    let plan = match model.depth {
        Depth::Indexed => Plan { background: vivid(terminal.plan.background), ..terminal.plan.clone() },
        _ => terminal.plan.clone(),
    };
    let style = match colours(model.depth, &plan) {
        Some(colours) => colours.add_modifier(Modifier::BOLD),
        None => Style::new().add_modifier(Modifier::REVERSED),
    };
    let mut words = format!(" {}", terminal.plan.title);
    if let Some(title) = terminal.look(|emulator| emulator.replies().title.clone()) {
        words.push_str(&format!("  {title}"));
    }
    let state = match terminal.ended() {
        Some(how) => format!("{} {how} ", theme.marks.bad),
        None if room.looking.is_some() => "looking back ".to_owned(),
        None => format!("since {} ", scene.clock(terminal.since)),
    };
    let rings = open.filter(|listed| listed.bell && listed.id != Some(id)).count();
    let bell = if rings > 0 { format!("{rings} rang  ") } else { String::new() };
    let end = Line::styled(format!(" {bell}{state} {}/{count} ", at + 1), style);
    let width = u16::try_from(end.width()).unwrap_or(0).min(area.width);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
    frame.render_widget(Paragraph::new(words).style(style), left);
    frame.render_widget(end, right);
}

fn one(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, sight: &mut Sight, room: &Terminals, id: Id) {
    let Scene { model, theme, desk, .. } = scene;
    let Some(terminal) = desk.terminals().get(id) else {
        frame.render_widget(Paragraph::new(" It is closed; ctrl-] l lists the others.").style(theme.dim), area);
        return;
    };
    sight.seen = Seen { area, mouse: false, lines: 0 };
    let paper = colours(model.depth, &terminal.plan).unwrap_or_default();
    frame.buffer_mut().set_style(area, paper);
    let still = room.looking.zip(terminal.still());
    match still {
        Some((looking, rows)) => {
            sight.seen.lines = rows.len();
            let spot = past(frame.buffer_mut(), area, scene, &rows, looking);
            frame.set_cursor_position(spot);
        }
        None => {
            let cursor = terminal.look(|emulator| {
                emulator.replies().bell = false;
                let screen = emulator.screen();
                sight.seen.mouse = screen.mouse_protocol_mode() != MouseProtocolMode::None;
                let hidden = Cursor::default().visibility(false);
                frame.render_widget(PseudoTerminal::new(screen).cursor(hidden).style(paper), area);
                (!screen.hide_cursor()).then(|| screen.cursor_position())
            });
            let at = cursor.map(|(row, column)| Position::new(area.x + column.min(area.width - 1), area.y + row));
            if let Some(at) = at.filter(|at| area.contains(*at) && terminal.ended().is_none() && !room.prefix) {
                frame.set_cursor_position(at);
            }
        }
    }
    for at in area.positions() {
        fit(&mut frame.buffer_mut()[at], model.depth, paper, theme.marks.unicode);
    }
}

/// Lines that stand still, and what of them is marked; returns where the cursor is.
fn past(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, rows: &[std::sync::Arc<Row>], looking: Looking) -> Position {
    let height = usize::from(area.height);
    let bottom = looking.bottom.min(rows.len().saturating_sub(height));
    let last = rows.len().saturating_sub(bottom);
    let first = last.saturating_sub(height);
    let spot = Spot { up: looking.spot.up.min(rows.len().saturating_sub(1)), ..looking.spot };
    let line = |spot: Spot| rows.len().saturating_sub(1).saturating_sub(spot.up);
    let mark = looking.mark.map(|mark| ((line(mark), mark.column), (line(spot), spot.column)));
    let mark = mark.map(|(one, other)| (one.min(other), one.max(other)));
    for (y, number) in (area.y..).zip(first..last) {
        let mut column = 0;
        for (text, look) in &rows[number].runs {
            for c in text.chars() {
                let wide = width(c);
                if column + wide > usize::from(area.width) {
                    break;
                }
                let x = area.x + u16::try_from(column).unwrap_or(0);
                if wide > 0 {
                    buffer[(x, y)].set_char(c).set_style(styled(look));
                }
                column += wide;
            }
        }
        for column in 0..area.width {
            let here = (number, usize::from(column));
            if mark.is_some_and(|(from, to)| (from..=to).contains(&here)) {
                buffer[(area.x + column, y)].modifier.toggle(Modifier::REVERSED);
            }
        }
    }
    let back = format!(" {} of {} ", rows.len() - last.min(rows.len()), rows.len().saturating_sub(height));
    let x = area.right().saturating_sub(u16::try_from(back.len()).unwrap_or(0));
    buffer.set_string(x.max(area.x), area.y, back, scene.theme.selected);
    let row = line(spot).saturating_sub(first).min(height.saturating_sub(1));
    let column = spot.column.min(usize::from(area.width.saturating_sub(1)));
    Position::new(area.x + u16::try_from(column).unwrap_or(0), area.y + u16::try_from(row).unwrap_or(0))
}

fn styled(look: &Look) -> Style {
    let mut style = Style::new().fg(colour(look.foreground)).bg(colour(look.background));
    for (set, modifier) in [
        (look.bold, Modifier::BOLD),
        (look.dim, Modifier::DIM),
        (look.italic, Modifier::ITALIC),
        (look.underlined, Modifier::UNDERLINED),
        (look.reversed, Modifier::REVERSED),
    ] {
        style = if set { style.add_modifier(modifier) } else { style };
    }
    style
}

fn colour(colour: vt100::Color) -> Color {
    match colour {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(number) => Color::Indexed(number),
        vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}

/// The plan's colours: what stands on its background can be read.
fn colours(depth: Depth, plan: &Plan) -> Option<Style> {
    let of = |(red, green, blue)| match depth {
        Depth::None => None,
        Depth::Indexed => Some(nearest(red, green, blue)),
        Depth::True => Some(Color::Rgb(red, green, blue)),
    };
    Some(Style::new().bg(of(plan.background)?).fg(of(plan.foreground)?))
}

/// A dark colour made brighter: of the 256 the darkest are all greys, which tell no machine from another.
fn vivid((red, green, blue): (u8, u8, u8)) -> (u8, u8, u8) {
    const BRIGHT: u16 = 135;
    let most = u16::from(red.max(green).max(blue)).max(1);
    let scale = |part: u8| u8::try_from(u16::from(part) * BRIGHT / most).unwrap_or(u8::MAX);
    if most < BRIGHT { (scale(red), scale(green), scale(blue)) } else { (red, green, blue) }
}

/// What the operator's own terminal can show of a cell.
fn fit(cell: &mut ratatui::buffer::Cell, depth: Depth, paper: Style, unicode: bool) {
    let shown = |colour: Color, default: Option<Color>| match (depth, colour) {
        (Depth::None, _) => Color::Reset,
        (_, Color::Reset) => default.unwrap_or(Color::Reset),
        (Depth::Indexed, Color::Rgb(red, green, blue)) => nearest(red, green, blue),
        (_, colour) => colour,
    };
    (cell.fg, cell.bg) = (shown(cell.fg, paper.fg), shown(cell.bg, paper.bg));
    if !unicode && !cell.symbol().is_ascii() {
        let plain = match cell.symbol() {
            "─" | "━" | "═" | "╌" | "┄" => "-",
            "│" | "┃" | "║" | "▏" | "▕" => "|",
            "█" | "▓" | "▒" | "░" | "▄" | "▀" | "■" => "#",
            "•" | "●" | "·" | "…" => ".",
            symbol if symbol.starts_with(|c| ('\u{2500}'..'\u{2580}').contains(&c)) => "+",
            _ => "?",
        };
        cell.set_symbol(plain);
    }
}

/// The colour of the 256 that is nearest: of the cube or of the greys.
fn nearest(red: u8, green: u8, blue: u8) -> Color {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |part: u8| (0_u8..6).min_by_key(|number| STEPS[usize::from(*number)].abs_diff(part)).unwrap_or(0);
    let far = |(r, g, b): (u8, u8, u8)| {
        [(r, red), (g, green), (b, blue)].iter().map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum::<u32>()
    };
    let (r, g, b) = (step(red), step(green), step(blue));
    let cube = (STEPS[usize::from(r)], STEPS[usize::from(g)], STEPS[usize::from(b)]);
    let grey = (0_u8..24).min_by_key(|number| far((8 + 10 * number, 8 + 10 * number, 8 + 10 * number))).unwrap_or(0);
    let level = 8 + 10 * grey;
    match far((level, level, level)) < far(cube) {
        true => Color::Indexed(232 + grey),
        false => Color::Indexed(16 + 36 * r + 6 * g + b),
    }
}

fn all(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Terminals) -> Rect {
    let Scene { model, theme, .. } = scene;
    let title = Line::styled(format!(" Terminals {} ", model.terminals.len()), theme.head);
    let block = list::framed(scene, title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if model.terminals.is_empty() {
        let words = " No terminal is open, and no session runs. t on a machine opens one.";
        frame.render_widget(Paragraph::new(words).style(theme.dim).wrap(Wrap { trim: false }), inner);
        return Rect::default();
    }
    let height = usize::from(inner.height.saturating_sub(1)).max(1);
    let choice = room.choice.min(model.terminals.len() - 1);
    let first = room.first(height, model.terminals.len());
    let rows = model.terminals.iter().enumerate().skip(first).take(height).map(|(number, listed)| {
        let since = listed.since.map(|since| words::span(since, scene.now)).unwrap_or_default();
        let style = if number == choice { theme.selected } else { theme.text };
        TableRow::new([listed.title.clone(), how(listed), since, listed.session.clone()]).style(style)
    });
    let widths = [Constraint::Fill(3), Constraint::Fill(3), Constraint::Length(6), Constraint::Fill(2)];
    let head = TableRow::new(["terminal", "state", "since", "session"]).style(theme.dim);
    frame.render_widget(Table::new(rows, widths).header(head).column_spacing(1), inner);
    Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner }
}

fn how(listed: &Listed) -> String {
    match (listed.id, &listed.ended) {
        (_, Some(how)) => how.clone(),
        (Some(_), None) if listed.bell => "open, it rang".to_owned(),
        (Some(_), None) => "open".to_owned(),
        (None, None) if listed.attached => "runs, shown elsewhere".to_owned(),
        (None, None) => "runs, not shown".to_owned(),
    }
}

/// The last line: what can be typed now.
pub fn hints<'a>(scene: Scene<'_>, room: &Terminals, room_for: usize) -> Line<'a> {
    let theme = scene.theme;
    let name = match room.shown {
        Some(id) => scene.desk.terminals().get(id).map(|terminal| terminal.plan.title.clone()),
        None => scene.model.terminals.get(room.choice).map(|listed| listed.title.clone()),
    };
    if room.question {
        let words = format!(" End the session of {}, and all that runs in it? y ends it", name.unwrap_or_default());
        return Line::styled(words, theme.busy);
    }
    let ended = |id: Id| scene.desk.terminals().get(id).is_some_and(|terminal| terminal.ended().is_some());
    let keys: Vec<(&'static str, &'static str)> = match room.shown {
        None => LIST.iter().map(|(key, word, _)| (*key, *word)).collect(),
        Some(_) if room.prefix => PREFIXED.iter().map(|(key, word, _)| (*key, *word)).collect(),
        Some(_) if room.looking.is_some() => LOOKING.iter().map(|(key, word, _)| (*key, *word)).collect(),
        Some(id) if ended(id) => vec![("enter", "open once more"), ("esc", "close"), ("^] l", "list")],
        Some(_) => vec![("^] esc", "console"), ("^] l", "list"), ("^] [", "look back"), ("^] ?", "help")],
    };
    let mut spans = vec![Span::styled(if room.prefix { " ctrl-] " } else { " " }, theme.focus)];
    let mut left = room_for.saturating_sub(spans[0].width());
    for (key, word) in keys {
        let key = spelled(key, theme.marks.unicode);
        let needed = key.chars().count() + word.len() + 2;
        if needed > left {
            break;
        }
        left = left.saturating_sub(needed + 1);
        spans.extend([Span::styled(key.to_owned(), theme.focus), Span::styled(format!(" {word}  "), theme.dim)]);
    }
    Line::from(spans)
}
