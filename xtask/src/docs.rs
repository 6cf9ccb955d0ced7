//! `docs`: pages that are made of what the program knows. Whoever changes a check runs this, and a test says so when the
//! pages are not what the catalogue says.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use bellwether_lint::{catalogue, page};

use crate::{Outcome, root};

fn folder() -> PathBuf {
    root().join("docs/lint")
}

/// Pages by the names of their files.
fn pages() -> BTreeMap<String, String> {
    let named = catalogue::documented().map(|check| (format!("{}.md", check.id), page::markdown(check)));
    named.chain([("README.md".to_owned(), page::index())]).collect()
}

fn written() -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder()).into_iter().flatten().filter_map(Result::ok);
    let read = |entry: fs::DirEntry| {
        Some((entry.file_name().into_string().ok()?, fs::read_to_string(entry.path()).ok()?))
    };
    entries.filter_map(read).collect()
}

/// Writes the pages, and removes those of checks that are no more.
pub fn write() -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", folder().display());
    let (pages, written) = (pages(), written());
    fs::create_dir_all(folder()).map_err(failed)?;
    for (name, text) in pages.iter().filter(|(name, text)| written.get(*name) != Some(text)) {
        fs::write(folder().join(name), text).map_err(failed)?;
        println!("wrote docs/lint/{name}");
    }
    for name in written.keys().filter(|name| !pages.contains_key(*name)) {
        fs::remove_file(folder().join(name)).map_err(failed)?;
        println!("removed docs/lint/{name}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{pages, written};

    #[test]
    fn pages_of_checks_are_what_the_catalogue_says() {
        let (pages, written) = (pages(), written());
        let stale: Vec<&String> = pages
            .keys()
            .chain(written.keys())
            .filter(|name| pages.get(*name) != written.get(*name))
            .collect();
        assert!(stale.is_empty(), "run `cargo xtask docs`; these differ: {stale:?}");
        bellwether_testkit::cases::ran("lint/pages", pages.len() as u64);
    }
}
