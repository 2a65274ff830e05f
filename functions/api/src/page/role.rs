//! Where the customer tells which role they made, or has it looked for.

use domain::ConnectionState;
use maud::{Markup, html};

use super::Page;
use super::frame::heading;

pub(super) fn form(page: &Page<'_>, step: Option<u8>) -> Markup {
    let (connection, deployment) = (page.connection, page.deployment);
    let fault = page.fault.as_ref().filter(|fault| fault.of_role);
    let typed = match (fault, &connection.role_arn) {
        (Some(fault), _) => fault.typed.clone(),
        (None, Some(role)) => role.to_string(),
        (None, None) => String::new(),
    };
    let account = connection.account_id.as_ref().map(domain::AccountId::as_str);
    let example = format!(
        "arn:{}:iam::{}:role/{}",
        deployment.partition,
        connection
            .role_arn
            .as_ref()
            .map(|role| role.account().as_str())
            .or(account)
            .unwrap_or("123456789012"),
        connection.announced_role_name.as_ref().unwrap_or(&connection.ready_made_role_name),
    );
    let title = if step.is_some() { "Connect the role" } else { "Submit another role" };
    html! {
        section.card aria-labelledby="role" {
            (heading("role", step, title))
            @if connection.state == ConnectionState::PendingRole { (look(page)) }
            form method="post" novalidate {
                div.field {
                    label for="role_arn" { "ARN of the role" }
                    p.hint #role_hint { "It looks like " code { (example) } }
                    input #role_arn name="role_arn" type="text" value=(typed) required maxlength="700"
                        autocomplete="off" autocapitalize="none" spellcheck="false"
                        aria-describedby="role_hint role_error" aria-invalid=[fault.map(|_| "true")]
                        autofocus[fault.is_some()]
                        data-partition=(deployment.partition) data-provider=(deployment.provider.as_str())
                        data-account=[account]
                        data-name=[connection.announced_role_name.as_ref().map(domain::RoleName::as_str)];
                    p.error #role_error { @if let Some(fault) = fault { (fault.detail) } }
                }
                button.button type="submit" { "Verify and connect" }
            }
        }
    }
}

/// Only the script can have the role looked for, and shows this where that is offered.
fn look(page: &Page<'_>) -> Markup {
    let account = &page.connection.account_id;
    html! {
        div #look.look hidden data-known=[account.as_ref().map(domain::AccountId::as_str)] {
            h3 { "Nothing to paste" }
            p { "Once you have made the role " code { (page.connection.role_name()) } ", it can be found by its name"
                @if let Some(account) = account { " in your account " code { (account.as_str()) } } "." }
            form {
                @if account.is_none() {
                    div.field {
                        label for="account_id" { "Your AWS account ID" }
                        p.hint #account_hint { "12 digits, shown at the top right of the AWS console" }
                        input #account_id type="text" inputmode="numeric" maxlength="14" autocomplete="off"
                            aria-describedby="account_hint look_error";
                    }
                }
                p.error #look_error {}
                button.button type="submit" { "I have made the role: look for it" }
            }
            p.quiet #looking {}
            p.or { span { "or" } }
        }
    }
}
