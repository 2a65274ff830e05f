//! Pages of lists, and the opaque cursor that leads from one to the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Error, FieldError};
use sha2::{Digest as _, Sha256};

/// Bytes of the checksum at a cursor's end.
const CHECKSUM: usize = 8;

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many items, 1 to 100.
    pub limit: u8,
    /// Where the page before it ended, as that page said.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The key after which the page begins.
    ///
    /// # Errors
    /// 400 `invalid_cursor` when the cursor is not one that this list gave out.
    pub(crate) fn after(&self, list: &str) -> Result<Option<String>, Error> {
        self.cursor.as_deref().map(|cursor| open(list, cursor)).transpose()
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins, unless this is the last.
    pub next_cursor: Option<String>,
}

fn checksum(list: &str, key: &str) -> [u8; CHECKSUM] {
    let digest = Sha256::new().chain_update(list).chain_update([0]).chain_update(key).finalize();
    std::array::from_fn(|place| digest[place])
}

/// The cursor of `list` that goes on after `key`. It carries a checksum over the list as well, so
/// that a cursor that was altered or belongs to another list is told from a sound one. It is no
/// secret: whoever may read the list may start anywhere in it.
pub(crate) fn seal(list: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode([key.as_bytes(), &checksum(list, key)].concat())
}

fn open(list: &str, cursor: &str) -> Result<String, Error> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| {
            let (key, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
            let key = std::str::from_utf8(key).ok()?;
            (*sum == checksum(list, key)).then(|| key.to_owned())
        })
        .ok_or_else(|| {
            Error::invalid(FieldError::new(
                "/cursor",
                "invalid_cursor",
                "not a cursor of this list; pass `next_cursor` of its page before as it is, with the same filters",
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_leads_on_in_its_own_list_alone(key in "\\PC{0,60}", list in "[a-z]{1,8}", other in "[a-z]{1,8}") {
            let cursor = seal(&list, &key);
            prop_assert_eq!(open(&list, &cursor)?, key);
            prop_assert_eq!(open(&other, &cursor).is_ok(), list == other);
        }

        #[test]
        fn an_altered_cursor_is_refused(key in "[ -~]{0,60}", place in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let mut cursor = seal("list", &key);
            let place = place.index(cursor.len());
            cursor.replace_range(place..=place, &to);
            prop_assume!(cursor != seal("list", &key));
            prop_assert_eq!(open("list", &cursor).unwrap_err().code, "invalid_cursor");
        }

        #[test]
        fn nonsense_is_refused(text in "\\PC{0,80}") {
            prop_assert!(open("list", &text).is_err());
        }
    }
}
