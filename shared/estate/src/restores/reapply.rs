//! A new table is given back what a restore loses. Each is safe to be asked for again.
//!
//! Sources: `DynamoDB` API Reference, `UpdateTimeToLive`, `TagResource`, `UpdateContinuousBackups`,
//! `UpdateTable`.

use access::CustomerSession;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_dynamodb::types::{
    PointInTimeRecoverySpecification, StreamSpecification, StreamViewType, Tag, TimeToLiveSpecification,
};
use domain::CapabilitySet;
use domain::manifest::{Known, TableManifest};
use domain::operation::{Setting, SettingOutcome, SettingReport};
use domain::policy::{PolicyDocument, Statement};

use super::{LOOK_AT_TABLE, Restore, holds};
use crate::backups::manifest::time_to_live;
use crate::backups::{Answer, Unheard, heard};
use crate::operations::dynamodb::client;
use crate::operations::{deadline, passing};

/// The action by which it is looked up by what items expire.
const LOOK_AT_EXPIRY: &str = "dynamodb:DescribeTimeToLive";

impl Restore {
    /// What a session may do that gives these back.
    #[must_use]
    pub fn reapplying_policy(&self, settings: &[Setting], capabilities: &CapabilitySet) -> PolicyDocument {
        let mut actions: Vec<&str> = settings.iter().map(|setting| setting.action()).collect();
        if settings.contains(&Setting::Stream) {
            actions.push(LOOK_AT_TABLE);
        }
        if settings.contains(&Setting::TimeToLive) && holds(capabilities, LOOK_AT_EXPIRY) {
            actions.push(LOOK_AT_EXPIRY);
        }
        PolicyDocument::new(vec![Statement::allow(actions, [self.table()])])
    }

    /// Gives one of them back, as far as there is time.
    pub async fn reapply(
        &self,
        session: &CustomerSession,
        report: &SettingReport,
        manifest: &TableManifest,
        capabilities: &CapabilitySet,
    ) -> SettingReport {
        if deadline::is_over(session) {
            return report.clone();
        }
        match (report.setting, &manifest.time_to_live, manifest.tags_to_restore(), &manifest.stream) {
            (Setting::TimeToLive, Known::Known(Some(attribute)), ..) => {
                let looks = holds(capabilities, LOOK_AT_EXPIRY);
                Box::pin(self.expire(session, report, attribute, looks)).await
            }
            (Setting::Tags, _, Known::Known(tags), _) => {
                let tag = |(key, value)| Tag::builder().key(key).value(value).build();
                match tags.into_iter().map(tag).collect() {
                    Ok(tags) => Box::pin(self.tag(session, report, tags)).await,
                    Err(error) => not_built(report, &error),
                }
            }
            (Setting::PointInTimeRecovery, ..) => Box::pin(self.recover(session, report)).await,
            (Setting::Stream, .., Some(view)) => Box::pin(self.stream(session, report, view)).await,
            // Nothing was to be given back.
            (setting, ..) => SettingReport::of(setting, SettingOutcome::NotNeeded),
        }
    }

    /// By what its items expire. AWS refuses to enable what is enabled with the code of what is wrong, so that
    /// it is looked up where that is allowed.
    async fn expire(
        &self,
        session: &CustomerSession,
        report: &SettingReport,
        attribute: &str,
        looks: bool,
    ) -> SettingReport {
        let client = client(session, &self.place);
        if looks {
            let asked = client.describe_time_to_live().table_name(&self.target).send();
            match heard(session, asked).await {
                Ok(answer) if time_to_live(&answer).as_deref() == Some(attribute) => return applied(report),
                Err(unheard) if passes(&unheard) => return waits(report, &unheard),
                // What may not be looked up can be asked for all the same.
                Ok(_) | Err(_) => {}
            }
        }
        let specification =
            TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
        let specification = match specification {
            Ok(specification) => specification,
            Err(error) => return not_built(report, &error),
        };
        let request = client.update_time_to_live().table_name(&self.target);
        match heard(session, request.time_to_live_specification(specification).send()).await {
            Ok(_) => applied(report),
            // What was asked for before may have been done, and nothing else about it can be wrong.
            Err(unheard) if report.tried && unheard.code() == Some("ValidationException") => applied(report),
            Err(unheard) => unapplied(report, &unheard),
        }
    }

    /// Its tags: those that it has under the same keys are replaced.
    async fn tag(&self, session: &CustomerSession, report: &SettingReport, tags: Vec<Tag>) -> SettingReport {
        let request = client(session, &self.place).tag_resource().resource_arn(self.table());
        told(report, heard(session, request.set_tags(Some(tags)).send()).await)
    }

    async fn recover(&self, session: &CustomerSession, report: &SettingReport) -> SettingReport {
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
        let on = match on {
            Ok(on) => on,
            Err(error) => return not_built(report, &error),
        };
        let request = client(session, &self.place).update_continuous_backups().table_name(&self.target);
        told(report, heard(session, request.point_in_time_recovery_specification(on).send()).await)
    }

    /// Its stream. AWS refuses to enable what is enabled, so that it is looked up first.
    async fn stream(&self, session: &CustomerSession, report: &SettingReport, view: &str) -> SettingReport {
        match self.described(session).await {
            Answer::Done(Some(table)) => {
                let stream = table.stream_specification().filter(|stream| stream.stream_enabled());
                match stream.and_then(|stream| stream.stream_view_type()) {
                    Some(there) if there.as_str() == view => return applied(report),
                    Some(there) => {
                        let detail = format!("The table has a stream of {there} already; {view} it was.");
                        return failed(report, "already_exists", detail);
                    }
                    None => {}
                }
            }
            Answer::Later { code } => {
                return report.clone().because(code, "AWS throttled, failed or did not answer.");
            }
            // UpdateTable tells what is wrong.
            Answer::Done(None) | Answer::Refused { .. } => {}
        }
        let stream =
            StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::from(view));
        let stream = match stream.build() {
            Ok(stream) => stream,
            Err(error) => return not_built(report, &error),
        };
        let request = client(session, &self.place).update_table().table_name(&self.target);
        told(report, heard(session, request.stream_specification(stream).send()).await)
    }
}

fn applied(report: &SettingReport) -> SettingReport {
    SettingReport::of(report.setting, SettingOutcome::Applied)
}

fn failed(report: &SettingReport, code: &str, detail: impl Into<String>) -> SettingReport {
    SettingReport::of(report.setting, SettingOutcome::Failed).because(code, detail)
}

fn not_built(report: &SettingReport, error: &BuildError) -> SettingReport {
    failed(report, "invalid_input", error.to_string())
}

fn told<T, E: ProvideErrorMetadata>(report: &SettingReport, answer: Result<T, Unheard<E>>) -> SettingReport {
    match answer {
        Ok(_) => applied(report),
        Err(unheard) => unapplied(report, &unheard),
    }
}

/// Whether the table is busy, or AWS is: the same may be asked for in a moment.
fn passes<E: ProvideErrorMetadata>(unheard: &Unheard<E>) -> bool {
    let busy = matches!(
        unheard.code(),
        Some("ResourceInUseException" | "LimitExceededException" | "ContinuousBackupsUnavailableException")
    );
    busy || passing(&unheard.target(""))
}

fn waits<E: ProvideErrorMetadata>(report: &SettingReport, unheard: &Unheard<E>) -> SettingReport {
    let target = unheard.target("");
    report.clone().because(target.code.unwrap_or_default(), target.detail.unwrap_or_default())
}

/// It was asked for, and not done, or nobody knows.
fn unapplied<E: ProvideErrorMetadata>(report: &SettingReport, unheard: &Unheard<E>) -> SettingReport {
    if passes(unheard) {
        let tried = report.tried || !unheard.is_refusal();
        return SettingReport { tried, ..waits(report, unheard) };
    }
    let target = unheard.target("");
    failed(report, &target.code.unwrap_or_default(), target.detail.unwrap_or_default())
}
