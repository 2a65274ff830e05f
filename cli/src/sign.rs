//! Signature Version 4 of one request, as API Gateway wants it.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signature_of};
use aws_sigv4::sign::v4;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::failure::{Failure, Result};

/// The service that API Gateway's data plane is signed for.
const SERVICE: &str = "execute-api";

/// Signs `request` with its method, URL and body as they will be sent.
///
/// The settings are the defaults of every service but S3: the canonical path is the sent one,
/// encoded once more, so that `$default` is signed as `%24default`.
pub fn sign(
    request: &mut reqwest::Request,
    credentials: &Credentials,
    region: &str,
    now: SystemTime,
) -> Result<()> {
    let headers = headers_for(request, credentials, region, now)
        .map_err(|error| Failure::unexpected("the request could not be signed").because(error))?;
    request.headers_mut().extend(headers);
    Ok(())
}

fn headers_for(
    request: &reqwest::Request,
    credentials: &Credentials,
    region: &str,
    now: SystemTime,
) -> std::result::Result<Vec<(HeaderName, HeaderValue)>, String> {
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.url().as_str(),
        content_type.map(|value| (CONTENT_TYPE.as_str(), value)).into_iter(),
        SignableBody::Bytes(body),
    )
    .map_err(|error| error.to_string())?;
    let (instructions, _) =
        signature_of(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
    let (headers, _) = instructions.into_parts();
    headers
        .into_iter()
        .map(|header| {
            let mut value = HeaderValue::from_str(header.value()).map_err(|error| error.to_string())?;
            value.set_sensitive(true);
            Ok((HeaderName::from_static(header.name()), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// The expected signatures were computed with Python's hmac from the description of SigV4 in
    /// the IAM User Guide, "Create a signed AWS API request".
    #[test]
    fn the_signature_is_the_one_that_aws_computes() {
        let now = UNIX_EPOCH + Duration::from_secs(1_795_312_801);
        let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", None, None, "test");
        let signed = |method: &str, url: &str, body: &'static str| {
            let mut request = reqwest::Request::new(method.parse().unwrap(), url.parse().unwrap());
            if !body.is_empty() {
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                *request.body_mut() = Some(body.into());
            }
            sign(&mut request, &credentials, "eu-central-1", now).unwrap();
            request.headers()["authorization"].to_str().unwrap().to_owned()
        };
        let prefix =
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-central-1/execute-api/aws4_request, ";
        assert_eq!(
            signed(
                "GET",
                "http://127.0.0.1:4566/_aws/execute-api/abc/$default/v1/connections/a%2Fb?cursor=x%2By&limit=5",
                ""
            ),
            format!(
                "{prefix}SignedHeaders=host;x-amz-date, Signature=90075de86f77383ec0f181067bac25f5196b9702ba4e878b409c6033dd64ba94"
            )
        );
        assert_eq!(
            signed("PUT", "https://abc.execute-api.eu-central-1.amazonaws.com/v1/x", r#"{"a":1}"#),
            format!(
                "{prefix}SignedHeaders=content-type;host;x-amz-date, Signature=4ba1fafeffbbc7353d36cfb11224bbd6376364603cb1da25a8445d830f0197da"
            )
        );
    }
}
