//! A folder of a test's own.

use std::path::{Path, PathBuf};

/// A folder that goes with the test that made it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// A new one, with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("drawbridge-test-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).expect("a folder can be made");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder can be made");
        std::fs::write(&path, text).expect("a file can be written");
    }

    /// The lines of a file.
    #[must_use]
    pub fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.0.join(name)).expect("the file is there");
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind in the system's folder for such things disturbs nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
