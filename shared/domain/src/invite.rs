//! The invite: what a customer holds to hand over a role without an account of the provider's.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// An invite: 256 random bits, shown once. Only its hash is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite([u8; 32]);

/// The SHA-256 of an [`Invite`], by which it is found again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InviteHash(String);

impl Invite {
    /// Makes one from random bytes.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The text that goes into the customer's link, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> InviteHash {
        InviteHash(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0)))
    }
}

impl FromStr for Invite {
    type Err = Error;

    /// Whatever is not an invite is answered like an invite that nobody made.
    fn from_str(text: &str) -> Result<Self, Error> {
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| Error::not_found("invite"))
    }
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for InviteHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for InviteHash {
    type Err = Error;

    /// Reads what was stored.
    fn from_str(text: &str) -> Result<Self, Error> {
        let sound = text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok();
        sound.then(|| Self(text.to_owned())).ok_or_else(|| Error::internal("not the hash of an invite"))
    }
}

crate::text::serde_as_text!(InviteHash);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_invite_reads_back_and_hides_itself(random: [u8; 32], other: [u8; 32]) {
            let invite = Invite::new(random);
            prop_assert_eq!(&invite.expose().parse::<Invite>()?, &invite);
            prop_assert_eq!(format!("{invite:?}"), "[redacted]");
            prop_assert_ne!(invite.expose(), invite.hash().to_string());
            prop_assert_eq!(invite.hash().to_string().parse::<InviteHash>()?, invite.hash());
            prop_assert_eq!(random == other, invite.hash() == Invite::new(other).hash());
        }
    }

    #[test]
    fn what_is_no_invite_is_not_found() {
        for text in ["", "short", "not/base64url", &"A".repeat(42), &"A".repeat(44), &"_".repeat(43)] {
            assert_eq!(text.parse::<Invite>().unwrap_err().code, "not_found");
        }
    }
}
