//! The background that a terminal has: the same each time, unlike that of its neighbours, and readable. Pure.

use crate::event::Service;
use std::net::Ipv4Addr;

/// Red, green and blue.
pub type Rgb = (u8, u8, u8);

/// What WCAG 2.1 (1.4.3) wants between text and its background.
pub const CONTRAST: f64 = 4.5;
/// What is tried where the theme's text cannot be read on a background.
const BRIGHT: Rgb = (0xe8, 0xe8, 0xe8);
const DARK: Rgb = (0x1a, 0x1a, 0x1a);
/// As in themes/dark.toml: by hue, so that a step through them is a step around the circle.
const BUILT_IN: [Rgb; 12] = [
    (0x3d, 0x10, 0x10),
    (0x3a, 0x21, 0x0a),
    (0x33, 0x2e, 0x08),
    (0x22, 0x33, 0x0a),
    (0x0d, 0x33, 0x0d),
    (0x0a, 0x33, 0x22),
    (0x08, 0x30, 0x33),
    (0x0c, 0x24, 0x42),
    (0x14, 0x14, 0x4d),
    (0x29, 0x12, 0x4a),
    (0x3b, 0x0f, 0x40),
    (0x40, 0x0f, 0x2a),
];

/// The colours of a theme's terminals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Backgrounds, by hue; never empty.
    backgrounds: Vec<Rgb>,
    /// The theme's text, where it says one.
    text: Option<Rgb>,
}

impl Default for Palette {
    fn default() -> Palette {
        Palette { backgrounds: BUILT_IN.to_vec(), text: None }
    }
}

impl Palette {
    /// A theme's own backgrounds and text; the built-in ones where it has none.
    pub fn new(backgrounds: Vec<Rgb>, text: Option<Rgb>) -> Palette {
        let backgrounds = if backgrounds.is_empty() { BUILT_IN.to_vec() } else { backgrounds };
        Palette { backgrounds, text }
    }

    /// A machine's, by its address.
    pub fn of_machine(&self, address: Ipv4Addr) -> Rgb {
        self.nth(u64::from(address.to_bits()))
    }

    /// A service's.
    pub fn of_service(&self, service: Service) -> Rgb {
        let number = Service::ALL.iter().position(|known| *known == service).unwrap_or_default();
        self.nth(number as u64)
    }

    /// Neighbouring numbers are far apart around the circle, and all colours come before one comes again.
    fn nth(&self, number: u64) -> Rgb {
        let count = self.backgrounds.len() as u64;
        let at = number % count * step(count) % count;
        self.backgrounds.get(at as usize).copied().unwrap_or(DARK)
    }

    /// The text on such a background: the theme's, where it can be read.
    pub fn text_on(&self, background: Rgb) -> Rgb {
        let readable = self.text.filter(|text| contrast(*text, background) >= CONTRAST);
        readable.unwrap_or_else(|| {
            let of = |text| contrast(text, background);
            let soft = if of(BRIGHT) > of(DARK) { BRIGHT } else { DARK };
            match (of(soft) >= CONTRAST, of((255, 255, 255)) > of((0, 0, 0))) {
                (true, _) => soft,
                (false, true) => (255, 255, 255),
                (false, false) => (0, 0, 0),
            }
        })
    }
}

/// The step next to the golden section that reaches all of `count`.
fn step(count: u64) -> u64 {
    let golden = (count as f64 * 0.618).round() as u64;
    let fits = |step: &u64| *step > 0 && divisor(*step, count) == 1;
    (0..count).flat_map(|away| [golden.saturating_sub(away), golden + away]).find(fits).unwrap_or(1)
}

fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// The contrast ratio of WCAG 2.1: 1 to 21.
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((red, green, blue): Rgb) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// `#rrggbb`.
pub fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The colour that `#rrggbb` is.
pub fn parse(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Degrees around the circle of hues.
    fn hue((red, green, blue): Rgb) -> f64 {
        let (r, g, b) = (f64::from(red), f64::from(green), f64::from(blue));
        let (max, min) = (r.max(g).max(b), r.min(g).min(b));
        let turn = if max == r {
            (g - b) / (max - min)
        } else if max == g {
            2.0 + (b - r) / (max - min)
        } else {
            4.0 + (r - g) / (max - min)
        };
        (turn * 60.0).rem_euclid(360.0)
    }

    fn apart(a: Rgb, b: Rgb) -> f64 {
        let far = (hue(a) - hue(b)).abs();
        far.min(360.0 - far)
    }

    /// The palettes of the themes that come with the program.
    fn shipped() -> Vec<Palette> {
        let themes = [include_str!("../../themes/dark.toml"), include_str!("../../themes/light.toml")];
        let of = |text: &str| {
            let table: toml::Table = text.parse().unwrap();
            let colours = table["terminals"].as_array().unwrap();
            Palette::new(colours.iter().map(|value| parse(value.as_str().unwrap()).unwrap()).collect(), None)
        };
        themes.into_iter().map(of).chain([Palette::default()]).collect()
    }

    #[test]
    fn what_is_built_in_is_the_dark_theme() {
        assert_eq!(shipped()[0], Palette::default());
    }

    #[test]
    fn neighbours_differ_and_services_have_a_colour_each() {
        for palette in shipped() {
            for bits in 0x0a4d_0001_u32..0x0a4d_01ff {
                let of = |bits: u32| palette.of_machine(Ipv4Addr::from_bits(bits));
                assert!(apart(of(bits), of(bits + 1)) >= 90.0, "{bits:x}: {:?} {:?}", of(bits), of(bits + 1));
                assert!(apart(of(bits), of(bits + 2)) >= 30.0, "{bits:x}: {:?} {:?}", of(bits), of(bits + 2));
            }
            let services: BTreeSet<Rgb> = Service::ALL.iter().map(|service| palette.of_service(*service)).collect();
            assert_eq!(services.len(), Service::ALL.len().min(palette.backgrounds.len()));
        }
    }

    #[test]
    fn it_is_the_same_each_time() {
        let of = |address: &str| hex(Palette::default().of_machine(address.parse().unwrap()));
        assert_eq!((of("10.77.0.60"), of("10.77.0.61")), (of("10.77.0.60"), of("10.77.0.61")));
        assert_eq!((of("10.77.0.60").as_str(), of("10.77.0.61").as_str()), ("#3d1010", "#0c2442"));
    }

    #[test]
    fn contrasts_of_wcag() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.01);
        assert!((contrast((0x77, 0x77, 0x77), (255, 255, 255)) - 4.48).abs() < 0.01);
        assert_eq!(parse("#3d1010"), Some((0x3d, 0x10, 0x10)));
        for wrong in ["3d1010", "#3d10", "#3d10zz", "red", "#ä1010"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_themes_text_where_it_can_be_read() {
        let palette = Palette::new(Vec::new(), Some((0x9f, 0xd3, 0xff)));
        let background = palette.of_service(Service::Dhcp);
        assert_eq!(palette.text_on(background), (0x9f, 0xd3, 0xff));
        assert_eq!(palette.text_on((0x9f, 0xd3, 0xff)), DARK);
    }

    proptest! {
        #[test]
        fn text_can_be_read_on_any_background(background: Rgb, text: Option<Rgb>) {
            let palette = Palette::new(vec![background], text);
            prop_assert!(contrast(palette.text_on(background), background) >= CONTRAST);
        }

        #[test]
        fn every_colour_of_a_theme_is_used(count in 1_usize..40, first: u32) {
            let colours: Vec<Rgb> = (0..count).map(|number| (number as u8, 0, 0)).collect();
            let palette = Palette::new(colours, None);
            let first = u64::from(first);
            let used: BTreeSet<Rgb> = (first..first + count as u64).map(|number| palette.nth(number)).collect();
            prop_assert_eq!(used.len(), count);
        }
    }
}
