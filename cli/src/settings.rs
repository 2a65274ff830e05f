//! What the options, the environment and the configuration file say together.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::api_url::ApiUrl;
use crate::arguments::Options;
use crate::failure::{Failure, Result};

/// Where the API is and what to sign with.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    /// The API's address.
    pub api_url: ApiUrl,
    /// The Region to sign for, where it is known without AWS's configuration.
    pub region: Option<String>,
    /// The profile that was asked for by name.
    pub profile: Option<String>,
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    api_url: Option<String>,
}

const HOW_TO_SET: &str = "pass --api-url, set DRAWBRIDGE_API_URL, or write `api_url = \"https://…\"` to the \
     configuration file. The address is the output ApiUrl of the deployed stack; that of the local stack is \
     `api_url` in .local/stack.json";

impl Settings {
    /// Resolves the options; the configuration file is read only if they do not say where the API is.
    pub fn resolve(options: Options) -> Result<Self> {
        Self::from(options, configuration_file())
    }

    fn from(options: Options, file: Option<PathBuf>) -> Result<Self> {
        let given = options.api_url.filter(|url| !url.trim().is_empty());
        let (address, origin) = match (given, file) {
            (Some(url), _) => (url, "--api-url or DRAWBRIDGE_API_URL".to_owned()),
            (None, None) => return Err(unset("there is no home folder to look for a file in")),
            (None, Some(path)) => {
                let origin = path.display().to_string();
                let url = read(&path)?.api_url;
                (url.ok_or_else(|| unset(&format!("{origin} does not say it either")))?, origin)
            }
        };
        let api_url: ApiUrl = address.parse().map_err(|error| {
            Failure::usage(format!("the API's address {address:?} cannot be used: {error}"))
                .because(format!("it comes from {origin}"))
                .next(HOW_TO_SET)
        })?;
        let region = options.region.or_else(|| api_url.region().map(str::to_owned));
        Ok(Self { api_url, region, profile: options.profile })
    }
}

fn unset(why: &str) -> Box<Failure> {
    Failure::usage("the API's address is not set").because(why).next(HOW_TO_SET)
}

/// Source: XDG Base Directory Specification; an empty or relative `XDG_CONFIG_HOME` counts as unset.
fn configuration_file() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("DRAWBRIDGE_CONFIG").or_else(|| {
        set("XDG_CONFIG_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| env::home_dir().map(|home| home.join(".config")))
            .map(|folder| folder.join("drawbridge").join("config.toml"))
    })
}

fn read(path: &Path) -> Result<File> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => {
            return Err(
                Failure::usage(format!("{} cannot be read", path.display())).because(error.to_string())
            );
        }
    };
    toml::from_str(&text).map_err(|error| {
        Failure::usage(format!("{} is not a configuration of drawbridge's", path.display()))
            .because(error.to_string().trim_end())
            .next("it has one setting: api_url = \"https://…\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Format;
    use crate::exit::Exit;

    fn options(api_url: Option<&str>, region: Option<&str>) -> Options {
        Options {
            api_url: api_url.map(str::to_owned),
            profile: None,
            region: region.map(str::to_owned),
            output: Format::Table,
        }
    }

    fn file(name: &str, text: &str) -> PathBuf {
        let path = env::temp_dir().join(format!("drawbridge-test-{}-{name}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn an_option_goes_before_the_file() {
        let path = file("order", "api_url = \"https://a.execute-api.eu-west-1.amazonaws.com\"\n");
        let from_file = Settings::from(options(None, None), Some(path.clone())).unwrap();
        assert_eq!(from_file.api_url.to_string(), "https://a.execute-api.eu-west-1.amazonaws.com");
        assert_eq!(from_file.region.as_deref(), Some("eu-west-1"));

        let given =
            Settings::from(options(Some("http://127.0.0.1:1/x"), Some("us-east-1")), Some(path.clone()));
        assert_eq!(given.as_ref().unwrap().api_url.to_string(), "http://127.0.0.1:1/x");
        assert_eq!(given.unwrap().region.as_deref(), Some("us-east-1"));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_wrong_configuration_says_how_to_mend_it() {
        let unknown = file("unknown", "api_uri = \"https://x\"\n");
        let missing = env::temp_dir().join("drawbridge-test-no-such-file.toml");
        for (options, path, says) in [
            (options(None, None), missing.clone(), "address is not set"),
            (options(None, None), unknown.clone(), "unknown field `api_uri`"),
            (options(Some("nonsense"), None), missing, "cannot be used"),
        ] {
            let failure = Settings::from(options, Some(path)).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.next.is_some());
            assert!(failure.to_string().contains(says), "{failure}");
        }
        fs::remove_file(unknown).unwrap();
    }
}
