//! A function's configuration: environment variables, read once at start, each by its type.

use std::str::FromStr;

use domain::Deployment;
use domain::grant::Capacity;

/// A variable that is missing or cannot be read. It names the variable, not its value.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// It is not set, or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It cannot be read.
    #[error("the environment variable {name} cannot be read: {why}")]
    Unreadable {
        /// Which one.
        name: &'static str,
        /// Why not.
        why: String,
    },
}

/// Where variables come from.
pub struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

impl<'a> Environment<'a> {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Environment<'static> {
        Environment(&|name| std::env::var(name).ok())
    }

    /// Variables that `lookup` knows.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// The variable `name`; an empty one counts as unset.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The variable `name`, read as a `T`.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub fn required<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &'static str,
    ) -> Result<T, EnvironmentError> {
        let value = self.optional(name).ok_or(EnvironmentError::Missing(name))?;
        value.parse().map_err(|why: T::Err| EnvironmentError::Unreadable { name, why: why.to_string() })
    }

    /// How many grants the installation can hold, and how large.
    ///
    /// # Errors
    /// When a variable is missing or cannot be read.
    pub fn grant_capacity(&self) -> Result<Capacity, EnvironmentError> {
        Ok(Capacity {
            brokers: self.required("BROKER_COUNT")?,
            per_broker: self.required("GRANTS_PER_BROKER")?,
            characters: self.required("GRANT_CHARACTERS")?,
        })
    }

    /// What is the same for every connection of this installation.
    ///
    /// # Errors
    /// When a variable is missing or cannot be read.
    pub fn deployment(&self) -> Result<Deployment, EnvironmentError> {
        Ok(Deployment {
            partition: self.required("PARTITION")?,
            provider: self.required("PROVIDER_ACCOUNT_ID")?,
            region: self.required("AWS_REGION")?,
            customer_template_url: self.optional("CUSTOMER_TEMPLATE_URL"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Option<String> {
        let value = match name {
            "PARTITION" => "aws",
            "PROVIDER_ACCOUNT_ID" => "111111111111",
            "AWS_REGION" => "eu-central-1",
            "ROUNDS" => "many",
            "CUSTOMER_TEMPLATE_URL" => "",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn a_deployment_is_read() {
        let deployment = Environment::new(&known).deployment().unwrap();
        assert_eq!(deployment.provider.as_str(), "111111111111");
        assert_eq!(deployment.customer_template_url, None);
    }

    #[test]
    fn what_is_missing_or_broken_is_named() {
        let environment = Environment::new(&known);
        let missing = environment.required::<String>("TABLE_NAME").unwrap_err();
        assert_eq!(missing.to_string(), "the environment variable TABLE_NAME is not set");
        let broken = environment.required::<u32>("ROUNDS").unwrap_err().to_string();
        assert!(broken.starts_with("the environment variable ROUNDS cannot be read"), "{broken}");
        assert!(environment.required::<String>("CUSTOMER_TEMPLATE_URL").is_err());
    }
}
