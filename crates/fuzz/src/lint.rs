//! The linter: documents and files of every kind, alone and beside one another; every finding with a place that can be
//! shown, in every format; what it would write is text again.

use bellwether_diag::Style;
use bellwether_lint::{Mended, Setup, lint, meanings, output};

/// The same text as a document, as YAML and as queries: what it is to be is told by the name.
pub(crate) fn looks(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for names in [&["notes.md"][..], &["rules.yml"], &["notes.md", "other.yml", "queries.promql", "a.tmpl"]] {
        let setup = Setup::read(names.iter().map(|name| (*name, text.as_ref())));
        let findings = lint(&setup);
        let _ = output::text(&setup, &findings, Style { color: true });
        let _ = output::json(&setup, &findings);
        let _ = output::github(&setup, &findings);
        let _ = output::sarif(&setup, &findings);
        let _ = meanings(&setup);
        assert_eq!(findings, lint(&setup), "the same files are judged alike");
        let mended = Mended::of(setup);
        let new = mended.setup.sources.text(mended.setup.files[0].file);
        let _ = output::unified("notes.md", &text, new);
    }
}
