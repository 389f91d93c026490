//! What a terminal sends for the mouse, in the mode and encoding that the program asked for. Pure.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use vt100::{MouseProtocolEncoding as Encoding, MouseProtocolMode as Mode};

/// The bytes for what the mouse did at `event`'s column and row, counted from the terminal's upper left corner.
/// None where the program did not ask for it, or its encoding has no number for that place.
pub fn encode(event: MouseEvent, mode: Mode, encoding: Encoding) -> Option<Vec<u8>> {
    let button = |button: MouseButton| match button {
        MouseButton::Left => 0_u16,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    };
    let (mut code, pressed, moved) = match event.kind {
        MouseEventKind::Down(which) => (button(which), true, false),
        MouseEventKind::Up(which) => (button(which), false, false),
        MouseEventKind::Drag(which) => (button(which) + 32, true, true),
        MouseEventKind::Moved => (3 + 32, true, true),
        MouseEventKind::ScrollUp => (64, true, false),
        MouseEventKind::ScrollDown => (65, true, false),
        MouseEventKind::ScrollLeft => (66, true, false),
        MouseEventKind::ScrollRight => (67, true, false),
    };
    let wanted = match mode {
        Mode::None => false,
        Mode::Press => pressed && !moved,
        Mode::PressRelease => !moved,
        Mode::ButtonMotion => event.kind != MouseEventKind::Moved,
        Mode::AnyMotion => true,
    };
    if !wanted {
        return None;
    }
    if encoding != Encoding::Sgr && !pressed {
        // Which button it was is not told.
        code = 3;
    }
    if mode != Mode::Press {
        for (held, bit) in [(KeyModifiers::SHIFT, 4), (KeyModifiers::ALT, 8), (KeyModifiers::CONTROL, 16)] {
            code += if event.modifiers.contains(held) { bit } else { 0 };
        }
    }
    let (column, row) = (event.column.checked_add(1)?, event.row.checked_add(1)?);
    match encoding {
        Encoding::Sgr => {
            let last = if pressed { 'M' } else { 'm' };
            Some(format!("\x1b[<{code};{column};{row}{last}").into_bytes())
        }
        Encoding::Default => {
            let byte = |number: u16| u8::try_from(number.checked_add(32)?).ok();
            Some(vec![0x1b, b'[', b'M', byte(code)?, byte(column)?, byte(row)?])
        }
        Encoding::Utf8 => {
            let mut text = "\x1b[M".to_owned();
            for number in [code, column, row] {
                // Two bytes of UTF-8 at most.
                let number = number.checked_add(32).filter(|number| *number < 0x800)?;
                text.push(char::from_u32(u32::from(number))?);
            }
            Some(text.into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_mouse_did_is_told_as_it_was_asked_for() {
        let (left, right) = (MouseButton::Left, MouseButton::Right);
        let (down, up, drag) = (MouseEventKind::Down, MouseEventKind::Up, MouseEventKind::Drag);
        let (none, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        for (kind, column, held, mode, encoding, expected) in [
            (down(left), 0, none, Mode::None, Encoding::Sgr, None),
            (down(left), 0, none, Mode::PressRelease, Encoding::Sgr, Some("\x1b[<0;1;5M")),
            (up(left), 9, none, Mode::PressRelease, Encoding::Sgr, Some("\x1b[<0;10;5m")),
            (up(right), 9, none, Mode::PressRelease, Encoding::Default, Some("\x1b[M#*%")),
            (up(left), 9, none, Mode::Press, Encoding::Sgr, None),
            (down(right), 9, control, Mode::Press, Encoding::Default, Some("\x1b[M\"*%")),
            (down(right), 9, control, Mode::PressRelease, Encoding::Default, Some("\x1b[M2*%")),
            (drag(left), 9, none, Mode::PressRelease, Encoding::Sgr, None),
            (drag(left), 9, none, Mode::ButtonMotion, Encoding::Sgr, Some("\x1b[<32;10;5M")),
            (MouseEventKind::Moved, 9, none, Mode::ButtonMotion, Encoding::Sgr, None),
            (MouseEventKind::Moved, 9, none, Mode::AnyMotion, Encoding::Sgr, Some("\x1b[<35;10;5M")),
            (MouseEventKind::ScrollUp, 9, none, Mode::PressRelease, Encoding::Sgr, Some("\x1b[<64;10;5M")),
            (MouseEventKind::ScrollDown, 9, none, Mode::Press, Encoding::Default, Some("\x1b[Ma*%")),
            (down(left), 223, none, Mode::PressRelease, Encoding::Default, None),
            (down(left), 223, none, Mode::PressRelease, Encoding::Utf8, Some("\x1b[M \u{100}%")),
            (down(left), 300, none, Mode::PressRelease, Encoding::Sgr, Some("\x1b[<0;301;5M")),
        ] {
            let event = MouseEvent { kind, column, row: 4, modifiers: held };
            let sent = encode(event, mode, encoding).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(sent.as_deref(), expected, "{kind:?} at {column}, {mode:?} {encoding:?}");
        }
    }
}
