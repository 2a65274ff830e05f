use super::*;
use serde_json::Value;

fn described() -> Value {
    serde_json::to_value(document()).unwrap()
}

#[test]
fn every_operation_may_be_refused_with_a_problem() {
    let document = described();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let refusal = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert_eq!(refusal["schema"]["$ref"], "#/components/schemas/Problem", "{method} {path}");
            let successes = operation["responses"].as_object().unwrap().keys().filter(|s| s.starts_with('2'));
            assert_eq!(successes.count(), 1, "{method} {path}");
        }
    }
    assert!(document["components"]["schemas"]["Problem"].is_object());
    assert!(document["components"]["schemas"]["FieldError"].is_object());
}

#[test]
fn requests_are_closed() {
    let document = described();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut bodies = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(body) = operation.get("requestBody") else { continue };
            let name = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
            let schema = &schemas[name.rsplit('/').next().unwrap()];
            assert_eq!(schema["additionalProperties"], false, "{method} {path}: {schema}");
            bodies += 1;
        }
    }
    assert_eq!(bodies, 6);
    // Refused in its own words, which is no way to send one.
    assert!(schemas["CreateConnectionRequest"]["properties"].get("external_id").is_none());
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = described();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
    }
}

#[test]
fn what_is_below_v1_is_signed_and_the_rest_is_not() {
    let document = described();
    assert_eq!(document["security"], serde_json::json!([{"sigv4": []}]));
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            // Without an entry of its own an operation has the document's.
            let signed = operation.get("security").is_none();
            assert_eq!(signed, path.starts_with("/v1/"), "{path}");
        }
    }
}
