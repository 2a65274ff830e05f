//! The ARN of a customer's role, read so strictly that it may stand in a policy document.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, FieldError};
use crate::place::{AccountId, Partition};
use crate::text::serde_as_text;

/// Longest name of a role. Source: IAM User Guide, "IAM and AWS STS quotas".
pub const MAX_ROLE_NAME: usize = 64;
/// Longest path of a role, slashes included. Source: the same.
pub const MAX_ROLE_PATH: usize = 512;

/// The letters that IAM allows in names of roles and users: alphanumeric and `+=,.@_-`.
fn in_name_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte)
}

/// Whether a path, slashes included, is one that a policy document may hold.
fn is_path(path: &str) -> bool {
    let segments_sound = path == "/"
        || path[1..path.len() - 1]
            .split('/')
            .all(|segment| !segment.is_empty() && segment.bytes().all(in_name_alphabet));
    path.len() <= MAX_ROLE_PATH && segments_sound
}

/// The name of a role: 1 to 64 characters of IAM's alphabet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(String);

impl RoleName {
    /// What every ready-made role name begins with.
    pub const READY_MADE_PREFIX: &str = "drawbridge-";

    /// As IAM shows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a ready-made role: the prefix and eight characters from random bytes. Each has
    /// 32 possible values, so that names of one account do not collide by chance.
    #[must_use]
    pub fn ready_made(random: [u8; 8]) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
        let suffix = random.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        Self(format!("{}{}", Self::READY_MADE_PREFIX, String::from_iter(suffix)))
    }
}

impl FromStr for RoleName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if (1..=MAX_ROLE_NAME).contains(&text.len()) && text.bytes().all(in_name_alphabet) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(FieldError::new(
                "",
                "invalid_role_name",
                "a role name is 1 to 64 letters, digits or any of +=,.@_-",
            )))
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(RoleName);

/// The ARN of one role, `arn:<partition>:iam::<account>:role/<path><name>`.
///
/// It holds no wildcard, no policy variable and no character outside IAM's alphabet of names, so
/// that in a policy document it can only ever mean this one role. Paths with other characters,
/// which IAM would allow, are refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleArn {
    partition: Partition,
    account: AccountId,
    /// Begins and ends with a slash.
    path: String,
    name: RoleName,
}

impl RoleArn {
    /// The ARN of the role `name`, without a path, in `account`.
    #[must_use]
    pub fn new(partition: Partition, account: AccountId, name: RoleName) -> Self {
        Self { partition, account, path: "/".to_owned(), name }
    }

    /// The partition it is in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account it is in.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The role's own name, without its path.
    #[must_use]
    pub fn name(&self) -> &RoleName {
        &self.name
    }
}

fn invalid(detail: &str) -> Error {
    Error::invalid(FieldError::new("", "invalid_role_arn", detail))
}

impl FromStr for RoleArn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
            return Err(invalid("not the ARN of a role; it looks like arn:aws:iam::123456789012:role/NAME"));
        };
        let partition =
            partition.parse().map_err(|_| invalid("its partition is not aws, aws-cn or aws-us-gov"))?;
        let account = account.parse().map_err(|_| invalid("its account is not 12 digits"))?;
        let Some(path_and_name) = resource.strip_prefix("role/") else {
            return Err(invalid("it names something other than a role; role ARNs hold `:role/`"));
        };
        let (path, name) = match path_and_name.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".to_owned(), path_and_name),
        };
        let name = name
            .parse()
            .map_err(|_| invalid("its role name is not 1 to 64 letters, digits or any of +=,.@_-"))?;
        if !is_path(&path) {
            return Err(invalid(
                "its path is not made of letters, digits or any of +=,.@_- between single slashes",
            ));
        }
        if path.starts_with("/aws-service-role/") || path.starts_with("/aws-reserved/") {
            return Err(invalid("AWS itself manages this role, so its trust policy cannot be changed"));
        }
        Ok(Self { partition, account, path, name })
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, account, path, name } = self;
        write!(f, "arn:{partition}:iam::{account}:role{path}{name}")
    }
}

serde_as_text!(RoleArn);

/// The ARN of one user, `arn:<partition>:iam::<account>:user/<path><name>`, as strict as a role's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserArn {
    partition: Partition,
    account: AccountId,
    /// Its path without the first slash, and its name.
    path_and_name: String,
}

impl UserArn {
    /// The partition it is in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account it is in.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }
}

impl FromStr for UserArn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let read = match parts.as_slice() {
            ["arn", partition, "iam", "", account, resource] => {
                let path_and_name = resource.strip_prefix("user/").unwrap_or_default();
                let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
                let path = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
                // Names of users are as long as those of roles.
                let sound =
                    name.parse::<RoleName>().is_ok() && is_path(&path) && !path_and_name.starts_with('/');
                partition.parse().ok().zip(account.parse().ok()).filter(|_| sound).map(
                    |(partition, account)| Self {
                        partition,
                        account,
                        path_and_name: path_and_name.to_owned(),
                    },
                )
            }
            _ => None,
        };
        read.ok_or_else(|| {
            Error::invalid(FieldError::new(
                "",
                "invalid_user_arn",
                "not the ARN of a user; it looks like arn:aws:iam::123456789012:user/NAME",
            ))
        })
    }
}

impl fmt::Display for UserArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, account, path_and_name } = self;
        write!(f, "arn:{partition}:iam::{account}:user/{path_and_name}")
    }
}

#[cfg(test)]
mod tests;
