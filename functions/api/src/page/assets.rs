//! What the page loads: its style, its script, and the provider's mark.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::invite::Invite;
use maud::{Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::brand::{Brand, DARK_GROUND, LIGHT_GROUND};

const STYLE: &str = include_str!("../../assets/page.css");
const SCRIPT: &str = include_str!("../../assets/page.js");

/// A file that the page loads.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The hash of what is in it, and its kind.
    pub name: String,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

impl Asset {
    fn new(extension: &str, media_type: &'static str, bytes: Vec<u8>) -> Self {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&bytes));
        Self { name: format!("{hash}.{extension}"), media_type, bytes }
    }

    /// As the page, which lies beside the folder, names it.
    pub fn link(&self) -> String {
        format!("assets/{}", self.name)
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Assets {
    pub style: Asset,
    pub script: Asset,
    /// The logo, or else the name's first letter on the provider's colour.
    pub mark: Asset,
}

impl Assets {
    pub fn of(brand: &Brand) -> Self {
        let mark = match &brand.logo {
            Some(logo) => Asset::new(logo.format.extension(), logo.format.media_type(), logo.bytes.clone()),
            None => Asset::new("svg", "image/svg+xml", drawn_mark(brand).into_string().into_bytes()),
        };
        let style = format!("{}{STYLE}", colours(brand));
        Self {
            style: Asset::new("css", "text/css; charset=utf-8", style.into_bytes()),
            script: Asset::new("js", "text/javascript; charset=utf-8", SCRIPT.as_bytes().to_vec()),
            mark,
        }
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<&Asset> {
        [&self.style, &self.script, &self.mark].into_iter().find(|asset| asset.name == name)
    }
}

/// The provider's colour, so that it can be read in the light and in the dark.
fn colours(brand: &Brand) -> String {
    let rule = |ground| {
        let accent = brand.colour.readable_on(ground);
        format!(":root{{--accent:{accent};--on-accent:{}}}", accent.ink())
    };
    format!(
        ":root{{--brand:{}}}{}@media (prefers-color-scheme:dark){{{}}}\n",
        brand.colour,
        rule(LIGHT_GROUND),
        rule(DARK_GROUND)
    )
}

fn drawn_mark(brand: &Brand) -> Markup {
    html! {
        (PreEscaped(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">"#))
        rect width="40" height="40" rx="10" fill=(brand.colour) {}
        text x="20" y="28" text-anchor="middle" font-family="system-ui,sans-serif" font-weight="600"
            font-size="22" fill=(brand.colour.ink()) { (brand.name.initial()) }
        (PreEscaped("</svg>"))
    }
}

/// The way from below a customer's link to the folder of assets, for whoever asked for `path`.
pub(crate) fn way_up(path: &str) -> &'static str {
    if path.trim_matches('/').split('/').count() > 2 { "../" } else { "" }
}

/// The invite in a path, if it is one.
pub(crate) fn invite_in(path: &str) -> Option<Invite> {
    path.strip_prefix("/onboard/")?.split('/').next()?.parse().ok()
}
