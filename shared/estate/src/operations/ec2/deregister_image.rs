//! `ec2:DeregisterImage`. Source: EC2 API Reference, `DeregisterImage`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{check_id, client};
use crate::operations::{Carry, Outcome, Place, not_done};

/// Deregisters an image. Its snapshots stay, to be deleted one by one: `DeleteAssociatedSnapshots`
/// would delete more than the plan's one target.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeregisterImage {
    /// Which.
    pub(crate) image_id: String,
}

impl Carry for DeregisterImage {
    const ACTION: &'static str = "ec2:DeregisterImage";

    fn check(&self) -> Result<(), Error> {
        check_id("/ImageId", "ami-", &self.image_id)
    }

    /// The ARNs of images name no account.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        vec![Statement::allow([Self::ACTION], [place.shared_ec2(&format!("image/{}", self.image_id))])]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place).deregister_image().image_id(&self.image_id);
        let image = [self.image_id.clone()];
        match request.dry_run(dry_run).send().await {
            Ok(answer) => {
                let output =
                    answer.r#return().map_or(Value::Null, |deregistered| json!({ "Return": deregistered }));
                Outcome::done(image, output, &answer)
            }
            Err(error) => not_done(dry_run, image, &error),
        }
    }
}
