//! Reads the files of a configuration and collects what is wrong with them: every part of the configuration is read
//! through the same loader, so that one run reports the mistakes of all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Decode, Diagnostic, Diagnostics, FileId, Sources, Span};
use bellwether_rules::{ReadOptions, RuleFile};
use bellwether_slo::{Documents, Slo};

use super::scrape_intervals::ScrapeIntervals;
use super::shown;

/// Reads files and collects what is wrong with them.
#[derive(Debug, Default)]
pub struct Loader {
    /// All texts read so far.
    pub sources: Sources,
    /// All problems found so far, but those of single rules.
    pub diagnostics: Diagnostics,
    /// All problems of single rules found so far; those rules are left out.
    pub refused: Diagnostics,
    /// All rule files read so far, by name.
    pub rules: Vec<(String, RuleFile)>,
    /// All documents of objectives read so far, those that `bellwether.yml` names aside.
    pub objectives: Documents,
    /// How strictly rule files are read.
    pub rule_options: ReadOptions,
    /// All objectives read so far.
    pub slos: Vec<Slo>,
    /// How often the jobs are scraped.
    pub scrape_intervals: ScrapeIntervals,
    /// Whether what objectives' alerts can do at all is examined.
    pub examine: bool,
    /// The configuration without secrets, one document per file.
    pub shown: String,
    /// Files that are part of the program and stand in for those of the disk.
    pub texts: BTreeMap<PathBuf, &'static str>,
}

impl Loader {
    /// Reads a file; one that cannot be read is a problem at the place that names it.
    pub(crate) fn read_file(&mut self, path: &Path, named_at: Option<Span>) -> Option<FileId> {
        let name = path.display().to_string();
        if let Some(text) = self.texts.get(path) {
            return Some(self.sources.add(name, *text));
        }
        match std::fs::read(path) {
            Ok(bytes) => {
                let errors = self.diagnostics.error_count();
                let file = self.sources.add_bytes(name, bytes, &mut self.diagnostics);
                (self.diagnostics.error_count() == errors).then_some(file)
            }
            Err(error) => {
                let why = match error.kind() {
                    std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                    _ => error.to_string(),
                };
                self.diagnostics.push(Diagnostic::error(
                    "unreadable-file",
                    named_at,
                    format!("cannot read {name}: {why}"),
                ));
                None
            }
        }
    }

    pub(super) fn decode<T: Decode>(&mut self, file: FileId) -> Option<T> {
        bellwether_diag::decode_file(&self.sources, file, &mut self.diagnostics)
    }

    pub(super) fn decode_node<T: Decode>(&mut self, node: &Node) -> Option<T> {
        T::decode(node, &mut Cx::new(&self.sources, &mut self.diagnostics))
    }

    /// Adds a file to what others may see of the configuration.
    pub(super) fn show(&mut self, file: FileId) {
        // Problems of syntax are reported by whoever decodes the file.
        let documents = yaml::parse(&self.sources, file, &mut Diagnostics::new());
        let Some(document) = documents.first().filter(|node| !node.is_null()) else { return };
        if !self.shown.is_empty() {
            self.shown.push_str(&format!("---\n# {}\n", self.sources.name(file).replace('\n', " ")));
        }
        self.shown.push_str(&shown::yaml(document));
    }

    /// Makes the names of files that are read when they are needed independent of the working directory, and warns of
    /// those that are not there: the first alert or scrape would be the one to find out.
    pub(super) fn resolve_files(&mut self, files: Vec<&mut String>, folder: &Path) {
        let mut missing = BTreeSet::new();
        for file in files {
            let path = folder.join(&*file);
            if !path.exists() && !self.texts.contains_key(&path) {
                missing.insert(path.display().to_string());
            }
            *file = path.display().to_string();
        }
        for path in missing {
            let message = format!("{path} does not exist yet; what needs it fails until it does");
            self.diagnostics.push(Diagnostic::warning("missing-secret-file", None, message));
        }
    }

    /// Files that a pattern names, sorted.
    pub(crate) fn expand(&mut self, pattern: &str, span: Option<Span>, folder: &Path) -> Vec<PathBuf> {
        let whole = folder.join(pattern);
        if !pattern.contains(['*', '?', '[']) {
            return vec![whole];
        }
        let paths = match glob::glob(&whole.to_string_lossy()) {
            Ok(paths) => paths,
            Err(error) => {
                let message = format!("{pattern:?} is not a pattern: {}", error.msg);
                self.diagnostics.push(Diagnostic::error("bad-pattern", span, message));
                return Vec::new();
            }
        };
        let mut found: Vec<PathBuf> = paths.filter_map(Result::ok).collect();
        if let Ok(whole) = glob::Pattern::new(&whole.to_string_lossy()) {
            found.extend(self.texts.keys().filter(|path| whole.matches_path(path)).cloned());
        }
        if found.is_empty() {
            let message = format!("no file matches {pattern:?}");
            self.diagnostics.push(Diagnostic::warning("no-file", span, message));
        }
        found
    }
}

/// The folder that relative names in a file start from.
pub fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}
