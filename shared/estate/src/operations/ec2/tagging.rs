//! Tags, of what there is and of what is made.
//!
//! Sources: EC2 User Guide, "Tag your Amazon EC2 resources", "Tag restrictions", and "Grant permission
//! to tag Amazon EC2 resources during creation".

use aws_sdk_ec2::types;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::invalid;
use crate::operations::Place;

/// One tag.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    /// 1 to 127 characters.
    key: String,
    /// Up to 256 characters.
    #[serde(default)]
    value: String,
}

impl Tag {
    pub(super) fn sdk(&self) -> types::Tag {
        types::Tag::builder().key(&self.key).value(&self.value).build()
    }
}

/// Tags of the instance and the volumes that a launch makes, with a mark of Drawbridge's besides.
pub(super) fn marked(given: Option<Vec<TagSpecification>>, key: &str, value: &str) -> Vec<TagSpecification> {
    let mut all = given.unwrap_or_default();
    for kind in ["instance", "volume"] {
        let mark = Tag { key: key.to_owned(), value: value.to_owned() };
        match all.iter_mut().find(|one| one.resource_type == kind) {
            Some(one) => one.tags.push(mark),
            None => all.push(TagSpecification { resource_type: kind.to_owned(), tags: vec![mark] }),
        }
    }
    all
}

/// Most tags of a resource, and most characters of a key and of a value.
const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 127;
const LONGEST_VALUE: usize = 256;

/// What Drawbridge marks its own with, and protects targets by: nobody else sets these tags.
const OURS: &str = "drawbridge:";

/// What AWS keeps for itself, in whatever case.
const AWS: &str = "aws:";

/// Refuses tags that EC2 refuses, and Drawbridge's own. They stand under `/Tags`.
pub(super) fn check_tags(tags: &[Tag]) -> Result<(), Error> {
    if tags.is_empty() || tags.len() > MOST_TAGS {
        return Err(invalid("/Tags", "invalid_tags", format!("give 1 to {MOST_TAGS} tags")));
    }
    for (place, tag) in tags.iter().enumerate() {
        check_tag(tag).map_err(|error| error.at(&format!("/Tags/{place}")))?;
        if tags.iter().take(place).any(|other| other.key == tag.key) {
            return Err(invalid(format!("/Tags/{place}/Key"), "invalid_tags", "it is given twice"));
        }
    }
    Ok(())
}

fn check_tag(tag: &Tag) -> Result<(), Error> {
    if tag.key.is_empty() || tag.key.chars().count() > LONGEST_KEY {
        let detail = format!("a tag's key is 1 to {LONGEST_KEY} characters");
        return Err(invalid("/Key", "invalid_tag_key", detail));
    }
    let begins =
        |prefix: &str| tag.key.get(..prefix.len()).is_some_and(|key| key.eq_ignore_ascii_case(prefix));
    if begins(OURS) || begins(AWS) {
        let detail = format!("keys that begin with {OURS} are Drawbridge's, and those with {AWS} are AWS's");
        return Err(Error::refused("reserved_tag_key", detail).at("/Key"));
    }
    if tag.value.chars().count() > LONGEST_VALUE {
        let detail = format!("a tag's value is at most {LONGEST_VALUE} characters");
        return Err(invalid("/Value", "invalid_tag_value", detail));
    }
    Ok(())
}

/// `TagSpecification`: with what to tag, as they are made, all things of one type.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagSpecification {
    /// Which of the things that are made.
    resource_type: String,
    /// With what, 1 to 50.
    tags: Vec<Tag>,
}

/// Refuses tags of what an action does not make, and those of the same type given in two parts.
pub(super) fn check_specifications(
    given: Option<&[TagSpecification]>,
    makes: &'static [&'static str],
) -> Result<(), Error> {
    for (place, one) in given.unwrap_or_default().iter().enumerate() {
        let at = format!("/TagSpecifications/{place}");
        let said = |other: &&TagSpecification| other.resource_type == one.resource_type;
        if !makes.contains(&one.resource_type.as_str()) {
            let detail = format!("this makes, and tags, what is one of {}", makes.join(", "));
            return Err(invalid(format!("{at}/ResourceType"), "invalid_resource_type", detail));
        }
        if given.unwrap_or_default().iter().take(place).any(|other| said(&other)) {
            let detail = "the tags of one type stand together";
            return Err(invalid(format!("{at}/ResourceType"), "invalid_resource_type", detail));
        }
        check_tags(&one.tags).map_err(|error| error.at(&at))?;
    }
    Ok(())
}

/// The same as the SDK takes them.
pub(super) fn specifications(given: Option<&[TagSpecification]>) -> Option<Vec<types::TagSpecification>> {
    let one = |one: &TagSpecification| {
        types::TagSpecification::builder()
            .resource_type(types::ResourceType::from(one.resource_type.as_str()))
            .set_tags(Some(one.tags.iter().map(Tag::sdk).collect()))
            .build()
    };
    given.filter(|given| !given.is_empty()).map(|given| given.iter().map(one).collect())
}

/// What tagging takes as things are made: to tag them, but only as this action makes them. Nothing, if
/// nothing is tagged.
pub(crate) fn needs_tagging<'a>(
    place: &Place,
    made_by: &'static str,
    types: impl IntoIterator<Item = &'a str>,
) -> Option<Statement> {
    let made: Vec<_> = types.into_iter().map(|kind| any(place, kind)).collect();
    let tagging = Statement::allow(["ec2:CreateTags"], made.clone());
    (!made.is_empty()).then(|| tagging.on_condition("StringEquals", "ec2:CreateAction", made_by))
}

/// The types that are tagged.
pub(super) fn tagged(given: Option<&[TagSpecification]>) -> impl Iterator<Item = &str> {
    given.unwrap_or_default().iter().map(|one| one.resource_type.as_str())
}

/// Whatever is made of this type has an id that nobody knows before. Images and snapshots have no
/// account in their ARNs. Source: Service Authorization Reference, Amazon EC2, "Resource types".
pub(crate) fn any(place: &Place, kind: &str) -> String {
    named(place, kind, "*")
}

/// A thing of this type, by its ARN.
pub(crate) fn named(place: &Place, kind: &str, id: &str) -> String {
    let resource = format!("{kind}/{id}");
    let Place { partition, region, .. } = place;
    match kind {
        "image" | "snapshot" => format!("arn:{partition}:ec2:{region}::{resource}"),
        _ => place.ec2(&resource),
    }
}
