//! Whether a failure of a target is worth a line in the log: once for each kind of failure, until the target is scraped
//! again. A number in its words, such as how many samples are too many, makes no other kind of it.

use std::collections::BTreeSet;

/// More kinds are not told apart until it is over; a page that is wrong in ever new ways would fill the log.
const KINDS_MAX: usize = 16;
/// Failures that begin alike so far are of one kind.
const CHARS_MAX: usize = 200;

/// Kinds of failures since the target was last scraped.
#[derive(Debug, Default)]
pub(super) struct FailureKinds(BTreeSet<String>);

impl FailureKinds {
    /// Notes a failure; gives whether there was none of its kind.
    pub(super) fn is_new(&mut self, why: &str) -> bool {
        self.0.len() < KINDS_MAX && self.0.insert(kind_of(why))
    }

    /// Notes that the target was scraped; gives whether it failed before.
    pub(super) fn end(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }
}

/// The words with one digit in place of each number.
fn kind_of(why: &str) -> String {
    let mut kind = String::new();
    for char in why.chars().take(CHARS_MAX) {
        match char.is_ascii_digit() {
            true if kind.ends_with('0') => {}
            true => kind.push('0'),
            false => kind.push(char),
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_failure_is_said_once_until_it_is_over() {
        let mut kinds = FailureKinds::default();
        assert!(!kinds.end(), "nothing failed yet");
        for (why, is_new) in [
            ("sample limit exceeded (number of samples: 11, limit: 10)", true),
            ("sample limit exceeded (number of samples: 9, limit: 8)", false),
            ("sample limit exceeded (number of samples: 120, limit: 10)", false),
            ("server returned HTTP status 500 Internal Server Error", true),
            ("server returned HTTP status 503 Service Unavailable", true),
            ("sample limit exceeded (number of samples: 12, limit: 10)", false),
        ] {
            assert_eq!(kinds.is_new(why), is_new, "{why}");
        }
        assert!(kinds.end() && !kinds.end());
        assert!(kinds.is_new("sample limit exceeded (number of samples: 12, limit: 10)"), "it came back");
    }

    #[test]
    fn a_page_that_is_wrong_in_ever_new_ways_does_not_fill_the_log() {
        let mut kinds = FailureKinds::default();
        let texts = (1..1000).map(|n| format!("line 1: {} is no sample", "x".repeat(n)));
        assert_eq!(texts.filter(|why| kinds.is_new(why)).count(), KINDS_MAX);
        assert!(kinds.end() && kinds.is_new("line 1"));
    }
}
