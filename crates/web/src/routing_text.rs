//! Labels as people type them to ask where they would go: written like matchers, of which only `=` makes a label.

use bellwether_model::{Labels, MatchOp};

use crate::matcher_text;

/// Reads labels, one a line or comma apart.
pub(crate) fn read(text: &str) -> Result<Labels, String> {
    let matchers = matcher_text::read(text)?;
    if let Some(other) = matchers.iter().find(|m| m.op != MatchOp::Equal) {
        return Err(format!("{other} is not a label; write {}=\"value\"", other.name));
    }
    Ok(Labels::from_pairs(matchers.iter().map(|m| (m.name.as_str(), m.value.as_str()))))
}

/// As [`read`] takes them.
pub(crate) fn write(labels: &Labels) -> String {
    let lines = labels.iter().map(|(name, value)| matcher_text::write_equal(name, value));
    lines.collect::<Vec<_>>().join("\n")
}
