//! `drawbridge profile`.

use std::env;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::arguments::Options;
use crate::aws_config;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;
use crate::session::SessionSource;
use crate::settings;
use crate::shell::quoted;

/// What can be done with AWS profiles.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  drawbridge profile write con_… --capability ec2-observe --region eu-central-1 --reason support \\
    --profile acme")]
pub enum ProfileCommand {
    /// Write an AWS profile whose credentials this command fetches whenever they are needed
    Write(WriteProfile),
}

/// Writes an AWS profile whose credentials this command fetches whenever they are needed.
#[derive(Debug, Args)]
#[command(after_help = "\
It goes to the file that AWS_CONFIG_FILE names, by default ~/.aws/config. All else in the file stays as
it is, byte for byte. No credentials are written. The profile signs its own requests with --sign-with,
or with what the environment has when it is used, which must not be the profile itself.

Examples:
  drawbridge profile write con_… --capability dynamodb-data --region eu-central-1 --reason support \\
    --profile acme --sign-with ops && aws --profile acme dynamodb list-tables
  drawbridge profile write --role-arn arn:aws:iam::123456789012:role/support --profile assumed-role")]
pub struct WriteProfile {
    #[command(flatten)]
    source: SessionSource,
    /// The name of the profile that is written
    #[arg(long, value_name = "NAME", value_parser = name)]
    profile: String,
    /// The AWS profile that its requests are signed with
    #[arg(long, value_name = "NAME", value_parser = name)]
    sign_with: Option<String>,
    /// Replace a profile that this command did not write
    #[arg(long)]
    force: bool,
}

impl ProfileCommand {
    /// Does it.
    pub fn run(self, options: Options, screen: &Screen) -> Result<Exit> {
        let Self::Write(write) = self;
        write.run(options, screen)
    }
}

impl WriteProfile {
    fn run(self, mut options: Options, screen: &Screen) -> Result<Exit> {
        // The option of every command has the same name; here it names what is written.
        options.profile.clone_from(&self.sign_with);
        let file = config_file()?;
        let command = self.command(&options)?;
        aws_config::write(&file, &self.profile, &command, self.source.region.as_deref(), self.force)?;
        screen.write(&format!("profile {} is written to {}", self.profile, file.display()))?;
        screen.note(&format!("next: aws --profile {} sts get-caller-identity", self.profile));
        Ok(Exit::Done)
    }

    /// The command that fetches the profile's credentials, which depends on nothing that an environment
    /// may say otherwise later.
    fn command(&self, options: &Options) -> Result<String> {
        let program = env::current_exe().map_err(|error| {
            Failure::unexpected("where this command is cannot be found out").because(error.to_string())
        })?;
        let program = program.to_str().ok_or_else(|| Failure::usage("this command's path is no text"))?;
        let (api_url, region, signer) = if self.source.role_arn.is_none() {
            let settings = settings::Settings::resolve(options)?;
            let known = |known: Option<settings::Known>| known.map(|known| known.value);
            (Some(settings.api_url.to_string()), known(settings.region), known(settings.profile))
        } else {
            (None, options.region.clone(), options.profile.clone())
        };
        let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let signer = signer.or_else(|| set("AWS_PROFILE"));
        if signer.as_ref().map_or("default", String::as_str) == self.profile {
            return Err(Failure::usage("a profile cannot sign for its own credentials")
                .next("name another in --sign-with, one that has credentials of its own"));
        }
        let mut words = Vec::new();
        if signer.is_none() && cfg!(unix) {
            // Whoever uses the profile by AWS_PROFILE would have it sign for itself, again and again.
            words.extend(["env", "-u", "AWS_PROFILE", "-u", "AWS_DEFAULT_PROFILE"].map(str::to_owned));
        }
        words.push(program.to_owned());
        for (option, value) in [("--region", region), ("--api-url", api_url), ("--profile", signer)] {
            words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
        }
        words.push("credentials".to_owned());
        words.extend(self.source.words());
        words.extend(["--format", "process"].map(str::to_owned));
        if words.iter().any(|word| word.chars().any(char::is_control)) {
            return Err(Failure::usage("a profile cannot hold line breaks or other control characters"));
        }
        let plain = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte))
        };
        let words = words.iter().map(|word| if plain(word) { word.clone() } else { quoted(word) });
        Ok(words.collect::<Vec<_>>().join(" "))
    }
}

/// A profile's name as AWS's tools read it without quotes.
fn name(text: &str) -> std::result::Result<String, String> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@+/".contains(&byte);
    if !text.is_empty() && text.bytes().all(sound) {
        Ok(text.to_owned())
    } else {
        Err("a profile's name is letters, digits and any of _-.@+/".to_owned())
    }
}

/// Source: AWS SDKs and Tools Reference Guide, "Location of the shared config and credentials files".
fn config_file() -> Result<PathBuf> {
    let named = env::var_os("AWS_CONFIG_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| env::home_dir().map(|home| home.join(".aws").join("config"))).ok_or_else(|| {
        Failure::usage("there is no home folder for ~/.aws/config").next("name the file in AWS_CONFIG_FILE")
    })
}
