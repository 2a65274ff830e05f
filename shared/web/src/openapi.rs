//! The description of an API, made from the code that answers it.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    Response as Answer, Schema,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::body::FORM;
use crate::problem::Problem;

/// The name of the security scheme.
const SIGV4: &str = "sigv4";

/// What is described besides the routes.
#[must_use]
pub fn frame() -> OpenApi {
    let mut problems = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut problems);
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Drawbridge")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Onboards customers' AWS accounts through one IAM role each. Requests to /v1 are signed with AWS \
                     Signature Version 4, service execute-api. Refusals are RFC 9457 problems; API Gateway's own \
                     answers (403 to what is not signed, 429 to what is throttled) have API Gateway's own form.",
                )),
        )
        .components(Some(
            ComponentsBuilder::new()
                .security_scheme(
                    SIGV4,
                    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                        "Authorization",
                        "AWS Signature Version 4, service execute-api",
                    ))),
                )
                .schemas_from_iter(problems)
                .build(),
        ))
        .security(Some([SecurityRequirement::new(SIGV4, Vec::<String>::new())]))
        .build()
}

/// The header that every `POST` takes.
fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "1 to 255 visible ASCII characters of the caller's. The same request with the same key gets its first \
             answer again for 24 hours, with the header `Idempotency-Replayed: true`, and is not carried out again.",
        ))
        .schema(Some(String::schema()))
        .build()
}

/// Whether a browser's form is what an operation takes.
fn takes_a_form(operation: &Operation) -> bool {
    matches!(&operation.request_body, Some(RefOr::T(body)) if body.content.contains_key(FORM))
}

/// Completes the description of the routes: what every `POST` takes, how each refuses, and that
/// requests hold no other fields.
#[must_use]
pub fn complete(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        // What a browser's form sends has no header of its own.
        if let Some(post) = item.post.as_mut().filter(|post| !takes_a_form(post)) {
            post.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
        }
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let mut refusal = Answer::new("A refusal");
            let problem = RefOr::Ref(Ref::from_schema_name(Problem::name()));
            refusal
                .content
                .insert("application/problem+json".to_owned(), RefOr::T(Content::new(Some(problem))));
            operation.responses.responses.insert("default".to_owned(), RefOr::T(refusal));
        }
    }
    // Requests are closed: a field that is not described is refused.
    if let Some(components) = &mut document.components {
        for (name, schema) in &mut components.schemas {
            if let (true, RefOr::T(Schema::Object(object))) = (name.ends_with("Request"), schema) {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
    document
}
