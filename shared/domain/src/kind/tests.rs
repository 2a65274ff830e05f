use super::*;

#[test]
fn every_kind_reads_back_and_one_is_offered() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse::<Kind>().unwrap(), kind);
    }
    assert_eq!("dynamodb".parse::<Kind>().unwrap_err().code, "unknown_kind");
    let offered: Vec<_> = Kind::ALL.into_iter().filter(|kind| kind.admit().is_ok()).collect();
    assert_eq!(offered, [Kind::DynamodbBackup]);
}
