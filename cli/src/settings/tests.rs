use std::fs;

use super::*;
use crate::arguments::Format;
use crate::exit::Exit;

fn options() -> Options {
    Options { api_url: None, deployment: None, profile: None, region: None, output: Format::Table }
}

/// A file that goes with the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = env::temp_dir().join(format!("drawbridge-settings-{}-{name}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn settings(&self, options: &Options, environment: &Environment) -> Result<Settings> {
        Settings::of(options, environment, Some(self.0.clone()))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const TWO: &str = r#"
deployment = "live"

[deployments.live]
api_url = "https://a.execute-api.eu-west-1.amazonaws.com"
profile = "ops"

[deployments.staging]
api_url = "https://staging.example.com"
region = "eu-north-1"
profile = "dev"
"#;

/// Address, Region and profile, each with what says so.
fn told(settings: &Settings) -> String {
    let known = |known: &Option<Known>| {
        known.as_ref().map_or("-".to_owned(), |known| format!("{} ({})", known.value, known.from))
    };
    format!(
        "{} ({}); {}; {}",
        settings.api_url,
        settings.api_url_from,
        known(&settings.region),
        known(&settings.profile)
    )
}

#[test]
fn an_option_goes_before_the_environment_and_that_before_the_file() {
    let file = File::new(
        "order",
        "api_url = \"https://a.execute-api.eu-west-1.amazonaws.com\"\nprofile = \"ops\"\n",
    );
    let path = file.0.display();
    let url = |url: &str| Some(url.to_owned());
    let nothing = Environment::default();
    let in_environment = Environment { api_url: url("https://env.example.com"), ..Environment::default() };

    assert_eq!(
        told(&file.settings(&options(), &nothing).unwrap()),
        format!(
            "https://a.execute-api.eu-west-1.amazonaws.com ({path}); eu-west-1 (the API's host name); ops ({path})"
        )
    );
    // What the file says of its own address is not said of another.
    assert_eq!(
        told(&file.settings(&options(), &in_environment).unwrap()),
        "https://env.example.com (DRAWBRIDGE_API_URL); -; -"
    );
    let given = Options {
        api_url: url("http://127.0.0.1:1/x"),
        region: url("us-east-1"),
        profile: url("mine"),
        ..options()
    };
    assert_eq!(
        told(&file.settings(&given, &in_environment).unwrap()),
        "http://127.0.0.1:1/x (--api-url); us-east-1 (--region); mine (--profile)"
    );
    // AWS's own variables are the environment too.
    let with_keys = Environment { credentials: Some("AWS_PROFILE"), ..Environment::default() };
    assert_eq!(file.settings(&options(), &with_keys).unwrap().profile, None);
}

#[test]
fn a_deployment_is_chosen_by_name() {
    let file = File::new("deployments", TWO);
    let path = file.0.display();
    let live = format!(
        "https://a.execute-api.eu-west-1.amazonaws.com ([deployments.live] of {path}); \
         eu-west-1 (the API's host name); ops ([deployments.live] of {path})"
    );
    let staging = format!(
        "https://staging.example.com ([deployments.staging] of {path}); \
         eu-north-1 ([deployments.staging] of {path}); dev ([deployments.staging] of {path})"
    );
    let name = |name: &str| Some(name.to_owned());
    let nothing = Environment::default();
    assert_eq!(told(&file.settings(&options(), &nothing).unwrap()), live);
    let by_variable = Environment { deployment: name("staging"), ..Environment::default() };
    assert_eq!(told(&file.settings(&options(), &by_variable).unwrap()), staging);

    // Nothing that was left in the environment turns the command elsewhere.
    let littered = Environment {
        api_url: name("https://env.example.com"),
        deployment: name("live"),
        credentials: Some("AWS_PROFILE"),
    };
    let by_option = Options { deployment: name("staging"), ..options() };
    assert_eq!(told(&file.settings(&by_option, &littered).unwrap()), staging);
    let by_both = Options { profile: name("mine"), region: name("us-east-1"), ..by_option };
    assert!(
        told(&file.settings(&by_both, &littered).unwrap())
            .ends_with("; us-east-1 (--region); mine (--profile)")
    );
}

#[test]
fn a_wrong_configuration_says_how_to_mend_it() {
    let nothing = Environment::default();
    let wrong = |options: &Options, file: &str| {
        let file = File::new("wrong", file);
        let failure = file.settings(options, &nothing).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.next.is_some());
        failure.to_string()
    };
    let named = Options { deployment: Some("stagging".to_owned()), ..options() };
    let text = wrong(&named, TWO);
    assert!(text.contains("\"stagging\"") && text.contains("live, staging"), "{text}");
    let text = wrong(&options(), "deployment = \"live\"\n");
    assert!(text.contains("`deployment` names") && text.contains(": none"), "{text}");
    let text = wrong(&options(), &TWO.replace("deployment = ", "# "));
    assert!(text.contains("--deployment (live, staging)"), "{text}");
    let text = wrong(&options(), "api_uri = \"https://x\"\n");
    assert!(text.contains("unknown field `api_uri`") && text.contains("[deployments.staging]"), "{text}");
    let text = wrong(&options(), "[deployments.a]\napi_uri = \"https://x\"\n");
    assert!(text.contains("unknown field `api_uri`"), "{text}");
    let text = wrong(&options(), "api_url = \"nonsense\"\n");
    assert!(text.contains("cannot be used") && text.contains("it comes from /"), "{text}");
    let text = wrong(&options(), "");
    assert!(text.contains("address is not set"), "{text}");
}

#[test]
fn who_says_where_the_api_is_needs_no_file() {
    let file = File::new("broken", "api_uri = 1");
    let given = Options { api_url: Some("https://api.example.com".to_owned()), ..options() };
    assert_eq!(
        told(&file.settings(&given, &Environment::default()).unwrap()),
        "https://api.example.com (--api-url); -; -"
    );
    let in_environment = Environment {
        api_url: Some("https://env.example.com".to_owned()),
        deployment: Some("live".to_owned()),
        ..Environment::default()
    };
    assert_eq!(
        told(&file.settings(&options(), &in_environment).unwrap()),
        "https://env.example.com (DRAWBRIDGE_API_URL); -; -"
    );
    let missing = env::temp_dir().join("drawbridge-settings-no-such-file.toml");
    let failure = Settings::of(&options(), &Environment::default(), Some(missing)).unwrap_err();
    assert!(failure.what.contains("address is not set"), "{failure}");
    let failure = Settings::of(&options(), &Environment::default(), None).unwrap_err();
    assert!(failure.to_string().contains("no home folder"), "{failure}");
}
