use super::*;
use crate::sample::{NOW, connection_id};
use crate::scripted::Scripted;
use domain::RunId;
use domain::backup::Gone;
use domain::chunk::Chunk;
use domain::expression::Timezone;
use domain::job::Job;
use domain::manifest::TableManifest;
use domain::run::Terms;

fn backup(resource: &str) -> Backup {
    let run = RunId::new(NOW, [1; 10]);
    let region: Region = "eu-central-1".parse().unwrap();
    let terms = Terms {
        kind: Kind::DynamodbBackup,
        schedule_id: None,
        retention: None,
        timezone: Timezone::default(),
        dry_run: false,
        ec2_backup: None,
    };
    let job = Job::waiting(run, connection_id(2), &region, resource);
    let chunk = Chunk::of((run, connection_id(2), region, 0), terms, vec![job], NOW, NOW);
    Backup::made(&chunk, &chunk.jobs[0], format!("arn:{resource}"), NOW, TableManifest::unseen(NOW))
}

#[tokio::test]
async fn a_backup_is_found_by_its_id_and_by_its_resource() {
    let (table, backup) = (Scripted::new(), backup("orders"));
    let writes = table.store.backup_writes(&BackupWrite::New(backup.clone())).unwrap();
    let keys: Vec<_> = writes
        .iter()
        .map(|write| {
            let item = write.put().unwrap().item();
            (item["pk"].as_s().unwrap().clone(), item["sk"].as_s().unwrap().clone())
        })
        .collect();
    let expected = [
        (format!("CONNECTION#{}", connection_id(2)), format!("BACKUP#eu-central-1#orders#{}", backup.id)),
        (format!("BACKUP#{}", backup.id), "META".to_owned()),
    ];
    assert_eq!(keys, expected);
    for write in &writes {
        let item = write.put().unwrap().item().clone();
        let key = Key { pk: item["pk"].as_s().unwrap().clone(), sk: item["sk"].as_s().unwrap().clone() };
        table.hold(key, item);
    }
    assert_eq!(table.store.backup(backup.id).await.unwrap(), backup);
    let other = BackupId::of(domain::JobId::new(NOW, [9; 10]));
    assert_eq!(table.store.backup(other).await.unwrap_err().code, "not_found");
}

/// Lists read no manifests, so that a change must leave the one there is.
#[tokio::test]
async fn a_change_leaves_the_manifest_as_it_is() {
    let gone = Backup { manifest: None, ..backup("orders").available(Some(7)) }.deleted(Gone::Retention, NOW);
    let write = Scripted::new().store.change_backup(&gone).unwrap();
    let update = write.update().unwrap();
    assert_eq!(update.condition_expression(), Some("#version = :before"));
    let values = update.expression_attribute_values().unwrap();
    assert_eq!(
        (&values[":before"], &values[":version"], &values[":state"]),
        (&number(2), &number(3), &text("deleted"))
    );
    assert!(!update.update_expression().contains("manifest"), "{}", update.update_expression());
    assert!(values.contains_key(":expires_at"), "what is gone is forgotten in time");
    let there = Scripted::new().store.change_backup(&backup("orders").available(None)).unwrap();
    assert!(!there.update().unwrap().expression_attribute_values().unwrap().contains_key(":expires_at"));
}

#[tokio::test]
async fn what_is_gone_is_listed_and_not_weighed() {
    let (first, second) = (backup("orders").available(None), backup("orders2").available(None));
    let items = [&first.deleted(Gone::Plan, NOW), &second].map(|backup| backup_item(backup).unwrap());
    let table = Scripted::new();
    table.page(items.to_vec(), None);
    table.page(items.to_vec(), None);
    let region = "eu-central-1".parse().unwrap();
    let weighed = table.store.backups_of(connection_id(2), &region, "orders").await.unwrap();
    assert_eq!(weighed, std::slice::from_ref(&second));
    let filter = BackupFilter { region: Some(region), ..BackupFilter::default() };
    let page = PageRequest { limit: 10, cursor: None };
    let listed = table.store.backups(connection_id(2), &filter, &page).await.unwrap();
    assert_eq!(listed.items.len(), 2);
    let prefixes: Vec<_> = table
        .queries()
        .iter()
        .map(|query| query.expression_attribute_values().unwrap()[":prefix"].as_s().unwrap().clone())
        .collect();
    assert_eq!(prefixes, ["BACKUP#eu-central-1#orders#", "BACKUP#eu-central-1#"]);
    assert!(!table.queries()[0].projection_expression().unwrap().contains("manifest"));
}
