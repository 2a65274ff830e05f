//! The description of these routes is the API's to show, and the API links none of this. So it is
//! kept beside the API's, and held here against the routes.

use std::path::Path;

/// Set to write the description anew instead of holding it against the routes.
const WRITE: &str = "DRAWBRIDGE_WRITE_OPENAPI";

#[test]
fn the_api_describes_these_routes_as_they_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src/openapi/operations.json");
    let description = serde_json::to_value(super::description()).unwrap();
    let text = format!("{}\n", serde_json::to_string_pretty(&description).unwrap());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{} is not what the routes are; run this test with {WRITE}=1", path.display());
}
