//! Who calls: the AWS identity that requests are signed with.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata as _};

use crate::arguments::Options;
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};
use crate::settings::Settings;

/// Credentials that end this soon are fetched again.
const MARGIN: Duration = Duration::from_mins(1);

/// The identity that requests are signed with, and the Region they are signed for.
#[derive(Debug)]
pub struct Caller {
    provider: SharedCredentialsProvider,
    region: String,
    profile: Option<String>,
    /// How AWS itself is asked; requests to the API need it not.
    aws: SdkConfig,
    /// Watching may outlast a session, so the provider is asked again when it ends.
    current: RefCell<Option<Credentials>>,
}

impl Caller {
    /// Finds out with what to sign, as the AWS CLI does; fetches nothing yet.
    pub async fn load(settings: &Settings) -> Result<Self> {
        let profile = settings.profile.as_ref().map(|known| known.value.clone());
        Self::with(profile, settings.region.as_ref().map(|known| known.value.clone())).await
    }

    /// The same for whoever asks AWS and not the API, which need not be known.
    pub async fn of_person(options: &Options) -> Result<Self> {
        Self::with(options.profile.clone(), options.region.clone()).await
    }

    /// The same for whoever asks IAM, which is in no Region: where none is set, any of the commercial
    /// ones leads there. Source: IAM User Guide, "AWS Identity and Access Management endpoints".
    pub async fn of_account(options: &Options) -> Result<Self> {
        let region = match &options.region {
            Some(region) => region.clone(),
            None => region_of(options.profile.as_deref()).await.unwrap_or_else(|| "us-east-1".to_owned()),
        };
        Self::with(options.profile.clone(), Some(region)).await
    }

    async fn with(profile: Option<String>, region: Option<String>) -> Result<Self> {
        let region = match region {
            Some(region) => region,
            None => configured_region(profile.as_deref()).await?,
        };
        let mut loader =
            aws_config::defaults(BehaviorVersion::v2026_01_12()).region(Region::new(region.clone()));
        if let Some(profile) = &profile {
            // The default chain would prefer keys in the environment to a profile asked for by name.
            let configuration =
                ProviderConfig::without_region().with_region(Some(Region::new(region.clone())));
            let named = ProfileFileCredentialsProvider::builder()
                .configure(&configuration)
                .profile_name(profile)
                .build();
            loader = loader.profile_name(profile).credentials_provider(named);
        }
        let aws = loader.load().await;
        let provider = aws.credentials_provider().ok_or_else(|| no_credentials(profile.as_deref(), None))?;
        Ok(Self { provider, region, profile, aws, current: RefCell::new(None) })
    }

    /// The Region to sign for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Credentials that are good for a while yet.
    pub async fn credentials(&self) -> Result<Credentials> {
        let current = self.current.borrow().clone();
        if let Some(credentials) = current.filter(|credentials| !ends_before(credentials, MARGIN)) {
            return Ok(credentials);
        }
        let fetched = self
            .provider
            .provide_credentials()
            .await
            .map_err(|error| no_credentials(self.profile.as_deref(), Some(&error)))?;
        *self.current.borrow_mut() = Some(fetched.clone());
        Ok(fetched)
    }

    /// Who AWS says that this is.
    pub async fn identity(&self) -> std::result::Result<Identity, Unidentified> {
        let configuration = self.sts().await.map_err(Unidentified::Unknown)?;
        let asked = aws_sdk_sts::Client::from_conf(configuration).get_caller_identity().send().await;
        match asked {
            Ok(answer) => Ok(Identity {
                account: answer.account().unwrap_or_default().to_owned(),
                arn: answer.arn().unwrap_or_default().to_owned(),
            }),
            Err(error) => match error.as_service_error().map(|refusal| refusal.code().unwrap_or("no code")) {
                Some(code) => Err(Unidentified::Refused(code.to_owned())),
                None => Err(Unidentified::Unreachable(DisplayErrorContext(&error).to_string())),
            },
        }
    }

    /// How STS is asked in this caller's name: at its Regional endpoint.
    pub async fn sts(&self) -> Result<aws_sdk_sts::Config> {
        let times = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_timeout(Duration::from_secs(15))
            .build();
        Ok(aws_sdk_sts::config::Builder::from(&self.aws)
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.credentials().await?)
            .timeout_config(times)
            .build())
    }

    /// How IAM is asked in this caller's name.
    pub async fn iam(&self) -> Result<aws_sdk_iam::Config> {
        Ok(crate::iam::configuration(&self.aws, &self.region, self.credentials().await?))
    }

    /// Whether AWS itself is asked elsewhere than at its own address.
    pub fn asks_elsewhere(&self) -> bool {
        self.aws.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_STS").is_some()
    }

    /// When the credentials of the last request end, where they do.
    pub fn ends_at(&self) -> Option<SystemTime> {
        self.current.borrow().as_ref().and_then(Credentials::expiry)
    }

    /// Whether the credentials of the last request belong to a session, and not to a user for good.
    pub fn has_session(&self) -> bool {
        self.current.borrow().as_ref().is_some_and(|credentials| credentials.session_token().is_some())
    }

    /// Whether the credentials of the last request are known to have ended.
    pub fn has_expired(&self) -> bool {
        self.current.borrow().as_ref().is_some_and(|credentials| ends_before(credentials, Duration::ZERO))
    }

    /// Who signed the last request, without showing more than the AWS CLI does.
    pub fn describe(&self) -> String {
        let current = self.current.borrow();
        let key = current.as_ref().map(Credentials::access_key_id).unwrap_or_default();
        let end: String = key.chars().skip(key.chars().count().saturating_sub(4)).collect();
        let account = current
            .as_ref()
            .and_then(|credentials| credentials.account_id())
            .map(|account| format!(" of account {}", account.as_str()))
            .unwrap_or_default();
        let from = self.profile.as_ref().map(|name| format!(" (profile {name})")).unwrap_or_default();
        format!("the access key ending in {end}{account}{from}, Region {}", self.region)
    }

    /// What `aws` needs to show the same identity.
    pub fn who_am_i(&self) -> String {
        let profile = self.profile.as_ref().map(|name| format!(" --profile {name}")).unwrap_or_default();
        format!("aws sts get-caller-identity{profile}")
    }

    /// A caller whose credentials are known already.
    #[cfg(test)]
    pub fn fixed(credentials: Credentials, region: &str) -> Self {
        Self {
            provider: SharedCredentialsProvider::new(credentials),
            region: region.to_owned(),
            profile: None,
            aws: SdkConfig::builder().behavior_version(BehaviorVersion::v2026_01_12()).build(),
            current: RefCell::new(None),
        }
    }

    /// The same, asking AWS itself at this address.
    #[cfg(test)]
    pub fn asking(mut self, endpoint_url: &str) -> Self {
        self.aws = self.aws.into_builder().endpoint_url(endpoint_url).build();
        self
    }

    /// One that asks this provider.
    #[cfg(test)]
    pub fn of(provider: impl aws_credential_types::provider::ProvideCredentials + 'static) -> Self {
        let provider = SharedCredentialsProvider::new(provider);
        Self { provider, ..Self::fixed(Credentials::for_tests(), "eu-central-1") }
    }
}

/// Who AWS says that a caller is.
#[derive(Debug)]
pub struct Identity {
    /// The account.
    pub account: String,
    /// The user or session.
    pub arn: String,
}

/// Why AWS did not say who a caller is.
#[derive(Debug)]
pub enum Unidentified {
    /// There is nothing to sign with.
    Unknown(Box<Failure>),
    /// STS refused, with this code.
    Refused(String),
    /// STS did not answer.
    Unreachable(String),
}

fn ends_before(credentials: &Credentials, margin: Duration) -> bool {
    credentials.expiry().is_some_and(|expiry| expiry <= SystemTime::now() + margin)
}

async fn region_of(profile: Option<&str>) -> Option<String> {
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = profile {
        chain = chain.profile_name(profile);
    }
    chain.build().region().await.map(|region| region.as_ref().to_owned())
}

async fn configured_region(profile: Option<&str>) -> Result<String> {
    match region_of(profile).await {
        Some(region) => Ok(region),
        None => Err(Failure::usage("the AWS Region to sign for is not set")
            .because("the API's host name does not tell it, and neither does your AWS configuration")
            .next(
                "pass --region before the command (drawbridge --region eu-central-1 …), write `region` beside `api_url` \
                 in the configuration file, or set AWS_REGION",
            )),
    }
}

fn no_credentials(profile: Option<&str>, error: Option<&CredentialsError>) -> Box<Failure> {
    let name = profile.unwrap_or("NAME");
    let (what, tried) = match profile {
        Some(_) => (
            format!("there are no AWS credentials to sign with in profile {name}"),
            "the profile is not in ~/.aws/config or ~/.aws/credentials, or has none",
        ),
        None => (
            "there are no AWS credentials to sign with".to_owned(),
            "neither the environment nor the default profile nor this machine has any",
        ),
    };
    let detail = match error {
        None | Some(CredentialsError::CredentialsNotLoaded(_)) => tried.to_owned(),
        Some(error) => format!("{tried}; the last attempt said: {}", chain(error)),
    };
    Failure::new(Exit::Unreachable, what).because(detail).next(format!(
        "sign in with `aws sso login --profile {name}`, or configure keys with `aws configure --profile {name}`, \
         then pass --profile {name}; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(at: SystemTime) -> Caller {
        let credentials =
            Credentials::new("AKIDEXAMPLE", "the-secret", Some("the-token".into()), Some(at), "test");
        Caller::fixed(credentials, "eu-central-1")
    }

    #[tokio::test]
    async fn a_session_that_ended_is_known_to_have() {
        let ended = ending(SystemTime::now() - MARGIN);
        ended.credentials().await.unwrap();
        assert!(ended.has_expired());
        let lasting = ending(SystemTime::now() + MARGIN * 2);
        lasting.credentials().await.unwrap();
        assert!(!lasting.has_expired());
    }

    #[tokio::test]
    async fn who_calls_is_told_without_the_keys() {
        let caller = ending(SystemTime::now() + MARGIN * 2);
        caller.credentials().await.unwrap();
        assert_eq!(caller.describe(), "the access key ending in MPLE, Region eu-central-1");
        let all = format!("{caller:?}");
        assert!(!all.contains("the-secret") && !all.contains("the-token"), "{all}");
    }

    #[test]
    fn missing_credentials_end_with_3_and_say_how_to_sign_in() {
        let failure = no_credentials(Some("ops"), Some(&CredentialsError::not_loaded_no_source()));
        assert_eq!(failure.exit, Exit::Unreachable);
        assert!(failure.to_string().contains("aws sso login --profile ops"), "{failure}");
    }
}
