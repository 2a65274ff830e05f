//! The command line: what can be typed, and the help that comes with it.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::backups::BackupsCommand;
use crate::commands::completions::Completions;
use crate::commands::console::Console;
use crate::commands::credentials::Credentials;
use crate::commands::doctor::Doctor;
use crate::commands::dynamodb::DynamodbCommand;
use crate::commands::ec2::Ec2Command;
use crate::commands::exec::Exec;
use crate::commands::grant::GrantCommand;
use crate::commands::operations::OperationsCommand;
use crate::commands::plans::PlansCommand;
use crate::commands::policy::PolicyCommand;
use crate::commands::profile::ProfileCommand;
use crate::commands::restore::Restore;
use crate::commands::role::RoleCommand;
use crate::commands::runs::RunsCommand;
use crate::commands::schedules::SchedulesCommand;
use crate::commands::show_status::ShowStatus;
use crate::commands::ssh::Ssh;
use crate::commands::{connections::ConnectionsCommand, customers::CustomersCommand, grants::GrantsCommand};

const AFTER_HELP: &str = "\
Requests are signed with your usual AWS credentials: environment, profile, SSO, external process.

The API's address is the first of these that is there:
  --api-url
  the deployment of the configuration file that --deployment names
  DRAWBRIDGE_API_URL
  the configuration file: the file that DRAWBRIDGE_CONFIG names, by default
  ${XDG_CONFIG_HOME:-~/.config}/drawbridge/config.toml, with one deployment or several:
    deployment = \"live\"                       # meant unless another is named
    [deployments.live]
    api_url = \"https://….execute-api.eu-central-1.amazonaws.com\"
    profile = \"ops\"                           # AWS profile, unless the environment has one or keys
    [deployments.staging]
    api_url = \"https://drawbridge.example.com\"
    region = \"eu-central-1\"                   # for a host name that does not tell it

Exit codes:
  0  done; a watched verification ended in active or degraded, a watched offboarding in offboarded
  1  the API refused or failed, there was nothing to watch, watching took longer than --timeout, or
     you did not confirm
  2  the command line or the configuration is wrong, or there is neither a terminal to confirm at
     nor a --yes
  3  the API cannot be reached, or there are no credentials to sign with
  4  a watched verification ended in failed or suspended, the role of a watched offboarding could
     not be shown to be out of reach, grants are not as they should be, a check of doctor failed, or
     an operation or a run ended in failed or partial
  exec and ssh end with the code of their command, or with 126 or 127 if that could not be run

Colours and live progress are for terminals; NO_COLOR turns both off.

Examples:
  drawbridge doctor
  drawbridge status
  drawbridge customers create --name 'Acme Ltd' --label tier=gold
  drawbridge connections create --customer cus_… --capability dynamodb-backup --region eu-central-1
  drawbridge connections setup con_… --format cli > create-role.sh
  drawbridge connections submit-role con_… arn:aws:iam::123456789012:role/customer-role --watch
  drawbridge ec2 list con_… --region eu-central-1
  drawbridge dynamodb backup con_… orders --region eu-central-1 --backup-name before-the-change
  drawbridge runs start --connection con_… --kind dynamodb-backup --name '*' --watch
  drawbridge connections offboard con_… --watch
  drawbridge role create --invite https://…/onboard/… --submit      # on the customer's side

Completion of commands and options: `drawbridge completions --help` says how to install it, for bash:
  drawbridge completions bash > ~/.local/share/bash-completion/completions/drawbridge";

/// Connects customers' AWS accounts, proves that it is safe to hold, and watches them.
#[derive(Debug, Parser)]
#[command(name = "drawbridge", version, after_help = AFTER_HELP, max_term_width = 110)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Address of the API.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "deployment",
        help = "Address of the API: the stack's output `ApiUrl` [env: DRAWBRIDGE_API_URL]"
    )]
    pub api_url: Option<String>,
    /// Deployment of the configuration file.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help = "Deployment of the configuration file; goes before what the environment says \
                [env: DRAWBRIDGE_DEPLOYMENT]"
    )]
    pub deployment: Option<String>,
    /// AWS profile to sign with
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS Region to sign for; by default that of the API's host name, else of the configuration file, else of AWS's
    ///
    /// It stands before the command, for `connections create` has a --region of its own.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// How answers are printed
    #[arg(
        long,
        global = true,
        env = "DRAWBRIDGE_OUTPUT",
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub output: Format,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// As the API answers.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The organizations whose AWS accounts are connected
    #[command(subcommand)]
    Customers(CustomersCommand),
    /// The AWS accounts of customers, each reached through one role
    #[command(subcommand)]
    Connections(ConnectionsCommand),
    /// The EC2 instances in a customer's account
    #[command(subcommand)]
    Ec2(Ec2Command),
    /// The DynamoDB tables in a customer's account
    #[command(subcommand)]
    Dynamodb(DynamodbCommand),
    /// Log in to an instance in a customer's account
    Ssh(Ssh),
    /// What is carried out in customers' accounts, one IAM action at a time
    #[command(subcommand)]
    Operations(OperationsCommand),
    /// What is done in customers' accounts at set times, such as backups every night
    #[command(subcommand)]
    Schedules(SchedulesCommand),
    /// What a schedule or somebody asked for, once, of one connection or of many
    #[command(subcommand)]
    Runs(RunsCommand),
    /// The backups that runs have made in customers' accounts
    #[command(subcommand)]
    Backups(BackupsCommand),
    /// Make a new table of a backup
    Restore(Restore),
    /// What cannot be undone: looked up first, and carried out once
    #[command(subcommand)]
    Plans(PlansCommand),
    /// Print temporary credentials of a role in a customer's account
    Credentials(Credentials),
    /// Run a command with temporary credentials of a role in its environment
    Exec(Exec),
    /// Open the AWS console with temporary credentials of a role
    Console(Console),
    /// AWS profiles whose credentials this command fetches
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// The role in one's own account that lets Drawbridge or people in
    #[command(subcommand)]
    Role(RoleCommand),
    /// Which roles people of one's own account may assume (`grants` is about Drawbridge's brokers)
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Print IAM policies of roles and of those who assume them, without asking anybody
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// What Drawbridge's brokers may assume, as IAM policies (`grant` is about people)
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// Show at a glance how everything does, and what needs somebody
    Status(ShowStatus),
    /// Check everything that this command needs, and say how to mend what is wrong
    Doctor(Doctor),
    /// Print a script that completes this command line in your shell
    Completions(Completions),
}

/// How much of a list is fetched.
#[derive(Debug, Args)]
pub struct Extent {
    /// Items in a page
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub limit: Option<u8>,
    /// Fetch every page, not only the first
    #[arg(long)]
    pub all: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_is_described_and_has_an_example() {
        fn walk(command: &clap::Command, path: &str, walked: &mut Vec<String>) {
            let path = format!("{path} {}", command.get_name()).trim().to_owned();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.trim().is_empty(), "`{path}` does not say what it does");
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let (_, examples) =
                help.split_once("Example").unwrap_or_else(|| panic!("`{path}` has no example"));
            assert!(examples.contains(&format!("  {path}")), "no example of `{path}` shows it");
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(argument.get_help().is_some(), "`{path}` does not explain {}", argument.get_id());
            }
            command.get_subcommands().for_each(|command| walk(command, &path, walked));
            walked.push(path);
        }
        let mut walked = Vec::new();
        walk(&Arguments::command(), "", &mut walked);
        assert!(walked.iter().any(|path| path == "drawbridge connections offboard"), "{walked:?}");
    }

    #[test]
    fn the_regions_of_a_connection_are_not_the_one_to_sign_for() {
        let parsed = Arguments::try_parse_from([
            "drawbridge",
            "--region",
            "us-east-1",
            "connections",
            "create",
            "--customer",
            "cus_1",
            "--capability",
            "classic",
            "--region",
            "eu-central-1",
            "--region",
            "eu-west-1",
            "--output",
            "json",
        ])
        .unwrap();
        assert_eq!(parsed.options.region.as_deref(), Some("us-east-1"));
        assert_eq!(parsed.options.output, Format::Json);
        let Command::Connections(ConnectionsCommand::Create(create)) = parsed.command else { panic!() };
        assert_eq!(create.regions, ["eu-central-1", "eu-west-1"]);
    }

    #[test]
    fn what_is_wrong_ends_with_code_2() {
        for wrong in [
            vec!["customers"],
            vec!["customers", "create"],
            vec!["customers", "create", "--name", "A", "--label", "novalue"],
            vec!["connections", "show", ""],
            vec!["connections", "show", ".."],
            vec!["connections", "list", "--limit", "101"],
            vec!["connections", "setup", "con_1", "--only", "cli", "--format", "json"],
            vec!["connections", "update", "con_1"],
            vec!["connections", "offboard", "con_1", "--timeout", "0"],
            vec!["ec2", "stop", "con_1", "--region", "eu-west-1"],
            vec!["ec2", "list", "con_1"],
            vec!["ec2", "tag", "con_1", "i-1", "--region", "eu-west-1", "--tag", "novalue"],
            vec!["dynamodb", "get", "con_1", "t", "--region", "eu-west-1", "--key", "{"],
            vec!["grants"],
            vec!["schedules", "update", "sch_1"],
            vec!["schedules", "update", "sch_1", "--keep-last", "3", "--keep-all"],
            vec!["schedules", "preview"],
            vec!["schedules", "preview", "sch_1", "--timezone", "UTC"],
            vec!["schedules", "preview", "sch_1", "--count", "101"],
            vec!["runs", "start", "--kind", "dynamodb-backup", "--name", "*"],
            vec!["runs", "start", "--all", "--connection", "con_1", "--kind", "dynamodb-backup"],
            vec!["runs", "jobs", "run_1", "--state", "lost"],
            vec!["restore"],
            vec!["status", "--limit", "0"],
            vec!["completions"],
            vec!["completions", "tcsh"],
            vec!["grants", "reconcile", "--yes", "--dry-run"],
            vec!["role", "create", "--invite", "https://x.example/onboard/a", "--connection", "con_1"],
            vec!["role", "create", "--for-people", "--trust-account", "1", "--name", "a"],
            vec!["role", "create", "--provider-account", "111111111111", "--mfa"],
            vec!["role", "delete"],
            vec!["grant", "attach", "--role-arn", "arn:aws:iam::123456789012:role/a"],
            vec![
                "grant",
                "attach",
                "--user",
                "a",
                "--group",
                "b",
                "--role-arn",
                "arn:aws:iam::123456789012:role/a",
            ],
            vec!["grant", "attach", "--user", "a", "--role-arn", "arn:aws:iam::123456789012:role/*"],
            vec!["policy", "permissions"],
            vec!["policy", "permissions", "--capability", "ec2-everything"],
            vec!["policy", "grant", "--role-arn", "a"],
        ] {
            let error = Arguments::try_parse_from(std::iter::once("drawbridge").chain(wrong.clone()));
            assert_eq!(error.unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}
