//! A session as environment variables.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Environment variables list".

use super::Session;

/// Variables that would have a program take other credentials than those it is given, or mix the two.
/// Some SDKs heed a profile before keys.
pub const FORGOTTEN: [&str; 13] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_ACCOUNT_ID",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE",
];

/// What a program finds the session by, in the order in which people read it.
pub fn variables(session: &Session) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("AWS_ACCESS_KEY_ID", session.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", session.secret_access_key.clone()),
        ("AWS_SESSION_TOKEN", session.session_token.clone()),
        ("AWS_CREDENTIAL_EXPIRATION", session.expires_at.to_string()),
    ];
    if let Some(region) = &session.region {
        // Some tools read the one, some the other.
        variables.extend([("AWS_REGION", region.clone()), ("AWS_DEFAULT_REGION", region.clone())]);
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_whole_and_without_others() {
        let variables = variables(&Session::sample());
        let value =
            |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(value("AWS_ACCESS_KEY_ID"), Some("ASIAEXAMPLE"));
        assert_eq!(value("AWS_SECRET_ACCESS_KEY"), Some("the-secret"));
        assert_eq!(value("AWS_SESSION_TOKEN"), Some("the-token"));
        assert_eq!(value("AWS_CREDENTIAL_EXPIRATION"), Some("2030-03-17T17:46:40Z"));
        assert_eq!(
            (value("AWS_REGION"), value("AWS_DEFAULT_REGION")),
            (Some("eu-central-1"), Some("eu-central-1"))
        );
        assert!(FORGOTTEN.contains(&"AWS_PROFILE"));
        let anywhere = Session { region: None, ..Session::sample() };
        assert!(super::variables(&anywhere).iter().all(|(name, _)| !name.contains("REGION")));
    }
}
