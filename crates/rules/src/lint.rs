//! What is allowed in rule files, but probably a mistake.

use std::collections::BTreeMap;

use bellwether_diag::{Diagnostic, Span};

use crate::{RuleFile, RuleKind};

/// The id of the warnings that [`duplicates`] gives.
pub const DUPLICATE: &str = "rule-duplicate";

/// The same name with the same labels twice: Prometheus accepts it, but often one of the two is a copy that was not
/// adapted. Two recordings of one series overwrite each other.
pub fn duplicates<'a>(files: impl IntoIterator<Item = &'a RuleFile>) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<(bool, &str, BTreeMap<String, String>), Span> = BTreeMap::new();
    let mut found = Vec::new();
    let groups = files.into_iter().flat_map(|file| &file.groups);
    for (group, rule) in groups.flat_map(|group| group.rules.iter().map(move |rule| (group, rule))) {
        let key = (rule.kind == RuleKind::Record, rule.name.as_str(), group.labels_of(rule));
        let Some(first) = seen.get(&key) else {
            seen.insert(key, rule.name.span);
            continue;
        };
        let message = format!("{:?} appears again with the same labels", rule.name.value);
        found.push(
            Diagnostic::warning(DUPLICATE, rule.name.span, message)
                .with_help("remove one, or give them labels that differ")
                .with_related(*first, "the first one is here"),
        );
    }
    found
}
