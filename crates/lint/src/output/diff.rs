//! Two versions of a text as a unified diff, which people read and `patch` applies. The shortest edit script by Myers'
//! greedy algorithm (An O(ND) Difference Algorithm and Its Variations, 1986) over lines.

use std::fmt::Write as _;
use std::ops::Range;

/// Lines around a change that are shown.
const CONTEXT: usize = 3;
/// Edits up to which the shortest script is looked for; more are shown as one change.
const EDITS_MAX: usize = 500;

/// Lines that were replaced: those of the old text by those of the new one.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// The diff; empty when both are the same.
pub fn unified(name: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let changes = changes(&old, &new);
    if changes.is_empty() {
        return String::new();
    }
    let mut text = format!("--- a/{name}\n+++ b/{name}\n");
    let mut rest = changes.as_slice();
    while !rest.is_empty() {
        let near = |pair: &[Change]| pair[1].old.start - pair[0].old.end <= 2 * CONTEXT;
        let length = rest.windows(2).take_while(|pair| near(pair)).count() + 1;
        let (together, others) = rest.split_at(length);
        hunk(&mut text, &old, &new, together);
        rest = others;
    }
    text
}

fn hunk(text: &mut String, old: &[&str], new: &[&str], changes: &[Change]) {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return };
    let begins = first.old.start.saturating_sub(CONTEXT);
    let ends = (last.old.end + CONTEXT).min(old.len());
    let new_begins = first.new.start - (first.old.start - begins);
    let new_ends = last.new.end + (ends - last.old.end);
    let place = |begins: usize, ends: usize| match ends - begins {
        0 => format!("{begins},0"),
        length => format!("{},{length}", begins + 1),
    };
    let _ = writeln!(text, "@@ -{} +{} @@", place(begins, ends), place(new_begins, new_ends));
    let mut at = begins;
    for change in changes {
        lines(text, ' ', &old[at..change.old.start]);
        lines(text, '-', &old[change.old.clone()]);
        lines(text, '+', &new[change.new.clone()]);
        at = change.old.end;
    }
    lines(text, ' ', &old[at..ends]);
}

fn lines(text: &mut String, mark: char, lines: &[&str]) {
    for line in lines {
        text.push(mark);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// What differs, in order.
fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[same..], &new[same..]);
    let after = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old_rest[..old_rest.len() - after], &new_rest[..new_rest.len() - after]);
    if old_rest.is_empty() && new_rest.is_empty() {
        return Vec::new();
    }
    let whole = Change { old: same..same + old_rest.len(), new: same..same + new_rest.len() };
    let Some(kept) = kept_lines(old_rest, new_rest) else { return vec![whole] };
    let mut changes = Vec::new();
    let (mut at_old, mut at_new) = (whole.old.start, whole.new.start);
    let ends = (old_rest.len(), new_rest.len());
    for (kept_old, kept_new) in kept.into_iter().chain([ends]) {
        let (kept_old, kept_new) = (kept_old + same, kept_new + same);
        if kept_old > at_old || kept_new > at_new {
            changes.push(Change { old: at_old..kept_old, new: at_new..kept_new });
        }
        (at_old, at_new) = (kept_old + 1, kept_new + 1);
    }
    changes
}

/// The pairs of lines that a shortest script keeps; `None` when it would be too long.
fn kept_lines(old: &[&str], new: &[&str]) -> Option<Vec<(usize, usize)>> {
    let (n, m) = (old.len() as isize, new.len() as isize);
    let most = (old.len() + new.len()).min(EDITS_MAX);
    let offset = most as isize + 1;
    let mut furthest = vec![0_isize; 2 * most + 3];
    let mut history = Vec::new();
    for edits in 0..=most as isize {
        history.push(furthest.clone());
        for k in (-edits..=edits).step_by(2) {
            let at = |k: isize| furthest[(k + offset) as usize];
            let down = k == -edits || (k != edits && at(k - 1) < at(k + 1));
            let mut x = if down { at(k + 1) } else { at(k - 1) + 1 };
            while x < n && x - k < m && old[x as usize] == new[(x - k) as usize] {
                x += 1;
            }
            furthest[(k + offset) as usize] = x;
            if x >= n && x - k >= m {
                return Some(traced(&history, offset, (n, m)));
            }
        }
    }
    None
}

/// The way back from the end, over the states before each edit.
fn traced(history: &[Vec<isize>], offset: isize, end: (isize, isize)) -> Vec<(usize, usize)> {
    let (mut x, mut y) = end;
    let mut kept = Vec::new();
    for (edits, furthest) in history.iter().enumerate().rev() {
        let (edits, k) = (edits as isize, x - y);
        let at = |k: isize| furthest[(k + offset) as usize];
        let before = if k == -edits || (k != edits && at(k - 1) < at(k + 1)) { k + 1 } else { k - 1 };
        let (from_x, from_y) = if edits == 0 { (0, 0) } else { (at(before), at(before) - before) };
        while x > from_x && y > from_y {
            (x, y) = (x - 1, y - 1);
            kept.push((x as usize, y as usize));
        }
        (x, y) = (from_x, from_y);
    }
    kept.reverse();
    kept
}
