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
        let segments_sound = path == "/"
            || path[1..path.len() - 1]
                .split('/')
                .all(|segment| !segment.is_empty() && segment.bytes().all(in_name_alphabet));
        if path.len() > MAX_ROLE_PATH || !segments_sound {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("arn:aws:iam::123456789012:role/drawbridge-abcdefgh", "/", "drawbridge-abcdefgh")]
    #[case("arn:aws:iam::123456789012:role/team/ops/R+=,.@_-1", "/team/ops/", "R+=,.@_-1")]
    #[case("arn:aws-cn:iam::123456789012:role/a", "/", "a")]
    #[case("arn:aws-us-gov:iam::000000000000:role/a", "/", "a")]
    fn roles_are_read(#[case] text: &str, #[case] path: &str, #[case] name: &str) {
        let arn: RoleArn = text.parse().unwrap();
        assert_eq!(arn.to_string(), text);
        assert_eq!((arn.path.as_str(), arn.name().as_str()), (path, name));
    }

    #[rstest]
    #[case::empty("")]
    #[case::blank(" ")]
    #[case::blank_before(" arn:aws:iam::123456789012:role/a")]
    #[case::newline_after("arn:aws:iam::123456789012:role/a\n")]
    #[case::wildcard_name("arn:aws:iam::123456789012:role/*")]
    #[case::wildcard_tail("arn:aws:iam::123456789012:role/a*")]
    #[case::question_mark("arn:aws:iam::123456789012:role/a?")]
    #[case::wildcard_path("arn:aws:iam::123456789012:role/*/a")]
    #[case::wildcard_account("arn:aws:iam::*:role/a")]
    #[case::wildcard_partition("arn:*:iam::123456789012:role/a")]
    #[case::wildcard_alone("*")]
    #[case::variable("arn:aws:iam::123456789012:role/${aws:username}")]
    #[case::variable_path("arn:aws:iam::123456789012:role/${aws:username}/a")]
    #[case::quote("arn:aws:iam::123456789012:role/a\"")]
    #[case::json("arn:aws:iam::123456789012:role/a\",\"arn:aws:iam::1:role/b")]
    #[case::two_arns("arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789013:role/b:c")]
    #[case::user("arn:aws:iam::123456789012:user/a")]
    #[case::root("arn:aws:iam::123456789012:root")]
    #[case::policy("arn:aws:iam::123456789012:policy/a")]
    #[case::instance_profile("arn:aws:iam::123456789012:instance-profile/a")]
    #[case::session("arn:aws:sts::123456789012:assumed-role/a/b")]
    #[case::with_region("arn:aws:iam:us-east-1:123456789012:role/a")]
    #[case::short_account("arn:aws:iam::12345678901:role/a")]
    #[case::long_account("arn:aws:iam::1234567890123:role/a")]
    #[case::no_account("arn:aws:iam:::role/a")]
    #[case::aws_account("arn:aws:iam::aws:role/a")]
    #[case::full_width_digits("arn:aws:iam::１２３４５６７８９０１２:role/a")]
    #[case::unknown_partition("arn:aws-moon:iam::123456789012:role/a")]
    #[case::upper_case("ARN:AWS:IAM::123456789012:ROLE/A")]
    #[case::no_name("arn:aws:iam::123456789012:role/")]
    #[case::no_slash("arn:aws:iam::123456789012:role")]
    #[case::only_path("arn:aws:iam::123456789012:role/path/")]
    #[case::double_slash("arn:aws:iam::123456789012:role//a")]
    #[case::double_slash_inside("arn:aws:iam::123456789012:role/a//b")]
    #[case::space_inside("arn:aws:iam::123456789012:role/a b")]
    #[case::null_byte("arn:aws:iam::123456789012:role/a\0")]
    #[case::homoglyph("arn:aws:iam::123456789012:role/аdmin")]
    #[case::right_to_left("arn:aws:iam::123456789012:role/\u{202e}nimda")]
    #[case::colon_in_name("arn:aws:iam::123456789012:role/a:b")]
    #[case::percent("arn:aws:iam::123456789012:role/%2a")]
    #[case::service_linked(
        "arn:aws:iam::123456789012:role/aws-service-role/ec2.amazonaws.com/AWSServiceRoleForEC2"
    )]
    #[case::identity_center(
        "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123"
    )]
    #[case::long_name(
        "arn:aws:iam::123456789012:role/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    )]
    fn hostile_and_mistaken_arns_are_refused(#[case] text: &str) {
        assert_eq!(text.parse::<RoleArn>().unwrap_err().code, "invalid_role_arn");
    }

    #[test]
    fn a_path_has_a_longest_length() {
        let arn = |length: usize| {
            format!("arn:aws:iam::123456789012:role/{}/n", "p".repeat(length - 2)).parse::<RoleArn>()
        };
        assert!(arn(MAX_ROLE_PATH).is_ok());
        assert!(arn(MAX_ROLE_PATH + 1).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_one_role(text in "arn:aws:iam::123456789012:role/[ -~]{1,80}") {
            if let Ok(arn) = text.parse::<RoleArn>() {
                prop_assert_eq!(arn.to_string(), text.clone());
                prop_assert!(!text.contains(['*', '?', '$', '"', '\\', ' ']));
                // Nothing in it is escaped in JSON, so its length in a policy is its own.
                prop_assert_eq!(serde_json::to_string(&arn)?.len(), text.len() + 2);
            }
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,120}") {
            if let Ok(arn) = text.parse::<RoleArn>() {
                prop_assert_eq!(arn.to_string(), text);
            }
        }

        #[test]
        fn ready_made_names_are_role_names(random: [u8; 8]) {
            let name = RoleName::ready_made(random);
            prop_assert_eq!(name.as_str().len(), RoleName::READY_MADE_PREFIX.len() + 8);
            prop_assert_eq!(name.as_str().parse::<RoleName>()?, name);
        }
    }
}
