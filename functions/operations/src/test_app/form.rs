//! AWS's query protocol: a request is a form, and an answer is XML.

use std::collections::BTreeMap;

/// What a form says.
pub(crate) fn fields(body: &str) -> BTreeMap<String, String> {
    let read = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
    };
    let fields = body.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (read(name), read(value))).collect()
}
