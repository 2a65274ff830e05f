//! The template that customers deploy, with one connection's values in it.

use crate::connection::Connection;
use crate::deployment::Deployment;

/// The same file that `make publish-template` publishes.
const TEMPLATE: &str = include_str!("../../../../infra/customer-role.yaml");

/// The template with this connection's values as its parameters' defaults: it deploys as it is.
#[must_use]
pub fn cloudformation(connection: &Connection, deployment: &Deployment) -> String {
    let default = |parameter: &str| match parameter {
        "RoleName" => Some(connection.role_name().as_str()),
        "ExternalId" => Some(connection.external_id.expose()),
        "ProviderAccountId" => Some(deployment.provider.as_str()),
        _ => connection
            .capabilities
            .requested()
            .any(|capability| capability.title() == parameter)
            .then_some("true"),
    };
    let mut text = String::with_capacity(TEMPLATE.len() + 256);
    let (mut section, mut parameter) = ("", "");
    for line in TEMPLATE.lines() {
        let indented = line.len() - line.trim_start().len();
        match (indented, line.trim_end().strip_suffix(':')) {
            (0, Some(name)) => section = name,
            (2, Some(name)) => parameter = name.trim_start(),
            _ => {}
        }
        let value = default(parameter).filter(|_| section == "Parameters");
        match (value, line.trim_start()) {
            // What has a default gets another one, and what has none its first.
            (Some(_), own) if own.starts_with("Default:") => {}
            // No letter of theirs means anything between single quotes.
            (Some(value), "Type: String") => text.extend([line, "\n    Default: '", value, "'\n"]),
            _ => text.extend([line, "\n"]),
        }
    }
    text
}
