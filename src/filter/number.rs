//! Numbers of filters and of details, compared as they are, not as they are rounded.

use std::cmp::Ordering;

/// A number as JSON writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole one that fits.
    Int(i64),
    /// Any other.
    Real(f64),
}

impl Number {
    /// The number that `text` is, in JSON's spelling.
    pub fn parse(text: &str) -> Option<Number> {
        let value: serde_json::Number = serde_json::from_str(text).ok().filter(|_| text.trim() == text)?;
        Number::of(&value)
    }

    /// A number of JSON.
    pub fn of(value: &serde_json::Number) -> Option<Number> {
        value.as_i64().map(Number::Int).or_else(|| value.as_f64().filter(|real| real.is_finite()).map(Number::Real))
    }

    /// How it lies to another.
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            (Number::Real(a), Number::Real(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Number::Int(a), Number::Real(b)) => mixed(a, b),
            (Number::Real(a), Number::Int(b)) => mixed(b, a).reverse(),
        }
    }
}

/// 2^63: the first real number that is larger than every `i64`.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

fn mixed(whole: i64, real: f64) -> Ordering {
    if real >= BEYOND {
        return Ordering::Less;
    }
    if real < -BEYOND {
        return Ordering::Greater;
    }
    whole.cmp(&(real.trunc() as i64)).then(0.0_f64.partial_cmp(&real.fract()).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons() {
        for (a, b, expected) in [
            ("1", "1.0", Ordering::Equal),
            ("1", "1.5", Ordering::Less),
            ("-1", "-1.5", Ordering::Greater),
            ("0", "-0.0", Ordering::Equal),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("9223372036854775807", "18446744073709551615", Ordering::Less),
            ("-9223372036854775808", "-1e300", Ordering::Greater),
            ("1e3", "1000", Ordering::Equal),
        ] {
            let (a, b) = (Number::parse(a).unwrap(), Number::parse(b).unwrap());
            assert_eq!((a.compare(b), b.compare(a)), (expected, expected.reverse()), "{a:?} {b:?}");
        }
        for text in ["", "1e999", "0x1", "+1", "01", "1 ", "inf", "NaN", "\"1\""] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }
}
