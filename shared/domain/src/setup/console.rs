//! The role step by step in the AWS console, in the console's own words.
//!
//! Sources: IAM User Guide, "Create a role for a third party to access AWS resources" and "Create a role using
//! custom trust policies" (the pages "Select trusted entity", "Add permissions", "Name, review, and create");
//! "Update a role trust policy"; "Add and remove IAM identity permissions".

use super::{DESCRIPTION, POLICY_NAME, PROVIDER_TAG, Wanted};

pub(super) fn steps(wanted: &Wanted<'_>) -> String {
    let (name, provider, arn) = (wanted.name, wanted.provider, wanted.arn());
    let (account, external_id) = (wanted.account(), wanted.external_id.expose());
    let host = wanted.partition.console_host();
    let (trust, permissions) = (wanted.trust.to_pretty_json(), wanted.permissions.to_pretty_json());
    format!(
        r#"On your side, in {account}

1. Sign in to the AWS console with an identity that may make roles, and open IAM, Roles:
   https://{host}/iam/home#/roles

2. Choose "Create role". Under "Trusted entity type" choose "Custom trust policy", and put this document in the
   place of what stands there:

{trust}

   It trusts the provider's account {provider}, but in that account only Drawbridge's brokers, and only
   with the external ID of this connection.

   (The other way leads to the same: "AWS account", "Another AWS account", Account ID {provider}, "Require
   external ID", External ID {external_id}. It trusts every identity of
   that account, so put the document above in its place when the role is made: step 6.)

3. Choose "Next". Choose no policy on the page "Add permissions", and "Next" again.

4. On the page "Name, review, and create":
   Role name    {name}
   Description  {DESCRIPTION}
   Under "Add tags", "Add new tag": key {PROVIDER_TAG}, value {provider}
   Look through it, and choose "Create role".

5. Open the role {name}. In its tab "Permissions" choose "Add permissions", "Create inline policy",
   "JSON", and put this document there:

{permissions}

   Choose "Next", give it the policy name {POLICY_NAME}, and choose "Create policy".

6. In the tab "Trust relationships" see that the trusted entities are those of step 2. Where they are not, choose
   "Edit trust policy", put the document of step 2 there, and choose "Update policy".

7. Copy the role's ARN from its summary, and give it to your provider (on the page that the provider's link
   leads to):
   {arn}

On the provider's side, by Drawbridge itself

8. Drawbridge grants the role in the source account {provider}: it adds the role's ARN to a policy of its
   broker's, as the only role of yours:
   {{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "{arn}"}}

9. It assumes the role, once with no external ID and once with a wrong one, which your trust policy refuses, and
   then as nobody but the broker can:
   aws sts assume-role --role-arn {arn} \
     --role-session-name drawbridge --external-id {external_id}

10. With the credentials that this gives, which end by themselves, it verifies what the role can do. Your provider
    sees the same with: drawbridge exec CONNECTION --capability NAME --reason TEXT -- aws sts get-caller-identity

To end the access, choose the role in IAM, Roles, and "Delete".
"#
    )
}
