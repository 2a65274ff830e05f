//! The template that a customer deploys, with one connection's values in it.

use domain::{Connection, Deployment};

const TEMPLATE: &str = include_str!("../../../infra/customer-role.yaml");

/// The template with this connection's values as its parameters' defaults: it deploys as it is.
pub(crate) fn customer_template(connection: &Connection, deployment: &Deployment) -> String {
    let default = |parameter: &str| match parameter {
        "RoleName" => Some(connection.role_name().as_str()),
        "ExternalId" => Some(connection.external_id.expose()),
        "ProviderAccountId" => Some(deployment.provider.as_str()),
        name => connection.capabilities.requested().any(|one| one.title() == name).then_some("true"),
    };
    let mut text = String::with_capacity(TEMPLATE.len() + 256);
    let (mut section, mut parameter) = ("", "");
    for line in TEMPLATE.lines() {
        let own = line.trim_start();
        match (line.len() - own.len(), line.strip_suffix(':')) {
            (0, Some(name)) => section = name,
            (2, Some(name)) => parameter = name.trim_start(),
            _ => {}
        }
        let value = default(parameter).filter(|_| section == "Parameters");
        match (value, own) {
            // What has a default gets another one, and what has none its first.
            (Some(_), own) if own.starts_with("Default:") => {}
            // No letter of theirs means anything between single quotes.
            (Some(value), "Type: String") => text.extend([line, "\n    Default: '", value, "'\n"]),
            _ => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::sample;

    #[test]
    fn what_was_asked_for_is_filled_in_and_the_rest_stays() {
        let connection = sample::created().connection;
        let text = customer_template(&connection, &sample::deployment());
        let given = |name: &str| {
            let (_, own) = text.split_once(&format!("\n  {name}:\n")).unwrap();
            let own: Vec<&str> = own.lines().take_while(|line| line.starts_with("    ")).collect();
            let defaults: Vec<&str> =
                own.iter().filter_map(|line| line.trim().strip_prefix("Default: ")).collect();
            assert_eq!(defaults.len(), 1, "{name}");
            defaults[0].trim_matches('\'').to_owned()
        };
        assert_eq!(given("RoleName"), connection.role_name().as_str());
        assert_eq!(given("ExternalId"), connection.external_id.expose());
        for capability in domain::Capability::ALL {
            let asked = connection.capabilities.requested().any(|one| one == capability);
            assert_eq!(given(capability.title()), asked.to_string(), "{capability}");
        }
        let added = text.lines().count() - TEMPLATE.lines().count();
        assert_eq!(added, 3, "a default of each value that has none");
    }
}
