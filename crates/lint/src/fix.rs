//! Ready fixes put into the texts. One round takes fixes that do not touch one another; what they uncover, or what had to
//! wait, is for the next round, which reads everything anew.

use std::collections::BTreeMap;

use bellwether_diag::FileId;

use crate::{Edit, Finding, Fix, Setup, lint, output::Place};

/// Rounds at most: a fix that calls for another one, over and over, must end.
const ROUNDS_MAX: usize = 10;

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file's name.
    pub file: String,
    /// The line it begins in, in the text before this round.
    pub line: u32,
    /// The id of what it mends.
    pub id: &'static str,
    /// What was done.
    pub title: String,
}

/// Everything after all fixes.
#[derive(Debug)]
pub struct Mended {
    /// The setup as it is now.
    pub setup: Setup,
    /// What is still wrong with it.
    pub findings: Vec<Finding>,
    /// What was changed, in the order it was done.
    pub changes: Vec<Change>,
}

impl Mended {
    /// Mends what can be mended.
    pub fn of(mut setup: Setup) -> Self {
        let mut changes = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let findings = lint(&setup);
            let (texts, done) = round(&setup, &findings);
            if done.is_empty() {
                return Self { setup, findings, changes };
            }
            changes.extend(done);
            setup = setup.with_texts(&texts);
        }
        let findings = lint(&setup);
        Self { setup, findings, changes }
    }
}

/// Applies every fix that does not overlap with one before it: the new texts of the files it changes, and what was done.
fn round(setup: &Setup, findings: &[Finding]) -> (BTreeMap<FileId, String>, Vec<Change>) {
    let mut taken: BTreeMap<FileId, Vec<Edit>> = BTreeMap::new();
    let mut done = Vec::new();
    for (finding, fix) in findings.iter().filter_map(|finding| Some((finding, finding.fix.as_ref()?))) {
        let edits = in_whole_files(setup, fix);
        let is_free = edits.iter().enumerate().all(|(at, edit)| {
            let others = taken.get(&edit.span.file).into_iter().flatten().chain(&edits[..at]);
            others.into_iter().all(|other| !touch(edit, other))
        });
        let Some(first) = edits.first().filter(|_| is_free) else { continue };
        let place = Place::of(&setup.sources, first.span);
        done.push(Change {
            file: place.file.to_owned(),
            line: place.start.line,
            id: finding.problem.id,
            title: fix.title.clone(),
        });
        for edit in edits {
            taken.entry(edit.span.file).or_default().push(edit);
        }
    }
    (
        taken.into_iter().map(|(file, edits)| (file, rewritten(setup.sources.text(file), edits))).collect(),
        done,
    )
}

fn in_whole_files(setup: &Setup, fix: &Fix) -> Vec<Edit> {
    let whole = |edit: &Edit| Edit { span: setup.sources.whole(edit.span), text: edit.text.clone() };
    fix.edits.iter().map(whole).collect()
}

/// Whether two edits are about the same place; two insertions at one place are, since their order would be a guess.
fn touch(one: &Edit, other: &Edit) -> bool {
    one.span.file == other.span.file && one.span.start <= other.span.end && other.span.start <= one.span.end
}

/// From the end, so that earlier places stay where they are.
fn rewritten(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    let mut text = text.to_owned();
    for edit in edits {
        let end = text.floor_char_boundary(edit.span.end as usize);
        let start = text.floor_char_boundary(edit.span.start as usize).min(end);
        text.replace_range(start..end, &edit.text);
    }
    text
}
