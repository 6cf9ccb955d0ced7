//! A metric's name that is one letter away from one the setup asks for again and again.

use std::collections::BTreeMap;

use bellwether_diag::{Severity, Span};
use bellwether_promql::selectors;

use crate::{Report, Setup};

/// Among more names than these nobody looks for twins: it is quadratic in names of nearly one length.
const NAMES_MAX: usize = 5_000;

/// Shorter names differ by a letter on purpose.
const LENGTH_MIN: usize = 12;

pub(super) fn run(setup: &Setup, report: &mut Report) {
    let mut uses: BTreeMap<&str, (usize, Option<Span>)> = BTreeMap::new();
    for query in setup.all_queries() {
        for selector in query.parsed.iter().flat_map(selectors) {
            let Some(name) = selector.name.as_deref().filter(|name| !name.contains(':')) else { continue };
            let entry = uses.entry(name).or_default();
            entry.0 += 1;
            if entry.0 == 1 {
                entry.1 =
                    Some(query.span(&setup.sources, selector.span.start..selector.span.start + name.len()));
            }
        }
    }
    if uses.len() > NAMES_MAX {
        return;
    }
    let mut by_length: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (name, (count, _)) in &uses {
        if *count > 1 && name.len() >= LENGTH_MIN {
            by_length.entry(name.len()).or_default().push(name);
        }
    }
    for (name, (count, span)) in &uses {
        let (1, Some(span), true) = (*count, span, name.len() >= LENGTH_MIN) else { continue };
        let near = (name.len() - 1..=name.len() + 1).filter_map(|length| by_length.get(&length)).flatten();
        if let Some(twin) = near.into_iter().find(|other| is_a_letter_away(name, other)) {
            report
                .find(*span, format!("{name} is asked for here only, and {twin} everywhere else"))
                .severity(Severity::Warning)
                .help(format!("write {twin}, if that is meant"));
        }
    }
}

/// Whether one letter is missing, too many, another one, or two are exchanged. Digits differ on purpose.
fn is_a_letter_away(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let begin = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[begin..], &b[begin..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    let letters = |part: &[u8]| part.iter().all(u8::is_ascii_lowercase);
    let is_near = match (a, b) {
        ([_], []) | ([], [_]) | ([_], [_]) => true,
        ([x, y], [v, w]) => x == w && y == v,
        _ => false,
    };
    is_near && letters(a) && letters(b)
}
