//! The key that somebody logs in with.

use std::fs::{self, DirBuilder, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::programs::Programs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Longest public key that is read: AWS takes 4 KB.
const LONGEST: u64 = 1 << 16;

/// Removes the folder that it is told once nobody holds its standard input any more: when this command
/// has ended, be it by a signal that nothing of it outlives. Signals of the terminal are not for it.
const CLEANER: &str = "trap '' HUP INT QUIT TERM; read -r _; rm -rf -- \"$1\"";

/// A pair of keys.
#[derive(Debug)]
pub(super) struct Key {
    path: PathBuf,
    public: String,
    /// What is removed with it, if it was made for this login.
    _folder: Option<Folder>,
}

impl Key {
    /// The person's own. The private half is left to ssh.
    pub(super) fn given(path: &Path) -> Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".pub");
        let public = read(Path::new(&beside)).map_err(|error| {
            Failure::usage(format!("--key: {} cannot be read", Path::new(&beside).display()))
                .because(error.to_string())
                .next("`ssh-keygen -y` writes the public half of a private key")
        })?;
        Ok(Self { path: path.to_owned(), public, _folder: None })
    }

    /// A new one in a folder that nobody else may look into. It goes with this value, or with the process.
    pub(super) fn made(programs: &Programs) -> Result<Self> {
        programs.find("ssh-keygen")?;
        let folder = Folder::make(programs)?;
        let path = folder.path.join("key");
        let output = programs
            .command("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "drawbridge", "-f"])
            .arg(&path)
            .stdin(Stdio::null())
            .output();
        let output = output.map_err(|error| {
            Failure::new(Exit::NotExecutable, "ssh-keygen cannot be run").because(error.to_string())
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::unexpected("ssh-keygen made no key").because(said));
        }
        let public = read(&path.with_extension("pub")).map_err(|error| {
            Failure::unexpected("ssh-keygen made no public key").because(error.to_string())
        })?;
        Ok(Self { path, public, _folder: Some(folder) })
    }

    /// Where the private half is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The public half, on one line.
    pub(super) fn public(&self) -> &str {
        &self.public
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

/// A folder that is removed with this value, and if that cannot be, when this process has ended.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    cleaner: Child,
}

impl Folder {
    fn make(programs: &Programs) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Failure::unexpected("no folder for the key could be made").because(error.to_string())
        };
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| failed(error.into()))?;
        let name = format!("drawbridge-{:032x}", u128::from_be_bytes(bytes));
        let path = std::env::temp_dir().join(name);
        // What is there already is somebody else's, and is no folder of this command's.
        private().create(&path).map_err(failed)?;
        match cleaner(programs, &path) {
            Ok(cleaner) => Ok(Self { path, cleaner }),
            Err(error) => {
                let _ = fs::remove_dir(&path);
                Err(failed(error))
            }
        }
    }
}

fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Starts what removes the folder.
fn cleaner(programs: &Programs, path: &Path) -> std::io::Result<Child> {
    let mut command: Command = programs.command("sh");
    command.args(["-c", CLEANER, "sh"]).arg(path);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // What the terminal sends to this command and to ssh is not for it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The cleaner does what fails here.
        let _ = fs::remove_dir_all(&self.path);
        drop(self.cleaner.stdin.take());
        let _ = self.cleaner.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_there_is_told_by_its_public_half() {
        let failure = Key::given(Path::new("/nonexistent/key")).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.what.contains("/nonexistent/key.pub"), "{failure}");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_key_is_this_persons_alone_and_goes_with_its_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let key = Key::made(&Programs::of_the_path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = key.path().parent().unwrap().to_owned();
        assert_eq!((mode(&folder), mode(key.path())), (0o700, 0o600));
        assert!(key.public().starts_with("ssh-ed25519 ") && !key.public().contains('\n'));
        drop(key);
        assert!(!folder.exists());
    }

    /// As when this process is killed: nothing runs of it, and its end of the pipe is closed.
    #[cfg(unix)]
    #[test]
    fn the_folder_goes_even_if_nothing_removes_it() {
        let mut folder = Folder::make(&Programs::of_the_path()).unwrap();
        fs::write(folder.path.join("key"), "x").unwrap();
        drop(folder.cleaner.stdin.take());
        folder.cleaner.wait().unwrap();
        assert!(!folder.path.exists());
    }
}
