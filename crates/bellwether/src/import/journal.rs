//! Which parts of which sources an import has brought in durably: a file of lines in the data directory, appended to
//! and synced after each part. A part that is missing here is read again, which doubles nothing.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// In the data directory.
const FILE: &str = "import.journal";

/// What is done, and the file that says so.
#[derive(Debug)]
pub struct Journal {
    source: String,
    done: BTreeSet<String>,
    path: PathBuf,
    file: Option<File>,
}

/// Whether anything was ever imported into a data directory.
pub fn has_imports(data: &Path) -> bool {
    data.join(FILE).is_file()
}

/// Copies it, if there is one, durably into another data directory.
pub fn copy(data: &Path, target: &Path) -> io::Result<()> {
    match std::fs::copy(data.join(FILE), target.join(FILE)) {
        Ok(_) => File::open(target.join(FILE))?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Journal {
    /// Of a data directory, about one source.
    pub fn open(data: &Path, source: &str) -> io::Result<Self> {
        let path = data.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        // The last line may be half of one: the process was ended while it wrote.
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let ours = lines.filter(|line| line["source"].as_str() == Some(source));
        let done = ours.filter_map(|line| line["part"].as_str().map(str::to_owned)).collect();
        Ok(Self { source: source.to_owned(), done, path, file: None })
    }

    /// Forgets what was done before.
    pub fn forget(&mut self) {
        self.done.clear();
    }

    /// Whether a part is done.
    pub fn has(&self, part: &str) -> bool {
        self.done.contains(part)
    }

    /// Parts that are done, in the order of their names.
    pub fn done(&self) -> impl Iterator<Item = &str> {
        self.done.iter().map(String::as_str)
    }

    /// Says, durably, that a part is done.
    pub fn add(&mut self, part: &str) -> io::Result<()> {
        if self.has(part) {
            return Ok(());
        }
        let line = json!({ "source": self.source, "part": part }).to_string();
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
                // What another process left half-written ends here.
                file.write_all(b"\n")?;
                self.file.insert(file)
            }
        };
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()?;
        self.done.insert(part.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_again_and_half_a_line_is_none() {
        let folder = std::env::temp_dir().join(format!("bellwether-journal-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(!has_imports(&folder));
        let mut journal = Journal::open(&folder, "a").unwrap();
        journal.add("1").unwrap();
        drop(journal);
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text + "{\"source\":\"a\",\"pa").unwrap();
        let mut journal = Journal::open(&folder, "a").unwrap();
        journal.add("2").unwrap();
        let journal = Journal::open(&folder, "a").unwrap();
        assert_eq!(journal.done().collect::<Vec<_>>(), ["1", "2"]);
        assert!(!Journal::open(&folder, "b").unwrap().has("1"));
        assert!(has_imports(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
