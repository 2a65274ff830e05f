use super::*;

#[test]
fn every_kind_reads_back() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse::<Kind>().unwrap(), kind);
    }
    assert_eq!("dynamodb".parse::<Kind>().unwrap_err().code, "unknown_kind");
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

#[test]
fn backups_of_instances_take_a_capability_and_deleting_them_more() {
    let select = crate::selection::SelectionParts { names: vec!["*".to_owned()], ..Default::default() };
    let select = Selection::new(select).unwrap();
    let parts = crate::retention::RetentionParts { keep_last: Some(1), ..Default::default() };
    let retention = Retention::new(parts).unwrap();
    let capability = crate::CapabilitySet::new([crate::Capability::Ec2Backup]).unwrap();
    let takes = Kind::Ec2Backup.takes(&select, Some(&retention));
    assert!(takes.iter().all(|action| capability.holds(*action)), "{takes:?}");
    let deletes = |actions: &[Action]| actions.iter().any(|action| action.as_str() == "ec2:DeleteSnapshot");
    assert!(deletes(&takes) && !deletes(&Kind::Ec2Backup.takes(&select, None)));
}

/// Who may switch instances may see them as well, and nothing else is asked for.
#[test]
fn switching_instances_takes_to_see_and_to_switch_them() {
    let tags = [("hours".to_owned(), "office".to_owned())].into();
    let parts = crate::selection::SelectionParts { tags, ..Default::default() };
    let select = Selection::new(parts).unwrap();
    for (kind, action) in [(Kind::Ec2Start, "ec2:StartInstances"), (Kind::Ec2Stop, "ec2:StopInstances")] {
        let takes: Vec<_> = kind.takes(&select, None).iter().map(ToString::to_string).collect();
        assert_eq!(takes, [action, "ec2:DescribeInstances"]);
        let able = crate::CapabilitySet::new([crate::Capability::Ec2Power]).unwrap();
        assert!(kind.takes(&select, None).into_iter().all(|action| able.holds(action)));
    }
}
