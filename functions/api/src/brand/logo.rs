//! The provider's logo: a small image that the function itself serves.
//!
//! An address of one would be a request to a third party, which learns of every customer; and a
//! drawing (SVG) is a document that can hold scripts. So it is an image, PNG or WebP, in the
//! function's own environment, which bounds it: all variables together have 4 KB. Source: Lambda
//! Developer Guide, "Lambda quotas".

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest logo as base64, in characters; the template says the same.
const LONGEST: usize = 2048;

/// A logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logo {
    pub bytes: Vec<u8>,
    pub format: Format,
}

/// What it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    WebP,
}

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }
}

impl FromStr for Logo {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err("a logo has at most 2048 characters of base64");
        }
        let bytes = STANDARD.decode(text).map_err(|_| "a logo is written as base64")?;
        let format = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Format::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::WebP,
            _ => return Err("a logo is a PNG or WebP image"),
        };
        Ok(Self { bytes, format })
    }
}
