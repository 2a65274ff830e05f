//! An external ID as somebody gives it: in a file, on standard input, in the environment, or typed,
//! where a shell keeps it in its history.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use domain::ExternalId;

use crate::failure::{Failure, Result};

/// Where it is found unless an option says so.
const VARIABLE: &str = "DRAWBRIDGE_EXTERNAL_ID";
/// More is not read: none is so long.
const LONGEST: u64 = 4096;

/// Where an external ID comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct ExternalIdSource {
    /// A file that holds the external ID
    #[arg(
        long = "external-id-file",
        value_name = "FILE",
        conflicts_with_all = ["from_stdin", "typed"],
        help = "A file that holds the external ID [env: DRAWBRIDGE_EXTERNAL_ID holds the ID itself]"
    )]
    from_file: Option<PathBuf>,
    /// Read the external ID from standard input
    #[arg(long = "external-id-stdin", conflicts_with = "typed")]
    from_stdin: bool,
    /// The external ID itself; a shell keeps it in its history, a file or the environment does not
    #[arg(long = "external-id", value_name = "TEXT")]
    typed: Option<String>,
}

impl ExternalIdSource {
    /// The external ID, if one is given.
    pub fn read(&self) -> Result<Option<ExternalId>> {
        let (text, from) = match self {
            Self { typed: Some(text), .. } => (text.clone(), "--external-id".to_owned()),
            Self { from_file: Some(path), .. } => {
                let from = path.display().to_string();
                let file = File::open(path).map_err(|error| unreadable(&from, &error))?;
                (all_of(file, &from)?, from)
            }
            Self { from_stdin: true, .. } => {
                (all_of(std::io::stdin().lock(), "standard input")?, "standard input".to_owned())
            }
            _ => match std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty()) {
                Some(text) => (text, VARIABLE.to_owned()),
                None => return Ok(None),
            },
        };
        // What it is is not repeated: it may be a mistyped secret.
        text.trim().parse().map(Some).map_err(|error: domain::Error| {
            Failure::usage(format!("{from} holds no external ID")).because(error.detail)
        })
    }

    /// The external ID, which is needed.
    pub fn required(&self) -> Result<ExternalId> {
        self.read()?.ok_or_else(|| {
            Failure::usage("the external ID is missing").next(format!(
                "give it in --external-id-file, on standard input with --external-id-stdin, or in {VARIABLE}"
            ))
        })
    }
}

fn all_of(source: impl Read, from: &str) -> Result<String> {
    let mut text = String::new();
    source.take(LONGEST).read_to_string(&mut text).map_err(|error| unreadable(from, &error))?;
    Ok(text)
}

fn unreadable(from: &str, error: &std::io::Error) -> Box<Failure> {
    Failure::usage(format!("{from} cannot be read")).because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_without_what_surrounds_it_and_never_repeated() {
        let path = std::env::temp_dir().join(format!("drawbridge-xid-{}", std::process::id()));
        std::fs::write(&path, "an-external-id\n").unwrap();
        let source = ExternalIdSource { from_file: Some(path.clone()), ..ExternalIdSource::default() };
        assert_eq!(source.required().unwrap().expose(), "an-external-id");
        std::fs::write(&path, "not one!").unwrap();
        let told = source.required().unwrap_err().to_string();
        assert!(told.contains("holds no external ID") && !told.contains("not one!"), "{told}");
        std::fs::remove_file(&path).unwrap();
        assert!(source.required().unwrap_err().to_string().contains("cannot be read"));
        let typed = ExternalIdSource { typed: Some(" x".to_owned()), ..ExternalIdSource::default() };
        assert!(typed.read().is_err());
    }
}
