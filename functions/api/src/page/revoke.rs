//! How the customer ends the access.

use maud::{Markup, html};

use super::ways::stack_name;
use super::{Page, code};

pub(super) fn revoke(page: &Page<'_>) -> Markup {
    let name = page.connection.role_name();
    let provider = page.provider();
    let region = page.connection.regions.first().map_or("", |region| region.as_str());
    let delete = format!(
        "role='{name}'\n\
         for policy in $(aws iam list-role-policies --role-name=\"$role\" --query PolicyNames --output text); do\n  \
           aws iam delete-role-policy --role-name=\"$role\" --policy-name=\"$policy\"\n\
         done\n\
         for policy in $(aws iam list-attached-role-policies --role-name=\"$role\" \\\n    \
           --query 'AttachedPolicies[].PolicyArn' --output text); do\n  \
           aws iam detach-role-policy --role-name=\"$role\" --policy-arn=\"$policy\"\n\
         done\n\
         aws iam delete-role --role-name=\"$role\"\n"
    );
    let stack = stack_name(page);
    // Deleting a stack that is not there succeeds as well, so the role is looked for afterwards.
    let stack = format!(
        "aws cloudformation delete-stack --region {region} \\\n  --stack-name {stack}\n\
         aws cloudformation wait stack-delete-complete --region {region} \\\n  --stack-name {stack}\n\
         aws iam get-role --role-name='{name}'   # has to say NoSuchEntity"
    );
    html! {
        section.card aria-labelledby="revoke" {
            h2 #revoke { "End the access" }
            p { "You need nobody's consent: delete the role " code { (name) } ". From then on " (provider)
                " gets no new session, and one that is open ends within an hour. Tell " (provider)
                " as well, so that it closes the connection." }
            details { summary { "Made with CloudFormation: delete the stack" } (code("Shell", &stack)) }
            details { summary { "Made with Terraform: remove it from the configuration" }
                (code("Shell", "terraform destroy -target=aws_iam_role_policy.drawbridge \\\n  -target=aws_iam_role.drawbridge")) }
            details { summary { "Made with the AWS CLI or in the console: delete the role" } (code("Shell", &delete)) }
        }
    }
}
