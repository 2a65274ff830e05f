//! What is the same for every connection of one installation.

use crate::arn::RoleArn;
use crate::error::Error;
use crate::place::{AccountId, Partition, Region};
use crate::policy::TrustedPrincipal;

/// One installation of Drawbridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The partition it is in; it reaches accounts of this partition alone.
    pub partition: Partition,
    /// The account it is in.
    pub provider: AccountId,
    /// The Region it is in, whose STS endpoint it uses.
    pub region: Region,
    /// Where customers can read the CloudFormation template of the role, if it was published.
    pub customer_template_url: Option<String>,
}

impl Deployment {
    /// Whom a connection's role trusts unless it is told otherwise.
    #[must_use]
    pub fn trusted_principal(&self) -> TrustedPrincipal {
        TrustedPrincipal::Account { provider: self.provider.clone() }
    }

    /// Whether `role` can be a customer's role of this installation.
    ///
    /// # Errors
    /// 400 `role_partition_unsupported`, 422 `role_in_provider_account`.
    pub fn admits(&self, role: &RoleArn) -> Result<(), Error> {
        if role.partition() != self.partition {
            return Err(Error::new(
                crate::ErrorKind::Malformed,
                "role_partition_unsupported",
                format!(
                    "the role is in the partition {}, and this installation reaches accounts of {} alone",
                    role.partition(),
                    self.partition
                ),
            ));
        }
        if *role.account() == self.provider {
            return Err(Error::refused(
                "role_in_provider_account",
                "the role is in the provider's own account; submit a role of the customer's account",
            ));
        }
        Ok(())
    }
}
