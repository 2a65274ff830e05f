use super::*;
use serde_json::json;

#[test]
fn snapshots_of_all_volumes_are_made_unless_something_else_is_said() {
    let said: Ec2Backup = serde_json::from_value(json!({})).unwrap();
    assert_eq!(said, Ec2Backup::default());
    assert_eq!(said.method, BackupMethod::Snapshots);
    assert!(!said.excludes(true) && !said.excludes(false));
    assert!(said.read().is_ok());
}

#[test]
fn nothing_is_no_backup() {
    let without = |boot, data, method| {
        Ec2Backup { method, exclude_boot_volume: boot, exclude_data_volumes: data }.read().map(|_| ())
    };
    let code = |refused: Result<(), Error>| refused.unwrap_err().code;
    assert_eq!(code(without(true, true, BackupMethod::Snapshots)), "ec2_backup_empty");
    assert_eq!(code(without(true, false, BackupMethod::Image)), "image_boots");
    assert!(without(true, false, BackupMethod::Snapshots).is_ok());
    assert!(without(false, true, BackupMethod::Image).is_ok());
}

#[test]
fn who_backs_no_instances_up_is_not_told_how() {
    for kind in Kind::ALL {
        assert!(admit_ec2_backup(kind, None).is_ok());
        let given = admit_ec2_backup(kind, Some(Ec2Backup::default()));
        assert_eq!(given.is_ok(), kind == Kind::Ec2Backup, "{kind}");
        if let Err(refused) = given {
            assert_eq!(refused.code, "ec2_backup_not_taken");
            assert_eq!(refused.fields[0].pointer, "/ec2_backup");
        }
    }
}
