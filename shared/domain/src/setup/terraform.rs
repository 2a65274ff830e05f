//! The role as a Terraform configuration that needs no module.

use super::{DESCRIPTION, MAX_SESSION_SECONDS, POLICY_NAME, PROVIDER_TAG, Wanted};

/// `infra/terraform/` is the same as a module, for those who keep several.
pub(super) fn configuration(wanted: &Wanted<'_>) -> String {
    let (name, provider) = (wanted.name, wanted.provider);
    let (trust, permissions) = (wanted.trust.to_pretty_json(), wanted.permissions.to_pretty_json());
    format!(
        r#"resource "aws_iam_role" "drawbridge" {{
  name                 = "{name}"
  description          = "{DESCRIPTION}"
  max_session_duration = {MAX_SESSION_SECONDS}

  tags = {{
    "{PROVIDER_TAG}" = "{provider}"
  }}

  assume_role_policy = <<JSON
{trust}
JSON
}}

resource "aws_iam_role_policy" "drawbridge" {{
  name = "{POLICY_NAME}"
  role = aws_iam_role.drawbridge.id

  policy = <<JSON
{permissions}
JSON
}}

output "role_arn" {{
  value = aws_iam_role.drawbridge.arn
}}
"#
    )
}
