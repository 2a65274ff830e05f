//! Request bodies: bounded, JSON, and with every field known.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Extensions, HeaderMap, StatusCode};
use domain::{Error, FieldError};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

use crate::problem::Refused;

/// Longest request body, in bytes, of routes that say nothing else. Everything that they take is far
/// below.
const LIMIT: usize = 64 * 1024;

/// How long the request bodies of a route may be, in bytes: an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub struct LongestBody(pub usize);

impl LongestBody {
    /// What holds for a request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(LIMIT))
    }
}

/// The media type of what a browser's form sends.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// The media type of a body, without its parameters; empty where none can be read.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?;
    Some(value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim())
}

/// How many unknown fields are named in one refusal.
const NAMED: usize = 20;

/// A JSON body, read as a `T`. Fields that `T` does not know are refused by name.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let media_type = media_type(&parts.headers).unwrap_or("application/json");
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Refused::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send the body as JSON, with the header content-type: application/json",
            ));
        }
        Ok(Self(read(&collect(body, LongestBody::of(&parts.extensions)).await?)?))
    }
}

/// Reads a whole body.
///
/// # Errors
/// 413 `body_too_large` past `longest`.
pub async fn collect(body: Body, longest: LongestBody) -> Result<Vec<u8>, Refused> {
    let LongestBody(limit) = longest;
    match Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is longer than {limit} bytes"),
        )),
        Err(_) => Err(malformed("the body could not be read").into()),
    }
}

fn malformed(detail: impl Into<String>) -> Error {
    Error::invalid(FieldError::new("", "malformed_json", detail))
}

/// Reads a JSON object, and collects the fields that nobody asked for.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    // The derived readers would take an array as well, its items in the order of the fields.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::invalid(FieldError::new("", "invalid_type", "the body is not a JSON object")));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = read_from(&mut json)?;
    json.end().map_err(|_| malformed("there is something after the JSON value"))?;
    Ok(value)
}

/// Reads what stands `at` this pointer of a body, and refuses fields that `T` does not know by name.
///
/// # Errors
/// 400 `invalid_type`, `unknown_field`.
pub fn read_part<T: DeserializeOwned>(part: &Value, at: &str) -> Result<T, Error> {
    if !part.is_object() {
        return Err(Error::invalid(FieldError::new(at, "invalid_type", "this is not a JSON object")));
    }
    read_from(part).map_err(|error| error.at(at))
}

fn read_from<'de, T: DeserializeOwned>(
    json: impl Deserializer<'de, Error = serde_json::Error>,
) -> Result<T, Error> {
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| {
        if unknown.len() < NAMED {
            let field = pointer(&path);
            let detail = format!("there is no field {field} here");
            unknown.push(FieldError::new(field, "unknown_field", detail));
        }
    };
    let value = serde_path_to_error::deserialize(serde_ignored::Deserializer::new(json, &mut note));
    let value: T = value.map_err(|error| {
        if !error.inner().is_data() {
            return malformed(format!("the body is not JSON: {}", error.inner()));
        }
        let field = error.path().iter().fold(String::new(), |pointer, segment| match segment {
            serde_path_to_error::Segment::Map { key } => format!("{pointer}/{}", escape(key)),
            serde_path_to_error::Segment::Seq { index } => format!("{pointer}/{index}"),
            _ => pointer,
        });
        let said = error.inner().to_string();
        if said.starts_with("unknown field ") {
            // What is stored is closed by itself, and refuses it before it can be noted.
            let detail = format!("there is no field {field} here");
            return Error::invalid(FieldError::new(field, "unknown_field", detail));
        }
        Error::invalid(FieldError::new(field, "invalid_type", expected(&said)))
    })?;
    if unknown.is_empty() { Ok(value) } else { Err(Error::invalid_fields(unknown)) }
}

/// What was expected, without what was found: that may be what nobody is to keep.
fn expected(said: &str) -> String {
    match said.split_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => said.to_owned(),
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A path as a JSON pointer.
fn pointer(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}/{index}", pointer(parent)),
        Path::Map { parent, key } => format!("{}/{}", pointer(parent), escape(key)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            pointer(parent)
        }
    }
}

/// Tells a null that is given from a field that is left out, for a field with a default.
///
/// # Errors
/// When it cannot be read.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A field that must be there.
pub fn required<T>(value: Option<T>, name: &str, errors: &mut Vec<FieldError>) -> Option<T> {
    if value.is_none() {
        errors.push(FieldError::new(format!("/{name}"), "missing_field", format!("{name} is required")));
    }
    value
}

/// Keeps a value that can be read, and notes the errors of one that cannot, under its pointer.
pub fn noted<T>(read: Result<T, Error>, at: &str, errors: &mut Vec<FieldError>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            errors.extend(error.at(at).fields);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::collections::BTreeMap;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only read, to see that it can be")]
    struct Sample {
        name: String,
        labels: Option<BTreeMap<String, String>>,
        list: Option<Vec<Inner>>,
        closed: Option<Closed>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read, to see that it can be")]
    struct Closed {
        one: Option<u8>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only read, to see that it can be")]
    struct Inner {
        id: u8,
    }

    #[rstest]
    #[case(r#"{"name":"a","nmae":1}"#, "unknown_field", "/nmae")]
    #[case(r#"{"name":"a","x/y":{"deep":1}}"#, "unknown_field", "/x~1y")]
    #[case(r#"{"name":"a","list":[{"id":1},{"id":2,"extra":3}]}"#, "unknown_field", "/list/1/extra")]
    #[case(r#"{"name":"a","closed":{"two/2":3}}"#, "unknown_field", "/closed/two~12")]
    #[case(r#"{"name":5}"#, "invalid_type", "/name")]
    #[case(r#"{"name":"a","labels":{"k":[]}}"#, "invalid_type", "/labels/k")]
    #[case(r#"{"name":"a","list":[{"id":300}]}"#, "invalid_type", "/list/0/id")]
    // Neither of the two is at fault alone.
    #[case(r#"{"name":"a","name":"b"}"#, "invalid_type", "")]
    #[case("[]", "invalid_type", "")]
    #[case(" [\"a\"]", "invalid_type", "")]
    #[case("", "malformed_json", "")]
    #[case("{", "malformed_json", "")]
    #[case(r#"{"name":"a"} {}"#, "malformed_json", "")]
    #[case("\u{feff}{}", "malformed_json", "")]
    fn what_cannot_be_read_is_named(#[case] body: &str, #[case] code: &str, #[case] at: &str) {
        let error = read::<Sample>(body.as_bytes()).unwrap_err();
        assert_eq!((error.code, error.fields[0].pointer.as_str()), (code, at), "{error:?}");
    }

    /// As long as its route says, and a little bound where none does.
    #[tokio::test]
    async fn a_body_is_as_long_as_its_route_takes() {
        let status = async |length: usize, longest: Option<LongestBody>| {
            let mut request =
                Request::new(Body::from(format!("{{\"name\":\"{}\"}}", "x".repeat(length - 11))));
            if let Some(longest) = longest {
                request.extensions_mut().insert(longest);
            }
            match JsonBody::<Sample>::from_request(request, &()).await {
                Ok(_) => StatusCode::OK,
                Err(refused) => axum::response::IntoResponse::into_response(refused).status(),
            }
        };
        assert_eq!(status(LIMIT, None).await, StatusCode::OK);
        assert_eq!(status(LIMIT + 1, None).await, StatusCode::PAYLOAD_TOO_LARGE);
        let longer = Some(LongestBody(1 << 20));
        assert_eq!(status(1 << 20, longer).await, StatusCode::OK);
        assert_eq!(status((1 << 20) + 1, longer).await, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn what_was_found_is_not_told_again() {
        let error = read::<Sample>(br#"{"name":"a","labels":"a secret"}"#).unwrap_err();
        assert_eq!(error.fields[0].pointer, "/labels");
        let told = &error.fields[0].detail;
        assert!(told.starts_with("expected ") && !told.contains("secret"), "{told}");
    }

    #[test]
    fn every_unknown_field_is_named_up_to_a_bound() {
        let fields: Vec<String> = (0..100).map(|n| format!("\"f{n}\":1")).collect();
        let error =
            read::<Sample>(format!("{{\"name\":\"a\",{}}}", fields.join(",")).as_bytes()).unwrap_err();
        assert_eq!((error.code, error.fields.len()), ("unknown_field", NAMED));
    }
}
