//! The configuration file: one deployment, or several by name.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::Deserialize;

use crate::failure::{Failure, Result};

/// The configuration file, as far as there is one.
#[derive(Debug, Default)]
pub struct Configuration {
    /// Where it is, or would be.
    pub path: Option<PathBuf>,
    /// Whether it is there.
    pub exists: bool,
    content: File,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    api_url: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    /// Which of the deployments is meant unless another is named.
    deployment: Option<String>,
    #[serde(default)]
    deployments: BTreeMap<String, Deployment>,
}

/// What a file says of one deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The API's address.
    pub api_url: Option<String>,
    /// The Region to sign for, where the address does not tell it.
    pub region: Option<String>,
    /// The AWS profile to sign with.
    pub profile: Option<String>,
}

const HOW_TO_WRITE: &str = "its settings are api_url, profile, region and deployment, and api_url, profile and region \
     in tables such as [deployments.staging]";

impl Configuration {
    /// Where the file is looked for.
    ///
    /// Source: XDG Base Directory Specification; an empty or relative `XDG_CONFIG_HOME` counts as unset.
    pub fn path() -> Option<PathBuf> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("DRAWBRIDGE_CONFIG").or_else(|| {
            set("XDG_CONFIG_HOME")
                .filter(|path| path.is_absolute())
                .or_else(|| env::home_dir().map(|home| home.join(".config")))
                .map(|folder| folder.join("drawbridge").join("config.toml"))
        })
    }

    /// Reads a file. One that is not there says nothing.
    pub fn read(path: PathBuf) -> Result<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self { path: Some(path), ..Self::default() });
            }
            Err(error) => {
                return Err(Failure::usage(format!("{} cannot be read", path.display()))
                    .because(error.to_string())
                    .next("mend its permissions, or name another file in DRAWBRIDGE_CONFIG"));
            }
        };
        let content = toml::from_str(&text).map_err(|error| {
            Failure::usage(format!("{} is not a configuration of drawbridge's", path.display()))
                .because(error.to_string().trim_end())
                .next(HOW_TO_WRITE)
        })?;
        Ok(Self { path: Some(path), exists: true, content })
    }

    /// The names of its deployments.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.content.deployments.keys().map(String::as_str)
    }

    /// The deployment that is meant, and the place where it stands, for people.
    ///
    /// `asked_for` is a name and what gave it. Without one it is the file's own choice, and without
    /// that what stands outside every table.
    pub fn deployment(&self, asked_for: Option<(&str, &str)>) -> Result<(Deployment, String)> {
        let file = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let own = self.content.deployment.as_deref().map(|name| (name, "`deployment`"));
        let Some((name, from)) = asked_for.or(own) else {
            let File { api_url, region, profile, .. } = &self.content;
            let section =
                Deployment { api_url: api_url.clone(), region: region.clone(), profile: profile.clone() };
            return Ok((section, file));
        };
        if let Some(section) = self.content.deployments.get(name) {
            return Ok((section.clone(), format!("[deployments.{name}] of {file}")));
        }
        let names: Vec<_> = self.names().collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(Failure::usage(format!("there is no deployment {name:?}, which {from} names"))
            .because(format!("the deployments of {file}: {names}"))
            .next("name one of them, or write a table [deployments.NAME] with its api_url"))
    }
}
