use super::*;

#[test]
fn every_kind_reads_back() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse::<Kind>().unwrap(), kind);
    }
    assert_eq!("dynamodb".parse::<Kind>().unwrap_err().code, "unknown_kind");
    let offered: Vec<_> = Kind::ALL.into_iter().filter(|kind| kind.admit().is_ok()).collect();
    assert_eq!(offered, [Kind::DynamodbBackup, Kind::RestoreDrill]);
}

#[test]
fn what_makes_no_backups_keeps_none() {
    let parts = crate::retention::RetentionParts { keep_last: Some(1), ..Default::default() };
    let retention = Retention::new(parts).unwrap();
    for kind in Kind::ALL {
        assert!(kind.admit_retention(None).is_ok());
        let admitted = kind.admit_retention(Some(&retention));
        assert_eq!(admitted.is_ok(), kind.makes_backups(), "{kind}");
        if let Err(refused) = admitted {
            assert_eq!(
                (refused.code, refused.fields[0].pointer.as_str()),
                ("retention_not_taken", "/retention")
            );
        }
    }
}
