//! What the options, the environment and the configuration file say together.
//!
//! An option goes before the environment, the environment before the file. A deployment that
//! `--deployment` names counts as given by option: a `DRAWBRIDGE_API_URL` that was left in the
//! environment cannot turn a command to another API.

use std::env;
use std::path::PathBuf;

use crate::api_url::ApiUrl;
use crate::arguments::Options;
use crate::configuration::{Configuration, Deployment};
use crate::failure::{Failure, Result};

/// Where the API is and what to sign with.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    /// The API's address.
    pub api_url: ApiUrl,
    /// What says where the API is.
    pub api_url_from: String,
    /// The Region to sign for and what says so, where it is known without AWS's configuration.
    pub region: Option<Known>,
    /// The AWS profile that was asked for by name and what says so, where it is not left to AWS's
    /// own variables and files.
    pub profile: Option<Known>,
}

/// A value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The value.
    pub value: String,
    /// What says so, for people.
    pub from: String,
}

/// What was found in the environment.
#[derive(Debug, Default)]
pub struct Environment {
    /// `DRAWBRIDGE_API_URL`.
    pub api_url: Option<String>,
    /// `DRAWBRIDGE_DEPLOYMENT`.
    pub deployment: Option<String>,
    /// The variable of AWS's own that says what to sign with, if one does.
    pub credentials: Option<&'static str>,
}

const HOW_TO_SET: &str = "pass --api-url, set DRAWBRIDGE_API_URL, or write `api_url = \"https://…\"` to the \
     configuration file. The address is the output ApiUrl of the deployed stack; that of the local stack is \
     `api_url` in .local/stack.json";

impl Environment {
    /// That of this process. A variable that is empty counts as unset.
    pub fn of_process() -> Self {
        let set = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self {
            api_url: set("DRAWBRIDGE_API_URL"),
            deployment: set("DRAWBRIDGE_DEPLOYMENT"),
            // In the order in which the SDK heeds them.
            credentials: ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"].into_iter().find(|name| set(name).is_some()),
        }
    }
}

impl Settings {
    /// Resolves the options; the configuration file is read once.
    pub fn resolve(options: &Options) -> Result<Self> {
        let file = Configuration::path();
        Self::of(options, &Environment::of_process(), file)
    }

    /// The same with an environment and a file of one's own.
    pub fn of(options: &Options, environment: &Environment, file: Option<PathBuf>) -> Result<Self> {
        // Who says elsewhere where the API is does not depend on a file.
        let is_elsewhere =
            options.api_url.is_some() || (environment.api_url.is_some() && options.deployment.is_none());
        let configuration = match file {
            Some(path) if !is_elsewhere => Configuration::read(path)?,
            _ => Configuration::default(),
        };
        Self::choose(options, environment, &configuration)
    }

    fn choose(options: &Options, environment: &Environment, configuration: &Configuration) -> Result<Self> {
        let named = options.deployment.as_deref().map(|name| (name, "--deployment"));
        let in_environment = environment.deployment.as_deref().map(|name| (name, "DRAWBRIDGE_DEPLOYMENT"));
        let in_environment = in_environment.filter(|_| environment.api_url.is_none());
        let asked_for = named.or(in_environment).filter(|_| options.api_url.is_none());
        let (section, place) = configuration.deployment(asked_for)?;
        let given = |value: &Option<String>, from: &str| {
            let value = value.as_ref().filter(|value| !value.trim().is_empty());
            value.map(|value| Known { value: value.clone(), from: from.to_owned() })
        };
        let in_file = |value: &Option<String>| given(value, &place);
        let by_variable = given(&environment.api_url, "DRAWBRIDGE_API_URL");
        let by_file = in_file(&section.api_url);
        let by_deployment = if named.is_some() { by_file.clone() } else { None };
        let address =
            given(&options.api_url, "--api-url").or(by_deployment).or(by_variable).or(by_file.clone());
        let Some(address) = address else { return Err(unset(configuration)) };
        let api_url: ApiUrl = address.value.parse().map_err(|error| {
            Failure::usage(format!("the API's address {:?} cannot be used: {error}", address.value))
                .because(format!("it comes from {}", address.from))
                .next(HOW_TO_SET)
        })?;
        // What a file says beside an address holds for that address alone.
        let section = if Some(&address) == by_file.as_ref() { section } else { Deployment::default() };
        let of_host = api_url
            .region()
            .map(|region| Known { value: region.to_owned(), from: "the API's host name".to_owned() });
        let region = given(&options.region, "--region").or(of_host).or(in_file(&section.region));
        // The environment goes before the file, AWS's variables too.
        let leaves_it = environment.credentials.is_some() && named.is_none();
        let profile =
            given(&options.profile, "--profile").or(in_file(&section.profile).filter(|_| !leaves_it));
        Ok(Self { api_url, api_url_from: address.from, region, profile })
    }
}

fn unset(configuration: &Configuration) -> Box<Failure> {
    let why = match &configuration.path {
        None => "there is no home folder to look for a file in".to_owned(),
        Some(path) => format!("{} does not say it either", path.display()),
    };
    let names: Vec<_> = configuration.names().collect();
    let failure = Failure::usage("the API's address is not set").because(why);
    if names.is_empty() {
        failure.next(HOW_TO_SET)
    } else {
        failure.next(format!(
            "choose one of the file's deployments with --deployment ({}), or {HOW_TO_SET}",
            names.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests;
