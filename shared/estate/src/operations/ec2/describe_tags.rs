//! `ec2:DescribeTags`. Source: EC2 API Reference, `DescribeTags`.

use access::CustomerSession;
use aws_sdk_ec2::types::TagDescription;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Filter, check_filters, check_page, client, each, everywhere, filters, list, page_size};
use crate::operations::{Carry, Outcome, Place};

/// Lists the tags of resources, a page at a time. What is asked about is named by filters, such as
/// `resource-id`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeTags {
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeTags {
    const ACTION: &'static str = "ec2:DescribeTags";

    fn check(&self) -> Result<(), Error> {
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=1000, self.next_token.as_deref(), false)
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .describe_tags()
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, false))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "Tags": each(page.tags(), tag),
            "NextToken": page.next_token(),
        }))
    }
}

fn tag(tag: &TagDescription) -> Value {
    json!({
        "ResourceId": tag.resource_id(),
        "ResourceType": tag.resource_type().map(|kind| kind.as_str()),
        "Key": tag.key(),
        "Value": tag.value(),
    })
}
