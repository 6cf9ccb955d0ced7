//! What the two sides say about a result, taken from how a difference is shown, and in what way that differs.

use std::collections::BTreeSet;

/// What only newer releases say.
const NEW: [&str; 2] = ["sort is ineffective", "conflicting counter resets during histogram aggregation"];

/// The warnings or the infos of both sides.
pub struct Remarks {
    ours: BTreeSet<String>,
    theirs: BTreeSet<String>,
}

impl Remarks {
    /// Reads them from a difference's detail, which has one on each line.
    pub fn of(detail: &str) -> Self {
        let (ours, theirs) = detail.split_once("\ntheirs ").unwrap_or((detail, ""));
        let listed = |text: &str| -> BTreeSet<String> {
            let lines = text.lines().map(str::trim).filter(|line| line.starts_with('"'));
            lines.map(|line| line.trim_end_matches(',').trim_matches('"').to_owned()).collect()
        };
        Self { ours: listed(ours), theirs: listed(theirs) }
    }

    fn are_equal_as(&self, form: impl Fn(&str) -> Option<String>) -> bool {
        let formed =
            |list: &BTreeSet<String>| list.iter().filter_map(|text| form(text)).collect::<BTreeSet<_>>();
        formed(&self.ours) == formed(&self.theirs)
    }

    pub fn are_equal_but_for_places(&self) -> bool {
        self.are_equal_as(|text| Some(without_place(text).to_owned()))
    }

    /// Whether they are equal but for what only 3.14 says: what was mended of histograms, that a sort says nothing,
    /// that counter resets conflict; and but for the metric's name, which only 3.5 says.
    pub fn are_equal_but_for_version(&self) -> bool {
        self.are_equal_as(|text| {
            if NEW.iter().any(|new| text.contains(new)) {
                return None;
            }
            let text = without_place(text);
            let details =
                [" for metric name ", ", from buckets "].iter().filter_map(|detail| text.find(detail));
            Some(text[..details.min().unwrap_or(text.len())].to_owned())
        })
    }

    /// Whether theirs are among ours, and what ours has beside them speaks of this.
    pub fn are_fewer_only_in(&self, subject: &str) -> bool {
        self.theirs.is_subset(&self.ours) && self.differ_only_in(subject)
    }

    /// Whether each remark that only one side has speaks of this.
    pub fn differ_only_in(&self, subject: &str) -> bool {
        self.ours.symmetric_difference(&self.theirs).all(|text| text.contains(subject))
    }

    /// Whether theirs are too many to be listed.
    pub fn are_cut_off(&self) -> bool {
        self.theirs.iter().any(|text| text.ends_with("annotations omitted"))
    }
}

/// A remark without the line and column at its end.
fn without_place(text: &str) -> &str {
    match text.rsplit_once(" (") {
        Some((rest, place))
            if place.trim_end_matches(')').split(':').all(|part| part.parse::<u32>().is_ok()) =>
        {
            rest
        }
        _ => text,
    }
}
