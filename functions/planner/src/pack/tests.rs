use super::*;
use domain::{Capability, ConnectionId, RunId};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn place() -> Place {
    Place {
        partition: "aws".parse().unwrap(),
        account: "222222222222".parse().unwrap(),
        region: "ap-southeast-2".parse().unwrap(),
    }
}

fn capabilities() -> CapabilitySet {
    CapabilitySet::new([Capability::DynamodbBackup]).unwrap()
}

fn job(name: &str, tags: usize) -> Job {
    let run = RunId::new(Timestamp::UNIX_EPOCH, [1; 10]);
    let connection = ConnectionId::new(Timestamp::UNIX_EPOCH, [2; 10]);
    let tags = (tags > 0).then(|| BTreeMap::from([("k".to_owned(), "v".repeat(tags))]));
    Job { tags, ..Job::waiting(run, connection, &place().region, name) }
}

#[test]
fn a_chunk_has_25_jobs_at_most() {
    let jobs: Vec<Job> = (0..60).map(|number| job(&format!("t{number:02}"), 0)).collect();
    let chunks = pack(Kind::DynamodbBackup, jobs, &place(), &capabilities());
    assert!(chunks.iter().all(|chunk| chunk.len() <= MOST_JOBS));
}

proptest! {
    /// Nothing is lost, nothing comes twice, and whatever the names are, a session can be limited to a
    /// chunk's tables, even by whoever looks for what a crash has left behind.
    #[test]
    fn every_job_is_in_one_chunk_that_one_session_serves(
        lengths in prop::collection::vec((3_usize..=255, 0_usize..40_000), 0..80),
    ) {
        let jobs: Vec<Job> = lengths
            .iter()
            .enumerate()
            .map(|(number, (length, tags))| job(&format!("{number:03}{}", "x".repeat(length - 3)), *tags))
            .collect();
        let chunks = pack(Kind::DynamodbBackup, jobs.clone(), &place(), &capabilities());
        let back: Vec<Job> = chunks.iter().flatten().cloned().collect();
        prop_assert_eq!(back, jobs);
        for chunk in &chunks {
            prop_assert!(!chunk.is_empty() && chunk.len() <= MOST_JOBS);
            let tables: Vec<&str> = chunk.iter().map(|job| job.resource.as_str()).collect();
            prop_assert!(fits(&making_policy(&place(), &tables, &capabilities(), true)));
            prop_assert!(chunk.len() == 1 || chunk.iter().map(tags_length).sum::<usize>() <= MOST_TAGS);
        }
    }
}
