//! The rules that a configuration holds and names. A rule with a mistake is left out, and those beside it stay.

use std::path::Path;

use bellwether_diag::{Cx, Diagnostic, FileId, Span, Spanned};
use bellwether_rules::{RuleFile, RuleGroup};

use super::loader::Loader;
use super::outline::Section;

impl Loader {
    pub(super) fn load_rules(&mut self, sections: Vec<Section>, folder: &Path) {
        let mut inline = Vec::new();
        for section in sections {
            match section {
                Section::File(pattern) => self.load_rule_files(&[pattern], folder),
                Section::Inline(node) => {
                    let mut cx = Cx::new(&self.sources, &mut self.diagnostics);
                    let refused = &mut self.refused;
                    inline.extend(RuleGroup::decode_leniently(&node, self.rule_options, &mut cx, refused));
                }
            }
        }
        if !inline.is_empty() {
            let name = self.sources.name(FileId(0)).to_owned();
            self.rules.push((name, RuleFile { groups: inline }));
        }
    }

    pub(super) fn load_rule_files(&mut self, patterns: &[Spanned<String>], folder: &Path) {
        for pattern in patterns {
            for path in self.expand(&pattern.value, Some(pattern.span), folder) {
                if let Some(file) = self.read_file(&path, Some(pattern.span)) {
                    let rules = self.decode_rules(file);
                    self.rules.extend(rules);
                }
            }
        }
    }

    pub(super) fn decode_rules(&mut self, file: FileId) -> Option<(String, RuleFile)> {
        let Self { sources, diagnostics, refused, .. } = self;
        let groups = RuleFile::read_leniently(sources, file, self.rule_options, diagnostics, refused)?;
        Some((self.sources.name(file).to_owned(), groups))
    }

    /// Warns of rules that appear in two files; those that appear twice in one have been warned of when it was read.
    pub fn lint_across_files(&mut self) {
        let found = bellwether_rules::lint::duplicates(self.rules.iter().map(|(_, file)| file));
        let name = |span: Option<Span>| span.map(|span| self.sources.name(span.file).to_owned());
        let is_across = |found: &Diagnostic| {
            let first = found.related.first().map(|related| related.span);
            // One file may have been read twice.
            name(found.span) != name(first)
        };
        let across: Vec<Diagnostic> = found.into_iter().filter(is_across).collect();
        self.diagnostics.extend(across);
    }
}
