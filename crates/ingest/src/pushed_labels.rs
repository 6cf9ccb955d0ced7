//! The label set of a pushed series, from pairs as they came: in any order, with empty values, perhaps with a name
//! twice, perhaps without a metric's name. Senders are asked to sort; not all do, and the order means nothing.

use bellwether_model::{Labels, METRIC_NAME};

/// Why pairs are no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushedLabelProblem {
    /// Which metric it is was not said.
    #[error("invalid metric name or labels")]
    NoMetricName,
    /// A label without a name.
    #[error("invalid metric name or labels: a label has no name")]
    EmptyName,
    /// Bytes that are no text.
    #[error("invalid metric name or labels: one is not UTF-8")]
    NotText,
    /// A symbol that is not in the table, or half a pair.
    #[error(
        "invalid metric name or labels: one refers to a symbol that is not in the table, or lacks its value"
    )]
    NoSuchSymbol,
    /// Two values for one name.
    #[error("invalid labels for series, duplicated label {0}")]
    Duplicate(String),
}

/// Sorts and checks the pairs of a series, and packs them.
pub fn pushed_labels(pairs: &mut Vec<(&str, &str)>) -> Result<Labels, PushedLabelProblem> {
    if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
        pairs.sort_unstable();
        if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(PushedLabelProblem::Duplicate(twice[0].0.to_owned()));
        }
    }
    if pairs.first().is_some_and(|first| first.0.is_empty()) {
        return Err(PushedLabelProblem::EmptyName);
    }
    if !pairs.iter().any(|(name, value)| *name == METRIC_NAME && !value.is_empty()) {
        return Err(PushedLabelProblem::NoMetricName);
    }
    Ok(Labels::from_sorted(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_a_series_or_are_refused_for_what_is_wrong_with_them() {
        let check = |pairs: &[(&str, &str)], expected: Result<&str, &str>| {
            let found = pushed_labels(&mut pairs.to_vec());
            let found = found.map(|labels| labels.to_string()).map_err(|problem| problem.to_string());
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{pairs:?}");
        };
        let invalid = Err("invalid metric name or labels");
        check(&[("__name__", "a"), ("b", "c")], Ok("a{b=\"c\"}"));
        check(&[("z", "1"), ("__name__", "a"), ("b", "")], Ok("a{z=\"1\"}"));
        check(&[("__name__", "ü é")], Ok("{\"ü é\"}"));
        check(&[], invalid);
        check(&[("b", "c")], invalid);
        check(&[("__name__", ""), ("b", "c")], invalid);
        let nameless = Err("invalid metric name or labels: a label has no name");
        check(&[("__name__", "a"), ("", "c")], nameless);
        check(&[("", ""), ("__name__", "a")], nameless);
        let twice = Err("invalid labels for series, duplicated label b");
        check(&[("__name__", "a"), ("b", "c"), ("b", "c")], twice);
        check(&[("b", ""), ("__name__", "a"), ("b", "d")], twice);
    }
}
