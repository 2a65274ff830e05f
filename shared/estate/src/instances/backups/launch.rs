//! An instance is launched again from the image that was made of it.

use domain::Error;
use domain::backup::Backup;
use domain::relaunch::Launch;
use serde_json::{Value, json};

use super::MOST_TAGS;
use crate::operations::{Place, Read, Request};
use crate::plans::known;

/// The tag that says of what backup something was made again.
const RESTORED: &str = "drawbridge:restored-from";

/// Longest key of a tag that a request may have. Source: EC2 User Guide, "Tag restrictions".
const LONGEST_KEY: usize = 127;

const ACTION: &str = "ec2:RunInstances";

/// What the caller calls it, and AWS.
const FIELDS: [(&str, &str); 3] = [
    ("/input/InstanceType", "/instance_type"),
    ("/input/SubnetId", "/subnet_id"),
    ("/input/SecurityGroupIds", "/security_group_ids"),
];

/// The request that launches it, checked as every launch is.
///
/// # Errors
/// What a launch is refused for.
pub fn launch_of(
    backup: &Backup,
    launch: &Launch<'_>,
    place: &Place,
    read: &impl Read,
) -> Result<Request, Error> {
    let request = Request::read(ACTION.parse()?, &input(backup, launch), place, read);
    let mut request =
        request.unwrap_or_else(|| Err(Error::internal("a launch is not offered"))).map_err(named)?;
    if let Request::RunInstances(run) = &mut request {
        run.mark(RESTORED, &backup.id.to_string());
    }
    Ok(request)
}

fn input(backup: &Backup, launch: &Launch<'_>) -> Value {
    let (manifest, options) = (launch.manifest, &launch.manifest.metadata_options);
    let metadata = known(json!({
        "HttpTokens": options.http_tokens,
        "HttpEndpoint": options.http_endpoint,
        "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
        "HttpProtocolIpv6": options.http_protocol_ipv6,
        "InstanceMetadataTags": options.instance_metadata_tags,
    }));
    let tags = launch.tags().filter(|(key, _)| key.chars().count() <= LONGEST_KEY).take(MOST_TAGS - 1);
    let tags: Vec<Value> = tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let groups = Some(launch.security_group_ids).filter(|groups| !groups.is_empty());
    Value::Object(known(json!({
        "ImageId": backup.aws_id,
        "InstanceType": launch.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": launch.subnet_id,
        "SecurityGroupIds": groups,
        "KeyName": manifest.key_name,
        "EbsOptimized": manifest.ebs_optimized.then_some(true),
        "MetadataOptions": Some(metadata).filter(|options| !options.is_empty()),
        "TagSpecifications": (!tags.is_empty()).then(|| json!([{"ResourceType": "instance", "Tags": tags}])),
    })))
}

/// A refusal, with what is at fault as the caller calls it.
fn named(mut error: Error) -> Error {
    for field in &mut error.fields {
        for (input, said) in FIELDS {
            if let Some(rest) = field.pointer.strip_prefix(input) {
                field.pointer = format!("{said}{rest}");
            }
        }
    }
    error
}
