//! What every request has in common: bodies, fields, queries, problems.

use blackbox::Api;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_problem_names_itself_and_its_request() {
    let answer = Api::operator().get("/v1/customers/cus_00000000000000000000000000000000").await;
    assert_eq!(answer.problem(), (404, "not_found"));
    assert_eq!(answer.content_type, "application/problem+json");
    assert_eq!(answer.body["type"], "urn:drawbridge:problem:not_found");
    assert_eq!(answer.body["title"], "Not Found");
    assert!(!answer.body["request_id"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn unknown_fields_are_refused_by_name() {
    let api = Api::operator();
    let answer =
        api.post("/v1/customers", json!({"name": "n", "nmae": 1, "labels": {}, "x": {"y": 2}})).await;
    assert_eq!(answer.problem(), (400, "unknown_field"));
    assert_eq!(answer.pointers(), ["/nmae", "/x"]);
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_at_once() {
    let api = Api::operator();
    let customer = api.new_customer().await;
    let path = format!("/v1/customers/{customer}/connections");
    let answer = api
        .post(
            &path,
            json!({
                "label": " ", "account_id": "12", "role_name": "a/b",
                "capabilities": ["ec2-power", "ec2-everything"], "regions": ["us-east-1", "nowhere", "cn-north-1"],
            }),
        )
        .await;
    assert_eq!(answer.problem(), (400, "invalid_request"));
    assert_eq!(answer.pointers(), ["/label", "/account_id", "/role_name", "/capabilities/1", "/regions/1"]);

    let answer = api.post(&path, json!({})).await;
    assert_eq!(answer.problem(), (400, "missing_field"));
    assert_eq!(answer.pointers(), ["/capabilities", "/regions"]);

    let other_partition = json!({"capabilities": ["ec2-power"], "regions": ["cn-north-1"]});
    let answer = api.post(&path, other_partition).await;
    assert_eq!(answer.problem(), (400, "region_partition_unsupported"));

    let listed = api.get(&format!("/v1/connections?customer_id={customer}")).await.expect(200);
    assert_eq!(listed["items"], json!([]), "refusals make nothing");
}

#[tokio::test]
async fn nobody_chooses_the_external_id() {
    let api = Api::operator();
    let customer = api.new_customer().await;
    for id in [json!("chosen-by-the-caller"), json!(5), json!({"deep": true})] {
        let request = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"], "external_id": id});
        let answer = api.post(&format!("/v1/customers/{customer}/connections"), request).await;
        assert_eq!(answer.problem(), (400, "external_id_not_accepted"));
    }
    let (one, two) = (api.new_connection().await, api.new_connection().await);
    assert_ne!(one["external_id"], two["external_id"]);
    assert_ne!(one["role_name"], two["role_name"]);
}

#[tokio::test]
async fn capabilities_have_rules() {
    let api = Api::operator();
    let path = format!("/v1/customers/{}/connections", api.new_customer().await);
    let with = async |capabilities: serde_json::Value| {
        api.post(&path, json!({"capabilities": capabilities, "regions": ["us-east-1"]})).await
    };
    assert_eq!(with(json!(["classic", "ec2-power"])).await.problem(), (422, "classic_stands_alone"));
    assert_eq!(with(json!([])).await.problem(), (400, "capabilities_empty"));
    let twice = with(json!(["ec2-power", "ec2-power"])).await.expect(201);
    assert_eq!(twice["capabilities"], json!(["ec2-power"]));
    let no_region = json!({"capabilities": ["ec2-power"], "regions": []});
    assert_eq!(api.post(&path, no_region).await.problem(), (400, "regions_empty"));
}

#[tokio::test]
async fn bodies_are_bounded_and_json() {
    let api = Api::operator();
    let send = async |body: String| api.send(Method::POST, "/v1/customers", Some(body)).await;
    let long = json!({"name": "n".repeat(70_000)}).to_string();
    assert_eq!(send(long).await.problem(), (413, "body_too_large"));
    assert_eq!(send("{".to_owned()).await.problem(), (400, "malformed_json"));
    assert_eq!(send("[]".to_owned()).await.problem(), (400, "invalid_type"));
    let answer = send(r#"{"name": 5}"#.to_owned()).await;
    assert_eq!((answer.problem(), answer.pointers()), ((400, "invalid_type"), vec!["/name"]));
    assert_eq!(send(r#"["A name"]"#.to_owned()).await.problem(), (400, "invalid_type"));
    // Deeper than any parser should follow.
    let deep = format!(r#"{{"name": "n", "x": {}"#, "[".repeat(60_000));
    assert_eq!(send(deep).await.problem(), (400, "malformed_json"));
}

#[tokio::test]
async fn ids_in_paths_are_known_or_unknown() {
    let api = Api::operator();
    for id in ["con_1", "con_00000000000000000000000000000000", "cus_0", "a%20b", "%ff"] {
        for path in ["", "/events", "/setup"] {
            let answer = api.get(&format!("/v1/connections/{id}{path}")).await;
            assert_eq!(answer.problem(), (404, "not_found"), "{id}{path}");
        }
        let verify = api.send(Method::POST, &format!("/v1/connections/{id}/verify"), None).await;
        assert_eq!(verify.problem(), (404, "not_found"));
    }
    let request = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]});
    let path = "/v1/customers/cus_00000000000000000000000000000000/connections";
    assert_eq!(api.post(path, request).await.problem(), (404, "not_found"));
}

#[tokio::test]
async fn setup_knows_its_formats() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let path = format!("/v1/connections/{}/setup", connection["connection_id"].as_str().unwrap());
    let setup = api.get(&path).await.expect(200);
    assert_eq!(setup, api.setup(&connection).await);
    for form in ["terraform", "cli", "console"] {
        let alone = api.get(&format!("{path}?format={form}")).await;
        assert_eq!(alone.content_type, "text/plain; charset=utf-8");
        assert_eq!(alone.expect(200), setup[form]);
    }
    let template = api.get(&format!("{path}?format=cloudformation")).await;
    assert_eq!(template.content_type, "application/yaml");
    let id = connection["external_id"].as_str().unwrap();
    assert!(template.expect(200).as_str().unwrap().contains(&format!("    Default: '{id}'\n")));
    assert_eq!(api.get(&format!("{path}?format=yaml")).await.problem(), (400, "invalid_format"));
    assert_eq!(api.get(&format!("{path}?fromat=json")).await.problem(), (400, "unknown_parameter"));
    let trust = &setup["trust_policy"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"];
    assert_eq!(trust, &connection["external_id"]);
}
