//! Where things are in AWS: accounts, partitions, Regions.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, FieldError};
use crate::text::serde_as_text;

/// An AWS account id: exactly twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(FieldError::new(
                "",
                "invalid_account_id",
                "an AWS account id is exactly 12 digits",
            )))
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(AccountId);

/// A partition: a group of Regions with accounts and ARNs of its own.
///
/// Source: AWS General Reference, "Amazon Resource Names (ARNs)".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Partition {
    /// `aws`: the commercial Regions.
    Aws,
    /// `aws-cn`: the Regions in China.
    AwsCn,
    /// `aws-us-gov`: the AWS GovCloud (US) Regions.
    AwsUsGov,
}

impl Partition {
    /// Every partition that Drawbridge knows.
    pub const ALL: [Self; 3] = [Self::Aws, Self::AwsCn, Self::AwsUsGov];

    /// As it stands in an ARN.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
        }
    }

    /// The host of the partition's management console.
    #[must_use]
    pub const fn console_host(self) -> &'static str {
        match self {
            Self::Aws => "console.aws.amazon.com",
            Self::AwsCn => "console.amazonaws.cn",
            Self::AwsUsGov => "console.amazonaws-us-gov.com",
        }
    }
}

impl FromStr for Partition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|partition| partition.as_str() == text).ok_or_else(|| {
            Error::invalid(FieldError::new(
                "",
                "invalid_partition",
                "a partition is aws, aws-cn or aws-us-gov",
            ))
        })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(Partition);

/// The name of an AWS Region, such as `eu-central-1`.
///
/// Only the form is checked, for AWS adds Regions: two letters, words, one digit or two. It is
/// safe in a policy document, a host name and an ARN.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl Region {
    /// Longer than any Region that AWS has.
    const MAX_LENGTH: usize = 25;

    /// As AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that the Region belongs to, by its prefix.
    #[must_use]
    pub fn partition(&self) -> Partition {
        if self.0.starts_with("cn-") {
            Partition::AwsCn
        } else if self.0.starts_with("us-gov-") {
            Partition::AwsUsGov
        } else {
            Partition::Aws
        }
    }
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split('-').collect();
        let well_formed = text.len() <= Self::MAX_LENGTH
            && matches!(parts.as_slice(), [area, words @ .., number]
            if area.len() == 2
                && !words.is_empty()
                && matches!(number.len(), 1 | 2)
                && number.bytes().all(|b| b.is_ascii_digit())
                && words.iter().chain([area]).all(|word| {
                    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase())
                }));
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(FieldError::new(
                "",
                "invalid_region",
                "not the name of an AWS Region, such as eu-central-1",
            )))
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(Region);

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("us-east-1", Partition::Aws)]
    #[case("ap-southeast-5", Partition::Aws)]
    #[case("us-gov-west-1", Partition::AwsUsGov)]
    #[case("cn-northwest-1", Partition::AwsCn)]
    #[case("il-central-1", Partition::Aws)]
    fn regions_are_read(#[case] text: &str, #[case] partition: Partition) {
        let region: Region = text.parse().unwrap();
        assert_eq!(region.to_string(), text);
        assert_eq!(region.partition(), partition);
    }

    #[rstest]
    #[case("")]
    #[case("us-east")]
    #[case("us-1")]
    #[case("US-EAST-1")]
    #[case("us-east-1a")]
    #[case("us--east-1")]
    #[case("us-east-*")]
    #[case("us-east-${aws:x}-1")]
    #[case("us-east-1.evil.example")]
    #[case("us-east-1\n")]
    #[case("us-averyveryverylongregionname-1")]
    fn what_is_no_region_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Region>().unwrap_err().code, "invalid_region");
    }

    #[rstest]
    #[case("12345678901")]
    #[case("1234567890123")]
    #[case("12345678901a")]
    #[case("٣23456789012")]
    #[case(" 123456789012")]
    fn what_is_no_account_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<AccountId>().unwrap_err().code, "invalid_account_id");
    }

    #[test]
    fn every_partition_reads_back() {
        for partition in Partition::ALL {
            assert_eq!(partition.as_str().parse::<Partition>().unwrap(), partition);
        }
        assert!("aws-iso".parse::<Partition>().is_err());
    }
}
