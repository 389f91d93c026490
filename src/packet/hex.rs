//! A frame as bytes: offset, sixteen of them, and those that are printable.

use std::fmt::Write;

/// Bytes of a line.
const ROW: usize = 16;

/// The lines of a dump, as hexdump(1) has them.
pub fn dump(bytes: &[u8]) -> Vec<String> {
    bytes.chunks(ROW).enumerate().map(|(row, chunk)| line(row * ROW, chunk)).collect()
}

fn line(offset: usize, chunk: &[u8]) -> String {
    let mut line = format!("{offset:04x} ");
    for at in 0..ROW {
        let gap = if at == ROW / 2 { " " } else { "" };
        // Writing to a string cannot fail.
        let _ = match chunk.get(at) {
            Some(byte) => write!(line, "{gap} {byte:02x}"),
            None => write!(line, "{gap}   "),
        };
    }
    let shown = chunk.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' });
    line.push_str("  ");
    line.extend(shown);
    line
}
