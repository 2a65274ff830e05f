//! The external ID: what a customer's trust policy asks for, so that nobody else's role is used.
//!
//! Source: IAM User Guide, "Access to AWS accounts owned by third parties".

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, FieldError};

/// Shortest external ID. Source: STS API Reference, `AssumeRole`.
pub const MIN_LENGTH: usize = 2;
/// Longest external ID. Source: the same.
pub const MAX_LENGTH: usize = 1224;

/// One connection's external ID: made by Drawbridge from 192 random bits, for that connection
/// alone.
///
/// It prints as `[redacted]` and cannot be serialized by accident: whoever stores or shows it
/// calls [`ExternalId::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalId(String);

impl ExternalId {
    /// Makes one from random bytes, in hexadecimal: no shell, template or command line reads
    /// anything into those letters.
    #[must_use]
    pub fn new(random: [u8; 24]) -> Self {
        let mut text = String::with_capacity(2 * random.len());
        for digit in random.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.extend(char::from_digit(digit.into(), 16));
        }
        Self(text)
    }

    /// The text itself: for the store, the operator, the customer it belongs to, and STS.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExternalId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let sound = (MIN_LENGTH..=MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b));
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(FieldError::new(
                "",
                "invalid_external_id",
                "an external ID is 2 to 1,224 letters, digits or any of _+=,.@:/-",
            )))
        }
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_made_is_what_iam_takes(random: [u8; 24]) {
            let id = ExternalId::new(random);
            prop_assert_eq!(id.expose().len(), 48);
            prop_assert_eq!(id.expose().parse::<ExternalId>()?, id.clone());
            prop_assert_eq!(format!("{id:?}"), "[redacted]");
        }

        /// Nothing of the randomness is lost, so that the IDs are as hard to guess.
        #[test]
        fn different_randomness_makes_different_ids(one: [u8; 24], two: [u8; 24], bit in 0_usize..192) {
            prop_assert_eq!(ExternalId::new(one) == ExternalId::new(two), one == two);
            let mut other = one;
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(ExternalId::new(one).expose() != ExternalId::new(other).expose());
        }
    }

    #[test]
    fn what_iam_would_refuse_is_refused() {
        for text in ["", "a", "a b", "a*", "a?", "ä-ä", "a\n", &"a".repeat(MAX_LENGTH + 1)] {
            let error = text.parse::<ExternalId>().unwrap_err();
            assert_eq!(error.code, "invalid_external_id");
            assert!(text.is_empty() || text.len() < 3 || !error.chain().contains(text));
        }
    }
}
