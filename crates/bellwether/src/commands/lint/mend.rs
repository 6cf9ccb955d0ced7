//! `lint --fix`: puts ready fixes into the files, or shows them as a diff.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use bellwether_lint::{Mended, Setup, output};

use crate::failure::Failure;
use crate::output::{say, warn};

/// Mends what can be mended, says what was done, and gives what is left.
pub(super) fn run(setup: Setup, is_dry: bool) -> Result<Mended, Failure> {
    let before: Vec<(String, String)> = texts(&setup);
    let mended = Mended::of(setup);
    for ((name, old), (_, new)) in before.iter().zip(texts(&mended.setup)).filter(|(a, b)| a.1 != b.1) {
        match is_dry {
            true => say(output::unified(name, old, &new).trim_end_matches('\n')),
            false => write(Path::new(name), &new)
                .map_err(|error| Failure::failed(format!("cannot write {name}: {error}")))?,
        }
    }
    if !is_dry {
        for change in &mended.changes {
            warn(&format!("{}:{}: [{}] {}", change.file, change.line, change.id, change.title));
        }
    }
    if mended.changes.is_empty() {
        warn("there is nothing that can be mended by itself");
    }
    Ok(mended)
}

fn texts(setup: &Setup) -> Vec<(String, String)> {
    let text = |file| (setup.sources.name(file).to_owned(), setup.sources.text(file).to_owned());
    setup.files.iter().map(|input| text(input.file)).collect()
}

/// Replaces a file as a whole: whoever reads it sees the old text or the new one, and keeps its permissions.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = fs::canonicalize(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = (|| {
        let mut file = fs::File::create_new(&beside)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
