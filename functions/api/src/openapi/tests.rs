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
            let successes = operation["responses"].as_object().unwrap().keys();
            // A form leads back to its page.
            let successes = successes.filter(|status| status.starts_with(['2', '3']));
            let successes: Vec<_> = successes.map(String::as_str).collect();
            // Only what AWS may take longer over is answered in one of two ways, and what is planned or is its
            // owner's to do.
            let two = [["200", "202"], ["200", "201"]];
            let is_two = two.iter().any(|two| successes == two);
            assert!(successes.len() == 1 || is_two, "{method} {path}: {successes:?}");
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
            let content = body["content"].as_object().unwrap();
            assert_eq!(content.len(), 1, "{method} {path}");
            let name = content.values().next().unwrap()["schema"]["$ref"].as_str().unwrap();
            let schema = &schemas[name.rsplit('/').next().unwrap()];
            assert_eq!(schema["additionalProperties"], false, "{method} {path}: {schema}");
            bodies += 1;
        }
    }
    assert_eq!(bodies, 16);
    // Refused in its own words, which is no way to send one.
    assert!(schemas["CreateConnectionRequest"]["properties"].get("external_id").is_none());
}

#[test]
fn who_refused_is_described_and_may_be_missing() {
    let document = described();
    let probe = &document["components"]["schemas"]["Probe"];
    let reference = probe["properties"]["refused_by"].to_string();
    assert!(reference.contains("#/components/schemas/Side"), "{probe}");
    assert!(!probe["required"].as_array().unwrap().contains(&"refused_by".into()));
    let sides = document["components"]["schemas"]["Side"].to_string();
    for side in ["our_grant", "role_trust", "role_trust_or_absent", "organization_deny", "unknown"] {
        assert!(sides.contains(&format!("\"{side}\"")), "{side} in {sides}");
    }
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

#[test]
fn every_use_case_is_described() {
    let document = described();
    let mut tags = std::collections::BTreeMap::<String, usize>::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            *tags.entry(operation["tags"][0].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let tags: Vec<_> = tags.iter().map(|(tag, count)| (tag.as_str(), *count)).collect();
    assert_eq!(
        tags,
        [
            ("backups", 6),
            ("connections", 11),
            ("credentials", 1),
            ("customers", 3),
            ("grants", 3),
            ("onboarding", 8),
            ("operations", 3),
            ("plans", 3),
            ("runs", 4),
            ("schedules", 7),
            ("service", 2)
        ]
    );
}

#[test]
fn every_post_takes_an_idempotency_key_and_nothing_else_does() {
    let document = described();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let named = |name: &str| {
                parameters
                    .iter()
                    .filter(|one| one["name"] == name && one["in"] == "header")
                    .collect::<Vec<_>>()
            };
            let keys = named("Idempotency-Key");
            let form = operation["requestBody"]["content"].get("application/x-www-form-urlencoded").is_some();
            assert_eq!(keys.len(), usize::from(method == "post" && !form), "{method} {path}");
            assert!(keys.iter().all(|key| key["required"] == false));
            // Whatever changes a connection in place can be made to depend on its version.
            let in_place = path.starts_with("/v1/") && ["put", "patch", "delete"].contains(&method.as_str())
                // This one only makes a plan, which looks again before it is applied.
                && !(method == "delete" && path == "/v1/backups/{backup_id}");
            assert_eq!(named("If-Match").len(), usize::from(in_place), "{method} {path}");
        }
    }
}
