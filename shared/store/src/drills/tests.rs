use super::*;
use crate::backups::BackupWrite;
use crate::sample::{NOW, connection_id};
use crate::scripted::Scripted;
use domain::{BackupId, RunId};

fn table() -> DrillTable {
    DrillTable {
        connection_id: connection_id(2),
        region: "eu-central-1".parse().unwrap(),
        target: "drawbridge-drill-job_1".to_owned(),
        backup_id: BackupId::of(domain::JobId::of(
            RunId::new(NOW, [1; 10]),
            connection_id(2),
            &"eu-central-1".parse().unwrap(),
            "orders",
        )),
        backup_made_at: NOW,
        run_id: RunId::new(NOW, [1; 10]),
        chunk: 0,
        asked_at: NOW,
    }
}

#[tokio::test]
async fn a_table_is_found_in_its_region_and_forgotten_by_its_key() {
    let scripted = Scripted::new();
    scripted.page(vec![drill_item(&table()).unwrap()], None);
    let found = scripted.store.drill_tables(connection_id(2), &table().region).await.unwrap();
    assert_eq!(found, [table()]);
    let query = &scripted.queries()[0];
    let values = query.expression_attribute_values().unwrap();
    assert_eq!(values[":prefix"], text("DRILL#eu-central-1#"));
    let writes = scripted.store.backup_writes(&BackupWrite::DrillTableGone(table())).unwrap();
    let item = drill_item(&table()).unwrap();
    let delete = writes[0].delete().unwrap();
    assert_eq!((&delete.key()["pk"], &delete.key()["sk"]), (&item["pk"], &item["sk"]));
}
