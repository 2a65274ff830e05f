//! `infra/publish-template.sh`: the customer's template in a bucket, under a key that tells its content.

use std::path::Path;
use std::process::Output;

use blackbox::{CustomerAccount, Stack};

use crate::people_roles::Person;

fn publish(person: &Person, bucket: &str, more: &[(&str, &str)]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/publish-template.sh");
    let mut command = person.command(script.to_str().unwrap(), &[bucket]);
    command.envs(more.iter().copied()).output().unwrap()
}

#[test]
fn the_template_is_published_once_under_a_key_that_tells_its_content() {
    let account = CustomerAccount::new();
    let person = Person::new(&account.root());
    let bucket = format!("templates-{}", account.id);
    person.done("aws", &["s3api", "create-bucket", "--bucket", &bucket]);

    let first = publish(&person, &bucket, &[]);
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(first.status.success(), "{said}");
    assert!(said.contains("is published\n") && said.contains("s3:GetObject"), "{said}");
    let url = String::from_utf8(first.stdout).unwrap();
    let begin = format!("{}/{bucket}/drawbridge/customer-role-", Stack::get().endpoint_url);
    let hash = url
        .trim()
        .strip_prefix(&begin)
        .and_then(|rest| rest.strip_suffix(".yaml"))
        .unwrap_or_else(|| panic!("{url}"));
    assert!(hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{url}");

    // Again: the same URL, and nothing is written.
    let again = publish(&person, &bucket, &[]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("is published already"));
    assert_eq!(String::from_utf8(again.stdout).unwrap(), url);
    let key = url.trim().split_once(&format!("{bucket}/")).unwrap().1.to_owned();
    let kept = person.done("aws", &["s3", "cp", &format!("s3://{bucket}/{key}"), "-"]);
    assert_eq!(kept, include_str!("../../../infra/customer-role.yaml"));

    // Whether anybody can read it is found out by reading it.
    let checked = publish(&person, &bucket, &[("CHECK", "1")]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.success(), said.contains("anybody can read it"), "{said}");
    let elsewhere = publish(
        &person,
        &bucket,
        &[("CHECK", "1"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"), ("AWS_MAX_ATTEMPTS", "1")],
    );
    assert!(!elsewhere.status.success() && elsewhere.stdout.is_empty());

    for wrong in ["Not_A_Bucket", "a"] {
        assert_eq!(publish(&person, wrong, &[]).status.code(), Some(2), "{wrong}");
    }
}
