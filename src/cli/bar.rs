//! How far a download is, as one line that fits the terminal. Pure.

use std::time::Duration;

/// Columns of the bar itself.
const BAR: usize = 20;
/// Seconds beyond which what is left is not said.
const LONGEST: f64 = 360_000.0;

/// `debian/linux  [==========          ]  50 %  4.1 of 8.2 MB, 2.0 MB/s, 2 s left`, cut to `width` columns: what matters
/// least goes first.
pub fn bar(file: &str, bytes: u64, size: Option<u64>, speed: Option<f64>, width: usize) -> String {
    let (whole, short) = (words(bytes, size, speed), words(bytes, size, None));
    let drawn = size.map_or(String::new(), |size| {
        let full = usize::from(percent(bytes, size)) * BAR / 100;
        format!("[{}{}]  ", "=".repeat(full), " ".repeat(BAR - full))
    });
    let lines =
        [format!("{file}  {drawn}{whole}"), format!("{file}  {whole}"), format!("{file}  {short}"), short.clone()];
    let fits = lines.into_iter().find(|line| line.chars().count() < width);
    fits.unwrap_or_else(|| short.chars().take(width.saturating_sub(1)).collect())
}

/// ` 50 %  4.1 MB of 8.2 MB, 2.0 MB/s, 2 s left`, as far as it is known.
pub fn words(bytes: u64, size: Option<u64>, speed: Option<f64>) -> String {
    let mut words = match size {
        Some(size) => format!("{:3} %  {} of {}", percent(bytes, size), amount(bytes), amount(size)),
        None => amount(bytes),
    };
    let Some(speed) = speed.filter(|speed| *speed >= 1.0) else { return words };
    words.push_str(&format!(", {}/s", amount(speed as u64)));
    let left = size.map(|size| size.saturating_sub(bytes) as f64 / speed);
    if let Some(left) = left.filter(|left| *left < LONGEST) {
        words.push_str(&format!(", {} left", span(Duration::from_secs_f64(left.ceil()))));
    }
    words
}

/// In whole per cent; 100 only where every byte is there.
fn percent(bytes: u64, size: u64) -> u8 {
    match size {
        0 => 100,
        size => u8::try_from(u128::from(bytes.min(size)) * 100 / u128::from(size)).unwrap_or(100),
    }
}

/// `512 bytes`, `4.1 MB`, as disks and servers count: by thousands.
pub fn amount(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None if bytes == 1 => "1 byte".to_owned(),
        None => format!("{bytes} bytes"),
    }
}

/// `40 s`, `2 min 5 s`, `1 h 2 min`.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        let line = |bytes, size, speed, width| bar("debian/linux", bytes, size, speed, width);
        for (bytes, size, speed, width, expected) in [
            (
                4_100_000,
                Some(8_200_000),
                Some(2_000_000.0),
                100,
                "debian/linux  [==========          ]   50 %  4.1 MB of 8.2 MB, 2.0 MB/s, 3 s left",
            ),
            (
                4_100_000,
                Some(8_200_000),
                Some(2_000_000.0),
                60,
                "debian/linux   50 %  4.1 MB of 8.2 MB, 2.0 MB/s, 3 s left",
            ),
            (4_100_000, Some(8_200_000), Some(2_000_000.0), 40, "debian/linux   50 %  4.1 MB of 8.2 MB"),
            (4_100_000, Some(8_200_000), None, 30, " 50 %  4.1 MB of 8.2 MB"),
            (4_100_000, Some(8_200_000), None, 10, " 50 %  4."),
            (0, Some(0), None, 80, "debian/linux  [====================]  100 %  0 bytes of 0 bytes"),
            (8_199_999, Some(8_200_000), None, 80, "debian/linux  [=================== ]   99 %  8.2 MB of 8.2 MB"),
            (1_500, None, Some(100.0), 80, "debian/linux  1.5 kB, 100 bytes/s"),
            (9, Some(5), None, 80, "debian/linux  [====================]  100 %  9 bytes of 5 bytes"),
        ] {
            assert_eq!(line(bytes, size, speed, width), expected);
        }
    }

    #[test]
    fn spans() {
        let words = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([words(40), words(125), words(3720)], ["40 s", "2 min 5 s", "1 h 2 min"]);
    }
}
