//! Holds every answer against `/openapi.json`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;

/// The API's description, with every object closed: an answer may hold nothing that is not
/// described.
#[derive(Debug)]
pub(crate) struct Description(Value);

impl Description {
    pub fn new(mut document: Value) -> Self {
        for schema in
            document["components"]["schemas"].as_object_mut().into_iter().flat_map(|map| map.values_mut())
        {
            close(schema);
        }
        Self(document)
    }

    /// Checks an answer to `method` `path`.
    ///
    /// # Panics
    /// When it is not described so.
    pub fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let path = path.split('?').next().unwrap_or_default();
        let Some(operation) = self.operation(method, path) else {
            assert!(matches!(answer.status, 404 | 405), "{method} {path} is not described: {answer:?}");
            let schema = json!({"$ref": "#/components/schemas/Problem"});
            return self.validate(method, path, &schema, answer);
        };
        let responses = &operation["responses"];
        let status = answer.status.to_string();
        let response = match responses.get(&status) {
            Some(response) => response,
            None if answer.status >= 400 => &responses["default"],
            None => panic!("{method} {path} does not describe {status}"),
        };
        if response.get("content").is_none() {
            assert_eq!(answer.body, json!(""), "{method} {path} describes no body of {status}");
            return;
        }
        let media_type = answer.content_type.split(';').next().unwrap_or_default();
        let content = response["content"]
            .get(media_type)
            .unwrap_or_else(|| panic!("{method} {path} does not describe {status} as {media_type:?}"));
        if let Some(schema) = content.get("schema") {
            self.validate(method, path, schema, answer);
        }
    }

    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let paths = self.0["paths"].as_object()?;
        let (_, item) = paths.iter().find(|(template, _)| {
            let (template, path): (Vec<_>, Vec<_>) =
                (template.split('/').collect(), path.split('/').collect());
            template.len() == path.len()
                && template.iter().zip(&path).all(|(known, given)| known.starts_with('{') || known == given)
        })?;
        item.get(method.as_str().to_lowercase())
    }

    fn validate(&self, method: &Method, path: &str, schema: &Value, answer: &Answer) {
        let mut schema = schema.clone();
        schema["components"] = self.0["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("the description is a JSON schema");
        let errors: Vec<String> = validator
            .iter_errors(&answer.body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "{method} {path} answers other than described: {errors:?}\n{:#}",
            answer.body
        );
    }
}

/// Closes a schema and those in it.
fn close(schema: &mut Value) {
    if let Value::Object(map) = schema {
        if map.contains_key("properties") && !map.contains_key("additionalProperties") {
            map.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        map.values_mut().for_each(close);
    } else if let Value::Array(list) = schema {
        list.iter_mut().for_each(close);
    }
}
