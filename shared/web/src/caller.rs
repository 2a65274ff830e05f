//! Who calls: the identity that API Gateway's IAM authorizer has proven.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, StatusCode};
use domain::Actor;
use lambda_http::request::RequestContext;

use crate::problem::Refused;

/// One of the provider's operators or systems. Every use case under `/v1` takes one, so that a
/// request that no IAM authorizer let in is refused, whatever the routes say.
#[derive(Debug)]
pub struct Operator(pub Actor);

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        operator_arn(&parts.extensions).map(|arn| Self(Actor::Operator(arn))).ok_or_else(|| {
            Refused::new(
                StatusCode::FORBIDDEN,
                "not_authorized",
                "sign the request with AWS Signature Version 4, service execute-api",
            )
        })
    }
}

/// The ARN that an IAM authorizer has proven, if one has.
#[must_use]
pub fn operator_arn(extensions: &Extensions) -> Option<String> {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            let iam = context.authorizer.as_ref().and_then(|authorizer| authorizer.iam.as_ref());
            iam.and_then(|iam| iam.user_arn.clone()).filter(|arn| !arn.is_empty())
        }
        _ => None,
    }
}
