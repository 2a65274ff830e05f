//! A policy as JSON, as a CloudFormation template, or as a Terraform configuration.

use clap::ValueEnum;
use domain::policy::PolicyDocument;
use domain::setup::POLICY_NAME;
use serde_json::json;

/// How a policy is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Form {
    /// The document alone
    #[default]
    Json,
    /// A template with one resource, in JSON
    Cloudformation,
    /// A configuration with one resource
    Terraform,
}

/// What a policy is of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Trust,
    Permissions,
    Grant,
}

impl Form {
    pub fn text(self, kind: Kind, document: &PolicyDocument) -> String {
        match self {
            Self::Json => document.to_pretty_json(),
            Self::Cloudformation => cloudformation(kind, document),
            Self::Terraform => terraform(kind, document),
        }
    }
}

/// CloudFormation reads templates in JSON as well. Source: AWS CloudFormation User Guide, "Template
/// formats"; Template Reference, `AWS::IAM::Role`, `AWS::IAM::RolePolicy`, `AWS::IAM::ManagedPolicy`.
fn cloudformation(kind: Kind, document: &PolicyDocument) -> String {
    let (parameters, resource) = match kind {
        Kind::Trust => (
            json!({}),
            json!({
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": document},
            }),
        ),
        Kind::Permissions => (
            json!({"RoleName": {"Type": "String"}}),
            json!({
                "Type": "AWS::IAM::RolePolicy",
                "Properties": {"PolicyName": POLICY_NAME, "RoleName": {"Ref": "RoleName"}, "PolicyDocument": document},
            }),
        ),
        Kind::Grant => (
            json!({}),
            json!({
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": document},
            }),
        ),
    };
    let mut template = json!({"AWSTemplateFormatVersion": "2010-09-09"});
    if parameters.as_object().is_some_and(|parameters| !parameters.is_empty()) {
        template["Parameters"] = parameters;
    }
    template["Resources"] = json!({"Drawbridge": resource});
    format!("{template:#}")
}

fn terraform(kind: Kind, document: &PolicyDocument) -> String {
    let document = document.to_pretty_json();
    match kind {
        Kind::Trust => format!(
            "resource \"aws_iam_role\" \"drawbridge\" {{\n  assume_role_policy = <<JSON\n{document}\nJSON\n}}\n"
        ),
        Kind::Permissions => format!(
            "variable \"role_name\" {{\n  type = string\n}}\n\n\
             resource \"aws_iam_role_policy\" \"drawbridge\" {{\n  name = \"{POLICY_NAME}\"\n  role = var.role_name\n\n  \
             policy = <<JSON\n{document}\nJSON\n}}\n"
        ),
        Kind::Grant => {
            format!(
                "resource \"aws_iam_policy\" \"drawbridge\" {{\n  policy = <<JSON\n{document}\nJSON\n}}\n"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::policy::grant_policy;
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_form_holds_the_document() {
        let document = grant_policy(&["arn:aws:iam::123456789012:role/a".parse().unwrap()].into()).unwrap();
        for (kind, place, resource) in [
            (Kind::Trust, "AssumeRolePolicyDocument", "aws_iam_role"),
            (Kind::Permissions, "PolicyDocument", "aws_iam_role_policy"),
            (Kind::Grant, "PolicyDocument", "aws_iam_policy"),
        ] {
            let template: Value = serde_json::from_str(&Form::Cloudformation.text(kind, &document)).unwrap();
            assert_eq!(template["Resources"]["Drawbridge"]["Properties"][place], json!(document));
            let text = Form::Terraform.text(kind, &document);
            let body: Value = hcl::from_str(&text).unwrap();
            let resource = &body["resource"][resource]["drawbridge"];
            let text = resource.as_object().unwrap().iter().find_map(|(name, value)| {
                name.ends_with("policy").then(|| value.as_str().unwrap().to_owned())
            });
            assert_eq!(serde_json::from_str::<Value>(&text.unwrap()).unwrap(), json!(document));
        }
    }
}
