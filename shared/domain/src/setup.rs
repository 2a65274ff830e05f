//! What a customer needs to make the role, and a provider to see what it will be granted.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::arn::RoleArn;
use crate::connection::Connection;
use crate::deployment::Deployment;
use crate::policy::{self, PolicyDocument};

/// The name of the role's inline policy.
const POLICY_NAME: &str = "drawbridge";

/// What stays as it is in a query string. Source: RFC 3986, section 2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The documents of one connection, with its values filled in.
///
/// They hold its external ID, which its customer needs: they are for that customer and the
/// provider's operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setup {
    /// The trust policy of the customer's role.
    pub trust_policy: PolicyDocument,
    /// What the role allows.
    pub permissions_policy: PolicyDocument,
    /// What Drawbridge grants its broker; null until the account or the role is known.
    pub grant_policy: Option<PolicyDocument>,
    /// A link that opens CloudFormation with every parameter filled in; null where the
    /// installation has not published its template.
    pub quick_create_url: Option<String>,
    /// AWS CLI commands for a POSIX shell.
    pub cli: String,
    /// A Terraform configuration.
    pub terraform: String,
}

impl Setup {
    /// The documents of `connection`.
    #[must_use]
    pub fn of(connection: &Connection, deployment: &Deployment) -> Self {
        let partition = deployment.partition;
        let trust_policy =
            policy::trust_policy(partition, &deployment.trusted_principal(), Some(&connection.external_id));
        let account = connection.role_arn.as_ref().map(RoleArn::account).or(connection.account_id.as_ref());
        let permissions_policy = policy::permissions_policy(partition, account, &connection.capabilities);
        let role = connection.role_arn.clone().or_else(|| {
            account.map(|account| RoleArn::new(partition, account.clone(), connection.role_name().clone()))
        });
        Self {
            grant_policy: role.and_then(|role| policy::grant_policy(&[role].into())),
            quick_create_url: quick_create_url(connection, deployment),
            cli: cli(connection, &trust_policy, &permissions_policy),
            terraform: terraform(connection, &trust_policy, &permissions_policy),
            trust_policy,
            permissions_policy,
        }
    }
}

/// Source: AWS CloudFormation User Guide, "Create quick-create links for stacks".
fn quick_create_url(connection: &Connection, deployment: &Deployment) -> Option<String> {
    let template = deployment.customer_template_url.as_deref()?;
    let region = connection.regions.first()?;
    let name = connection.role_name().as_str();
    // Names of stacks have letters, digits and hyphens alone.
    let stack: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let fixed = [
        ("templateURL", template),
        ("stackName", &stack),
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

/// The commands run in a shell of their own, which ends at the first that fails and leaves no file.
fn cli(connection: &Connection, trust: &PolicyDocument, permissions: &PolicyDocument) -> String {
    let name = connection.role_name();
    format!(
        "(\n\
         set -eu\n\
         dir=$(mktemp -d)\n\
         trap 'rm -rf \"$dir\"' EXIT\n\
         cat > \"$dir/trust-policy.json\" <<'JSON'\n{}\nJSON\n\
         cat > \"$dir/permissions-policy.json\" <<'JSON'\n{}\nJSON\n\
         aws iam create-role --role-name='{name}' --output text --query Role.Arn \\\n  \
           --description 'Lets the provider work in this account through Drawbridge' \\\n  \
           --assume-role-policy-document \"file://$dir/trust-policy.json\"\n\
         aws iam put-role-policy --role-name='{name}' --policy-name {POLICY_NAME} \\\n  \
           --policy-document \"file://$dir/permissions-policy.json\"\n\
         )\n",
        trust.to_pretty_json(),
        permissions.to_pretty_json(),
    )
}

fn terraform(connection: &Connection, trust: &PolicyDocument, permissions: &PolicyDocument) -> String {
    let name = connection.role_name();
    format!(
        "resource \"aws_iam_role\" \"drawbridge\" {{\n  \
           name        = \"{name}\"\n  \
           description = \"Lets the provider work in this account through Drawbridge\"\n\n  \
           assume_role_policy = <<JSON\n{}\nJSON\n}}\n\n\
         resource \"aws_iam_role_policy\" \"drawbridge\" {{\n  \
           name = \"{POLICY_NAME}\"\n  \
           role = aws_iam_role.drawbridge.id\n\n  \
           policy = <<JSON\n{}\nJSON\n}}\n\n\
         output \"role_arn\" {{\n  value = aws_iam_role.drawbridge.arn\n}}\n",
        trust.to_pretty_json(),
        permissions.to_pretty_json(),
    )
}

#[cfg(test)]
mod tests;
