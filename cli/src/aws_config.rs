//! AWS's configuration file: one profile of it is written, and all else stays as it is.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// The line by which a profile is known to be this command's.
const MARK: &str = "# Written by `drawbridge profile write`, which replaces it.";

/// Writes `profile` with the command that fetches its credentials. The file is replaced by a whole one;
/// a link is followed.
pub fn write(path: &Path, profile: &str, command: &str, region: Option<&str>, force: bool) -> Result<()> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("{} cannot be written", path.display())).because(error.to_string())
    };
    let path = followed(path).map_err(failed)?;
    let before = match fs::read(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let after = with_profile(before.as_deref().unwrap_or_default(), profile, command, region, force)
        .ok_or_else(|| {
            Failure::usage(format!("there is a profile {profile} that this command did not write"))
                .because(format!("it is in {}", path.display()))
                .next("choose another name, or replace it with --force")
        })?;
    replace(&path, before.is_some(), &after).map_err(failed)
}

/// Where a path leads, through links; what it leads to need not be there.
fn followed(path: &Path) -> std::io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(std::io::Error::other("too many links"))
}

fn replace(path: &Path, exists: bool, text: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.drawbridge-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file.write_all(text).and_then(|()| {
        if exists {
            file.set_permissions(fs::metadata(path)?.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        // What was begun does not stay; that it could not be written is told already.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The same file with this profile; `None` if it has one of this name that is somebody else's.
fn with_profile(
    text: &[u8],
    profile: &str,
    command: &str,
    region: Option<&str>,
    force: bool,
) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let end: &[u8] = if lines.first().is_some_and(|line| line.ends_with(b"\r\n")) { b"\r\n" } else { b"\n" };
    let mut settings = vec![MARK.to_owned(), format!("credential_process = {command}")];
    settings.extend(region.map(|region| format!("region = {region}")));
    let ours: Vec<u8> = settings.iter().flat_map(|line| line.bytes().chain(end.iter().copied())).collect();
    let Some(start) = lines.iter().position(|line| names(line, profile)) else {
        let mut after = text.to_vec();
        if !text.is_empty() {
            if !text.ends_with(b"\n") {
                after.extend(end);
            }
            after.extend(end);
        }
        let header =
            if profile == "default" { "[default]".to_owned() } else { format!("[profile {profile}]") };
        after.extend(header.bytes().chain(end.iter().copied()));
        after.extend(ours);
        return Some(after);
    };
    let body = &lines[start + 1..];
    let length = body.iter().position(|line| header(line).is_some()).unwrap_or(body.len());
    let body = &body[..length];
    let is_ours = body.iter().any(|line| line.trim_ascii() == MARK.as_bytes());
    if !is_ours && !force {
        return None;
    }
    let mut after = lines[..=start].concat();
    if !after.ends_with(b"\n") {
        after.extend(end);
    }
    after.extend(ours);
    let replaced = |line: &&&[u8]| {
        let key = line.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        let is_setting = line.contains(&b'=') && !matches!(line.first(), Some(b'#' | b';'));
        // What another wrote goes whole: any other source of credentials would be preferred.
        line.trim_ascii() == MARK.as_bytes()
            || [&b"credential_process"[..], b"region"].contains(&key)
            || (!is_ours && is_setting)
    };
    body.iter().filter(|line| !replaced(line)).for_each(|line| after.extend(*line));
    lines[start + 1 + length..].iter().for_each(|line| after.extend(*line));
    Some(after)
}

/// What stands between the brackets, if a line begins a section.
fn header(line: &[u8]) -> Option<&[u8]> {
    let rest = line.trim_ascii_start().strip_prefix(b"[")?;
    Some(rest[..rest.iter().position(|byte| *byte == b']')?].trim_ascii())
}

fn names(line: &[u8], profile: &str) -> bool {
    let Some(Ok(section)) = header(line).map(std::str::from_utf8) else { return false };
    let words: Vec<_> = section.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
    words == ["profile", profile] || (profile == "default" && words == ["default"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(before: &str, force: bool) -> Option<String> {
        let after =
            with_profile(before.as_bytes(), "acme", "drawbridge credentials", Some("eu-west-1"), force);
        after.map(|after| String::from_utf8(after).unwrap())
    }

    const OURS: &str = "# Written by `drawbridge profile write`, which replaces it.\n\
                        credential_process = drawbridge credentials\nregion = eu-west-1\n";

    #[test]
    fn a_new_profile_stands_at_the_end_and_nothing_else_moves() {
        assert_eq!(written("", false).unwrap(), format!("[profile acme]\n{OURS}"));
        let others = "# mine\n[default]\nregion=eu-central-1\n\n  [profile x]\nacme = 1\n; end";
        assert_eq!(written(others, false).unwrap(), format!("{others}\n\n[profile acme]\n{OURS}"));
        assert!(written("[a]\r\n", false).unwrap().ends_with("region = eu-west-1\r\n"));
    }

    #[test]
    fn what_it_wrote_it_replaces_and_what_was_added_stays() {
        let before = format!(
            "[default]\na = b\n\n[profile acme]\n{}output = json\n# note\n\n[profile z]\nc = d\n",
            OURS.replace("eu-west-1", "us-east-1")
        );
        let after = format!(
            "[default]\na = b\n\n[profile acme]\n{OURS}output = json\n# note\n\n[profile z]\nc = d\n"
        );
        assert_eq!(written(&before, false).unwrap(), after);
        assert_eq!(written(&after, false).unwrap(), after);
    }

    #[test]
    fn somebody_elses_is_replaced_if_that_is_asked_for_alone() {
        for header in ["[profile acme]", "[profile \"acme\"]", " [ profile  acme ] # x"] {
            let before = format!("{header}\naws_access_key_id = x\n# note\n\n[profile z]\n");
            assert_eq!(written(&before, false), None, "{header}");
            assert_eq!(written(&before, true).unwrap(), format!("{header}\n{OURS}# note\n\n[profile z]\n"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = std::env::temp_dir().join(format!("drawbridge-aws-config-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let (file, link) = (folder.join("file"), folder.join("link"));
        fs::write(&file, b"[x]\n\xff\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        write(&link, "acme", "c", None, false).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::read(&file).unwrap().starts_with(b"[x]\n\xff\n\n[profile acme]\n"));
        let new = folder.join("new").join("config");
        write(&new, "acme", "c", None, false).unwrap();
        assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(&folder).unwrap();
    }
}
