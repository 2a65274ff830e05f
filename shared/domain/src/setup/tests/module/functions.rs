//! Terraform's functions, as far as the module uses them.
#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the evaluator calls functions of this shape"
)]

use hcl::Identifier;
use hcl::eval::{Context, Evaluate as _, FuncArgs, FuncDef, ParamType};

/// What Terraform's functions do, on what the module gives them.
pub(super) fn functions(context: &mut Context<'_>) {
    fn jsonencode(args: FuncArgs) -> Result<hcl::Value, String> {
        serde_json::to_string(&args[0]).map(Into::into).map_err(|error| error.to_string())
    }
    fn jsondecode(args: FuncArgs) -> Result<hcl::Value, String> {
        serde_json::from_str(args[0].as_str().unwrap()).map_err(|error| error.to_string())
    }
    fn templatefile(args: FuncArgs) -> Result<hcl::Value, String> {
        let text = std::fs::read_to_string(args[0].as_str().unwrap()).map_err(|error| error.to_string())?;
        let template: hcl::Template = text.parse().map_err(|error: hcl::Error| error.to_string())?;
        let mut context = Context::new();
        for (name, value) in args[1].as_object().unwrap() {
            context.declare_var(Identifier::new(name).unwrap(), value.clone());
        }
        template.evaluate(&context).map(Into::into).map_err(|error| error.to_string())
    }
    fn flat(value: &hcl::Value, into: &mut Vec<hcl::Value>) {
        match value {
            hcl::Value::Array(items) => items.iter().for_each(|item| flat(item, into)),
            other => into.push(other.clone()),
        }
    }
    fn flatten(args: FuncArgs) -> Result<hcl::Value, String> {
        let mut items = Vec::new();
        flat(&args[0], &mut items);
        Ok(items.into())
    }
    fn concat(args: FuncArgs) -> Result<hcl::Value, String> {
        let lists = args.iter().map(|list| list.as_array().unwrap().clone());
        Ok(lists.flatten().collect::<Vec<_>>().into())
    }
    fn contains(args: FuncArgs) -> Result<hcl::Value, String> {
        Ok(args[0].as_array().unwrap().contains(&args[1]).into())
    }
    fn length(args: FuncArgs) -> Result<hcl::Value, String> {
        Ok(args[0].as_array().unwrap().len().into())
    }
    fn setsubtract(args: FuncArgs) -> Result<hcl::Value, String> {
        let gone = args[1].as_array().unwrap();
        let left = args[0].as_array().unwrap().iter().filter(|item| !gone.contains(item));
        Ok(left.cloned().collect::<Vec<_>>().into())
    }
    fn merge(args: FuncArgs) -> Result<hcl::Value, String> {
        let maps = args.iter().map(|map| map.as_object().unwrap().clone());
        Ok(hcl::Value::Object(maps.flatten().collect()))
    }
    let any = || ParamType::Any;
    for (name, function, params) in [
        ("jsonencode", jsonencode as fn(FuncArgs) -> Result<hcl::Value, String>, 1),
        ("jsondecode", jsondecode, 1),
        ("templatefile", templatefile, 2),
        ("flatten", flatten, 1),
        ("concat", concat, 2),
        ("contains", contains, 2),
        ("length", length, 1),
        ("setsubtract", setsubtract, 2),
        ("merge", merge, 2),
    ] {
        let definition = (0..params).fold(FuncDef::builder(), |definition, _| definition.param(any()));
        context.declare_func(name, definition.build(function));
    }
}
