//! How the provider presents itself to its customers: its name, its colour and its logo.

mod colour;
mod logo;

use std::fmt;
use std::str::FromStr;

use domain::customer::{is_one_line, one_line_rule};
use runtime::{Environment, EnvironmentError};

pub(crate) use colour::{Colour, DARK_GROUND, LIGHT_GROUND};
pub(crate) use logo::Logo;

/// Longest name of a provider, in characters.
const LONGEST_NAME: usize = 60;

/// What the provider is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderName(String);

impl ProviderName {
    /// What stands for it where there is no logo: its first letter or digit.
    pub fn initial(&self) -> String {
        let first = self.0.chars().find(|c| c.is_alphanumeric()).unwrap_or('•');
        first.to_uppercase().collect()
    }
}

impl FromStr for ProviderName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_one_line(text, LONGEST_NAME) {
            Ok(Self(text.to_owned()))
        } else {
            Err(one_line_rule("a provider's name", LONGEST_NAME))
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the provider presents itself.
#[derive(Debug, Clone)]
pub(crate) struct Brand {
    pub name: ProviderName,
    pub colour: Colour,
    pub logo: Option<Logo>,
}

impl Brand {
    /// Reads it from the function's environment.
    pub fn from_environment(environment: &Environment<'_>) -> Result<Self, EnvironmentError> {
        let logo = environment.optional("PROVIDER_LOGO").map(|_| environment.required("PROVIDER_LOGO"));
        Ok(Self {
            name: environment.required("PROVIDER_NAME")?,
            colour: environment.required("PROVIDER_COLOUR")?,
            logo: logo.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
