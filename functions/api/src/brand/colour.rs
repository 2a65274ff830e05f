//! Colours, and whether people can tell them apart.

use std::fmt;
use std::str::FromStr;

/// What the page's text stands on where it is light, and the darkest such ground.
pub(crate) const LIGHT_GROUND: Colour = Colour([0xf1, 0xf4, 0xf8]);
/// What it stands on where it is dark, and the lightest such ground.
pub(crate) const DARK_GROUND: Colour = Colour([0x1f, 0x26, 0x30]);

/// The contrast that text needs, with something to spare. Source: WCAG 2.2, success criterion 1.4.3,
/// asks for 4.5.
const READABLE: f64 = 4.8;

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

impl Colour {
    const BLACK: Self = Self([0; 3]);
    const WHITE: Self = Self([0xff; 3]);

    /// How light it looks, from 0 to 1. Source: WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// How well it can be told from another, from 1 to 21. Source: WCAG 2.2, "contrast ratio".
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// What can be read on it: black or white, of which one always can.
    pub fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// The colour closest to it that can be read on this ground: itself, or with as much black or
    /// white in it as that takes.
    pub fn readable_on(self, ground: Self) -> Self {
        let towards = ground.ink();
        let steps = (0..=50_u16).map(|step| self.mixed(towards, step));
        let readable = steps.into_iter().find(|colour| colour.contrast(ground) >= READABLE);
        readable.unwrap_or(towards)
    }

    /// The same with so many fiftieths of another in it.
    fn mixed(self, other: Self, fiftieths: u16) -> Self {
        let mix = |own: u8, its: u8| (u16::from(own) * (50 - fiftieths) + u16::from(its) * fiftieths) / 50;
        let Self([red, green, blue]) = other;
        let [own_red, own_green, own_blue] = self.0;
        let mixed = [mix(own_red, red), mix(own_green, green), mix(own_blue, blue)];
        Self(mixed.map(|channel| u8::try_from(channel).unwrap_or(u8::MAX)))
    }
}

impl FromStr for Colour {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = "a colour is written as #RRGGBB";
        let digits = text.strip_prefix('#').ok_or(unreadable)?;
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(unreadable);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| unreadable)?;
        let [_, channels @ ..] = number.to_be_bytes();
        Ok(Self(channels))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn colour(text: &str) -> Colour {
        text.parse().unwrap()
    }

    #[test]
    fn contrast_is_as_wcag_reckons_it() {
        let contrast = |one, two| (colour(one).contrast(colour(two)) * 100.0).round() / 100.0;
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
        assert!((contrast("#ffffff", "#ffffff") - 1.0).abs() < 1e-9);
        // The best known grey: the lightest that can be read on white.
        assert!((contrast("#767676", "#ffffff") - 4.54).abs() < 1e-9);
    }

    /// Every fifteenth step of every channel.
    #[test]
    fn whatever_the_provider_chose_can_be_read() {
        for number in 0..18_u32.pow(3) {
            let channel = |place: u32| u8::try_from(number / 18_u32.pow(place) % 18 * 15).unwrap();
            let chosen = Colour([channel(0), channel(1), channel(2)]);
            assert!(chosen.contrast(chosen.ink()) >= 4.5, "{chosen}");
            for ground in [LIGHT_GROUND, DARK_GROUND] {
                let shown = chosen.readable_on(ground);
                assert!(shown.contrast(ground) >= READABLE, "{chosen} as {shown} on {ground}");
                assert!(shown.contrast(shown.ink()) >= 4.5, "{shown}");
            }
        }
    }

    #[test]
    fn what_can_be_read_stays_as_it_is() {
        assert_eq!(colour("#1d4ed8").readable_on(LIGHT_GROUND), colour("#1d4ed8"));
        assert_ne!(colour("#ffdd00").readable_on(LIGHT_GROUND), colour("#ffdd00"));
        assert_eq!(colour("#FFDD00").readable_on(DARK_GROUND).to_string(), "#ffdd00");
    }

    #[rstest]
    fn what_is_no_colour_is_refused(
        #[values("", "red", "#fff", "#12345", "#1234567", "#12345g", "123456", "#+12345", "#ÿ1234")]
        text: &str,
    ) {
        assert!(text.parse::<Colour>().is_err());
    }
}
