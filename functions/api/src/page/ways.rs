//! The ways to make the role, each with this connection's values. With the script they are tabs;
//! without it they stand one below the other.

use maud::{Markup, html};

use super::frame::heading;
use super::{Icon, Page, code, icon};

pub(super) fn ways(page: &Page<'_>, step: Option<u8>) -> Markup {
    html! {
        section.card aria-labelledby="ways" {
            (heading("ways", step, "Create the role"))
            p.quiet {
                "Choose the way that suits you: every one makes the same role, "
                code { (page.connection.role_name()) } "."
            }
            div.tabs data-tabs="Ways to create the role" {
                section #cloudformation data-tab="CloudFormation" { h3 { "CloudFormation" } (cloudformation(page)) }
                section #terraform data-tab="Terraform" { h3 { "Terraform" } (terraform(page)) }
                section #cli data-tab="AWS CLI" { h3 { "AWS CLI" } (cli(page)) }
                section #console data-tab="Console" { h3 { "AWS console" } (console(page)) }
            }
        }
    }
}

/// The name of the stack that the ways make.
pub(super) fn stack_name(page: &Page<'_>) -> String {
    domain::setup::stack_name(page.connection.role_name().as_str())
}

fn cloudformation(page: &Page<'_>) -> Markup {
    let region = page.connection.regions.first().map_or("", |region| region.as_str());
    let deploy = format!(
        "aws cloudformation deploy --region {region} \\\n  --stack-name {} \\\n  --template-file drawbridge-role.yaml \
         \\\n  --capabilities CAPABILITY_NAMED_IAM",
        stack_name(page),
    );
    html! {
        @if let Some(url) = &page.setup.quick_create_url {
            p { "The link opens CloudFormation with everything filled in. Look it through, confirm that it may make an \
                 IAM role, and choose “Create stack”. The stack's outputs show the role's ARN." }
            p { a.button href=(url) target="_blank" rel="noopener noreferrer" {
                "Open CloudFormation" (icon(Icon::Out)) span.unseen { " (in a new tab)" }
            } }
            details {
                summary { "Or deploy the template yourself" }
                (download(page))
                (code("Shell", &deploy))
            }
        } @else {
            p { "The template has your values in it and deploys as it is: in the console under CloudFormation, “Create \
                 stack”, “Upload a template file”, or with the command below. The stack's outputs show the role's ARN." }
            (download(page))
            (code("Shell", &deploy))
        }
    }
}

fn download(page: &Page<'_>) -> Markup {
    html! { p { a.button.second href=(page.link("role.yaml")) download="drawbridge-role.yaml" { "Download the template" } } }
}

fn terraform(page: &Page<'_>) -> Markup {
    html! {
        p { "Put this into a configuration with the AWS provider, and run " code { "terraform apply" }
            ". The output " code { "role_arn" } " is what you paste below." }
        (code("drawbridge.tf", &page.setup.terraform))
    }
}

fn cli(page: &Page<'_>) -> Markup {
    html! {
        p { "Paste this into a shell, or into AWS CloudShell, signed in to the account. It prints the role's ARN." }
        (code("Shell", &page.setup.cli))
    }
}

/// Sources: IAM User Guide, "Creating a role using custom trust policies" and "Add IAM identity permissions".
fn console(page: &Page<'_>) -> Markup {
    let name = page.connection.role_name();
    let host = page.deployment.partition.console_host();
    html! {
        ol.steps {
            li { "Open " a href={ "https://" (host) "/iam/home#/roles/create" } target="_blank" rel="noopener noreferrer" {
                "IAM, Roles, Create role" span.unseen { " (in a new tab)" } }
                " and choose “Custom trust policy”." }
            li { "Replace what stands there with the trust policy:"
                (code("trust-policy.json", &page.setup.trust_policy.to_pretty_json())) }
            li { "Choose “Next”, add no permissions, and choose “Next” again." }
            li { "Name the role " code { (name) } " and choose “Create role”." }
            li { "Open the role. Under “Add permissions” choose “Create inline policy”, then “JSON”, and put in the \
                  permissions policy:"
                (code("permissions-policy.json", &page.setup.permissions_policy.to_pretty_json())) }
            li { "Choose “Next”, name the policy " code { "drawbridge" } " and choose “Create policy”." }
            li { "Copy the role's ARN from the top of its page." }
        }
    }
}
