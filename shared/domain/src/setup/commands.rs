//! The role as AWS CLI commands.

use super::{DESCRIPTION, MAX_SESSION_SECONDS, POLICY_NAME, PROVIDER_TAG, Wanted};

/// The commands run in a shell of their own, which ends at the first that fails and leaves no file. Run
/// again they bring the role up to date.
pub(super) fn commands(wanted: &Wanted<'_>) -> String {
    let (name, provider, arn) = (wanted.name, wanted.provider, wanted.arn());
    let (account, external_id) = (wanted.account(), wanted.external_id.expose());
    let (trust, permissions) = (wanted.trust.to_pretty_json(), wanted.permissions.to_pretty_json());
    format!(
        r#"# Makes the role in {account}, or brings it up to date, and prints its ARN.
(
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat > "$dir/trust-policy.json" <<'JSON'
{trust}
JSON
cat > "$dir/permissions-policy.json" <<'JSON'
{permissions}
JSON
if aws iam get-role --role-name='{name}' > "$dir/role.json" 2> "$dir/error"; then
  aws iam update-role --role-name='{name}' --max-session-duration {MAX_SESSION_SECONDS} \
    --description '{DESCRIPTION}'
  aws iam tag-role --role-name='{name}' --tags Key={PROVIDER_TAG},Value={provider}
  aws iam update-assume-role-policy --role-name='{name}' \
    --policy-document "file://$dir/trust-policy.json"
elif grep -q NoSuchEntity "$dir/error"; then
  aws iam create-role --role-name='{name}' --max-session-duration {MAX_SESSION_SECONDS} \
    --description '{DESCRIPTION}' --tags Key={PROVIDER_TAG},Value={provider} \
    --assume-role-policy-document "file://$dir/trust-policy.json" > "$dir/role.json"
else
  cat "$dir/error" >&2
  exit 1
fi
aws iam put-role-policy --role-name='{name}' --policy-name {POLICY_NAME} \
  --policy-document "file://$dir/permissions-policy.json"
aws iam get-role --role-name='{name}' --output text --query Role.Arn
)

# To look at it:
#   aws iam get-role --role-name='{name}'
#   aws iam get-role-policy --role-name='{name}' --policy-name {POLICY_NAME}
#
# On the provider's side there is nothing to do by hand. Drawbridge lets its own broker assume this role
# and no other of yours, tries that the role refuses without its external ID, and then assumes it, as
# nobody but the broker can:
#   aws sts assume-role --role-arn {arn} \
#     --role-session-name drawbridge --external-id {external_id}
# The provider's people see that they have access, with credentials that end by themselves:
#   drawbridge exec CONNECTION --capability NAME --reason TEXT -- aws sts get-caller-identity
#
# To end the access:
#   aws iam delete-role-policy --role-name='{name}' --policy-name {POLICY_NAME}
#   aws iam delete-role --role-name='{name}'
"#
    )
}
