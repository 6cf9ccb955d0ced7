//! "Did you mean": the nearest of the names that would have been right.
//!
//! A wrong suggestion is worse than none, so the distance allowed grows with the word's length.

/// Words longer than this are not compared: nobody mistypes them, and comparing is quadratic.
const WORD_LENGTH_MAX: usize = 64;

/// The candidate nearest to a word, if one is near enough. Of equally near ones the one that goes on where the word
/// ends (letters are left out more often than mistaken), then the first in the given order.
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word_chars = normalized(word);
    if word_chars.len() > WORD_LENGTH_MAX || word_chars.is_empty() {
        return None;
    }
    let allowed = word_chars.len().div_ceil(3).min(3);
    let mut best: Option<((usize, bool), &'a str)> = None;
    for candidate in candidates {
        let candidate_chars = normalized(candidate);
        if candidate_chars.len() > WORD_LENGTH_MAX {
            continue;
        }
        let found = distance(&word_chars, &candidate_chars);
        let rank = (found, !candidate_chars.starts_with(&word_chars));
        if found <= allowed && found < candidate_chars.len() && best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Lower case without separators: `keepFiringFor`, `keep-firing-for` and `keep_firing_for` are one word.
fn normalized(word: &str) -> Vec<char> {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// How many single edits (insert, delete, replace, swap neighbours) lie between two words: the optimal string
/// alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
