//! Matchers as people write them: `severity="critical"`, `{team=~"a|b", env!=prod}`. There are two notations, and
//! Alertmanager's rule which of them counts: today's, in which any text can be a label's name; the classic one where
//! today's does not read it; and the classic one as well where both do and disagree.

mod classic;
mod utf8;

use bellwether_model::{MatchOp, Matcher};

/// Why a text is not a matcher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MatcherSyntaxError(pub String);

fn wrong<T>(message: impl Into<String>) -> Result<T, MatcherSyntaxError> {
    Err(MatcherSyntaxError(message.into()))
}

fn matcher(op: MatchOp, name: impl Into<String>, value: String) -> Result<Matcher, MatcherSyntaxError> {
    Matcher::new(op, name, value).map_err(|error| MatcherSyntaxError(error.to_string()))
}

/// Matchers, and what is doubtful about how they are written.
pub(super) struct Written {
    pub(super) matchers: Vec<Matcher>,
    pub(super) doubt: Option<String>,
}

/// Reads exactly one matcher. Braces are for lists.
pub fn parse_matcher(text: &str) -> Result<Matcher, MatcherSyntaxError> {
    if text.starts_with('{') || text.ends_with('}') {
        return wrong(format!(
            "{text:?} has braces, which stand around a list; write one matcher without them"
        ));
    }
    let mut all = parse_matchers(text)?;
    match (all.pop(), all.is_empty()) {
        (Some(matcher), true) => Ok(matcher),
        (Some(_), false) => {
            wrong(format!("{text:?} holds more than one matcher; write each as its own item"))
        }
        (None, _) => wrong("no matcher; write one such as severity=\"critical\""),
    }
}

/// Reads a list: commas between matchers, braces around all of them if wanted.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, MatcherSyntaxError> {
    read(text).map(|written| written.matchers)
}

/// As [`parse_matchers`], with a doubt where the text probably means something else.
pub(super) fn read(text: &str) -> Result<Written, MatcherSyntaxError> {
    match (utf8::parse(text), classic::parse(text)) {
        (Err(error), Err(_)) => Err(error),
        (Ok(matchers), Err(_)) => Ok(Written { matchers, doubt: None }),
        (Err(_), Ok(matchers)) => {
            let doubled = matchers.iter().find(|m| m.value.starts_with(['=', '~', '!']));
            let doubt = doubled.filter(|m| !text.contains(&format!("\"{}", m.value)));
            let doubt = doubt.map(|m| format!("{text:?} compares {} with {:?}", m.name, m.value));
            Ok(Written { matchers, doubt })
        }
        (Ok(today), Ok(classic)) if today == classic => Ok(Written { matchers: today, doubt: None }),
        (Ok(today), Ok(classic)) => {
            let join = |all: &[Matcher]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let doubt = format!("{text:?} is read as {}, and not as {}", join(&classic), join(&today));
            Ok(Written { matchers: classic, doubt: Some(doubt) })
        }
    }
}
