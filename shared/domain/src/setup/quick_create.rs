//! The link that opens CloudFormation with every parameter filled in.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::connection::Connection;
use crate::deployment::Deployment;

/// What stays as it is in a query string. Source: RFC 3986, section 2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Source: AWS CloudFormation User Guide, "Create quick-create links for stacks".
pub(super) fn url(connection: &Connection, deployment: &Deployment) -> Option<String> {
    let template = deployment.customer_template_url.as_deref()?;
    let region = connection.regions.first()?;
    let name = connection.role_name().as_str();
    let fixed = [
        ("templateURL", template),
        ("stackName", &stack_name(name)),
        ("param_RoleName", name),
        ("param_ExternalId", connection.external_id.expose()),
        ("param_ProviderAccountId", deployment.provider.as_str()),
    ];
    let mut query: Vec<String> = fixed
        .into_iter()
        .map(|(key, value)| format!("{key}={}", utf8_percent_encode(value, UNRESERVED)))
        .collect();
    query.extend(
        connection.capabilities.requested().map(|capability| format!("param_{}=true", capability.title())),
    );
    Some(format!(
        "https://{}/cloudformation/home?region={region}#/stacks/create/review?{}",
        deployment.partition.console_host(),
        query.join("&")
    ))
}

/// Names of stacks have letters, digits and hyphens alone, and begin with a letter.
/// Source: AWS CloudFormation API Reference, `CreateStack`, `StackName`.
#[must_use]
pub fn stack_name(role: &str) -> String {
    let name: String = role.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("drawbridge-{name}") }
}
