//! Prometheus' own rule files load or are refused as their names say. They are read in place where they are at
//! hand: from the folder in BELLWETHER_CONFORMANCE, or from ../shared/conformance beside the workspace.
#![allow(clippy::disallowed_methods, reason = "this test looks for files beside the project")]

use std::path::PathBuf;

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_rules::{NameScheme, RuleFile};
use bellwether_testkit::cases;

#[test]
fn prometheus_rule_files_load_or_are_refused_as_their_names_say() {
    let Some(folder) = cases::conformance("rule-files") else { return };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let mut wrong = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add_bytes(&name, std::fs::read(path).unwrap(), &mut out);
        let scheme = if name.starts_with("legacy") { NameScheme::Legacy } else { NameScheme::Utf8 };
        let loads = RuleFile::read(&sources, file, scheme, &mut out).is_some();
        let is_bad = name.contains(".bad.") || name.starts_with("invalid_");
        if loads == is_bad {
            wrong.push(format!("{name}: loads: {loads}\n{}", out.render(&sources, Style { color: false })));
        }
    }
    cases::ran("conformance/rule-files", paths.len() as u64);
    assert!(!paths.is_empty(), "{} holds no rule files", folder.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
