//! Jobs packed into chunks: each of at most 25, of no more tables or instances than one session policy can name,
//! and of no more than one item of the table holds.

use domain::CapabilitySet;
use domain::chunk::MOST_JOBS;
use domain::job::Job;
use domain::kind::Kind;
use estate::backups::{fits, making_policy};
use estate::operations::Place;

/// Most bytes of tags that the jobs of a chunk carry: an item of the table has 400 KB.
const MOST_TAGS: usize = 200_000;

/// Most instances that one session is limited to by name.
const MOST_INSTANCES: usize = 15;

/// Most tables that a chunk restores: each takes a session and some minutes of its own.
const MOST_DRILLS: usize = 5;

/// The same jobs in the same order, in chunks of what is done by runs of this kind.
pub(crate) fn pack(kind: Kind, jobs: Vec<Job>, place: &Place, capabilities: &CapabilitySet) -> Vec<Vec<Job>> {
    let mut chunks: Vec<Vec<Job>> = Vec::new();
    for job in jobs {
        let has_room = |chunk: &[Job]| match kind {
            Kind::DynamodbBackup => has_room(chunk, &job, place, capabilities),
            Kind::Ec2Backup | Kind::Ec2Start | Kind::Ec2Stop => chunk.len() < MOST_INSTANCES,
            Kind::RestoreDrill => chunk.len() < MOST_DRILLS,
        };
        match chunks.last_mut() {
            Some(chunk) if has_room(chunk) => chunk.push(job),
            _ => chunks.push(vec![job]),
        }
    }
    chunks
}

fn has_room(chunk: &[Job], job: &Job, place: &Place, capabilities: &CapabilitySet) -> bool {
    let all = || chunk.iter().chain([job]);
    let tables: Vec<&str> = all().map(|job| job.resource.as_str()).collect();
    // Whoever looks for what a crash left behind needs one right more.
    chunk.len() < MOST_JOBS
        && all().map(tags_length).sum::<usize>() <= MOST_TAGS
        && fits(&making_policy(place, &tables, capabilities, true))
}

fn tags_length(job: &Job) -> usize {
    job.tags.iter().flatten().map(|(key, value)| key.len() + value.len() + 8).sum()
}

#[cfg(test)]
mod tests;
