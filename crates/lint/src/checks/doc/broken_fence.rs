//! Blocks of code that do not end where their author thinks.

use std::collections::BTreeSet;

use bellwether_diag::Severity;

use crate::setup::markdown::BrokenFenceKind;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "broken-fence",
    area: Area::Doc,
    severity: Severity::Warning,
    title: "a block of code does not end where it seems to",
    why: "A fence ends at the next fence of its length: a block of Markdown that shows blocks itself needs a longer one. One \
          that is not closed, or whose text leaves the list item it stands in, swaps code and text for the rest of the \
          document: headings are no headings, commands cannot be copied.",
    wrong: &[("README.md", "```markdown\n# Runbook\n\n```sh\nuptime\n```\n\nThen restart.\n```\n")],
    right: &[("README.md", "````markdown\n# Runbook\n\n```sh\nuptime\n```\n\nThen restart.\n````\n")],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let mut files = BTreeSet::new();
    for document in &setup.documents {
        for fence in &document.broken_fences {
            let whole = setup.sources.whole(fence.span);
            // One that is broken breaks those after it.
            if !files.insert(whole.file) {
                continue;
            }
            let line = setup.sources.position(fence.shown_by).line;
            let (span, message, help) = match fence.kind {
                BrokenFenceKind::EndsEarly => (
                    fence.span,
                    format!("this block ends with the one inside of it, which begins on line {line}"),
                    "begin and end the outer block with a longer fence: ````",
                ),
                BrokenFenceKind::NotClosed => (
                    fence.span,
                    format!("this block is not closed before the next begins on line {line}"),
                    "close it with a fence of the same length",
                ),
                BrokenFenceKind::NeverEnds => (
                    fence.span,
                    "this block is never closed: the rest of the document is code".to_owned(),
                    "close it with a fence of the same length",
                ),
                BrokenFenceKind::LeavesItem => (
                    fence.shown_by,
                    "this line is left of the list item the block stands in: the block ends here, and its closing fence \
                     begins another"
                        .to_owned(),
                    "indent the block and its closing fence as its opening one",
                ),
            };
            report.find(span, message).help(help);
        }
    }
}
