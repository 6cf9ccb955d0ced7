//! What the regular expressions of one query may take together.

use bellwether_model::{MatchOp, Matcher, MatcherError};

use crate::lex::clipped;

/// Compiled size up to which a pattern counts as small; nearly all are.
const SMALL_PATTERN_BYTES: usize = 64 << 10;
/// Compiled size of all patterns of a query together.
const PATTERNS_BYTES_MAX: usize = 64 << 20;

/// What the regular expressions of a query may still take, so that many cannot do what one is not allowed to.
#[derive(Debug)]
pub(crate) struct MatcherBudget {
    bytes_left: usize,
}

impl Default for MatcherBudget {
    fn default() -> Self {
        Self { bytes_left: PATTERNS_BYTES_MAX }
    }
}

impl MatcherBudget {
    /// Builds a matcher, unless its pattern is wrong or too much.
    pub(crate) fn matcher(&mut self, op: MatchOp, name: String, value: String) -> Result<Matcher, String> {
        if !matches!(op, MatchOp::Regex | MatchOp::NotRegex) {
            return Matcher::new(op, name, value).map_err(|error| error.to_string());
        }
        let sizes = [SMALL_PATTERN_BYTES, bellwether_model::REGEX_BYTES_MAX];
        let mut refusal = None;
        for size in sizes.into_iter().filter(|size| *size <= self.bytes_left) {
            match Matcher::with_size_limit(op, name.clone(), value.clone(), size) {
                Ok(matcher) => {
                    self.bytes_left -= size;
                    return Ok(matcher);
                }
                Err(error) if error.is_too_large => refusal = Some(error),
                Err(error) => return Err(pattern_message(&error)),
            }
        }
        Err(refusal.filter(|_| self.bytes_left >= bellwether_model::REGEX_BYTES_MAX).map_or_else(
            || {
                format!(
                    "the regular expressions of this query need more than {} MiB",
                    PATTERNS_BYTES_MAX >> 20
                )
            },
            |error| pattern_message(&error),
        ))
    }
}

fn pattern_message(error: &MatcherError) -> String {
    if error.is_too_large {
        return format!(
            "regular expression {:?} is too large: compiled it takes more than {} MiB",
            clipped(&error.pattern),
            bellwether_model::REGEX_BYTES_MAX >> 20
        );
    }
    format!("error parsing regular expression {:?}: {}", clipped(&error.pattern), clipped(&error.reason))
}
