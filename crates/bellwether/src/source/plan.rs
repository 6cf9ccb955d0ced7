//! Which requests fetch what all objectives count: a thousand objectives on one metric are one request, not thousands.
//!
//! Selectors are merged into ones that select a little more, and what nobody asked for is left out when the answer is
//! read: one value more in an alternative costs the source a look-up, a request of its own costs it a whole query.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, METRIC_NAME, MatchOp, Matcher};
use bellwether_slo::Selector;

/// Alternatives of one label in one request.
const VALUES_MAX: usize = 128;
/// Bytes of one request's selector.
const TEXT_MAX: usize = 6 << 10;

/// What is fetched with one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    /// Selects everything that `wanted` does, and perhaps more.
    pub matchers: Vec<Matcher>,
    /// What is asked for.
    pub wanted: Vec<Selector>,
}

impl Fetch {
    /// The selector as PromQL.
    pub fn text(&self) -> String {
        selector_text(&self.matchers)
    }

    /// Whether a series of the answer was asked for.
    pub fn wants(&self, labels: &Labels) -> bool {
        self.wanted.iter().any(|selector| selector.matches(labels))
    }
}

/// Matchers as PromQL, the name among them.
pub fn selector_text(matchers: &[Matcher]) -> String {
    let texts: Vec<String> = matchers.iter().map(Matcher::to_string).collect();
    format!("{{{}}}", texts.join(","))
}

/// The requests for some selectors, in a fixed order.
pub fn plan(selectors: impl IntoIterator<Item = Selector>) -> Vec<Fetch> {
    let mut selectors: Vec<Selector> = selectors.into_iter().collect();
    selectors.sort();
    selectors.dedup();
    let mut by_name: BTreeMap<Option<String>, Vec<Draft>> = BTreeMap::new();
    for selector in selectors {
        let drafts = by_name.entry(selector.name.clone()).or_default();
        place(drafts, Draft::of(selector), Draft::may_join_of_one_name);
    }
    let mut drafts = Vec::new();
    for draft in by_name.into_values().flatten() {
        place(&mut drafts, draft, Draft::may_join_of_names);
    }
    drafts.into_iter().map(Draft::fetch).collect()
}

/// Adds a draft to the last one it can be joined with.
fn place(drafts: &mut Vec<Draft>, draft: Draft, may_join: impl Fn(&Draft, &Draft) -> bool) {
    let place =
        drafts.iter_mut().rev().take(8).find(|other| may_join(other, &draft) && other.has_room_for(&draft));
    match place {
        Some(other) => other.join(draft),
        None => drafts.push(draft),
    }
}

/// A request that is being put together.
#[derive(Clone, Debug)]
struct Draft {
    /// Values of which a label, or the name, must have one.
    values: BTreeMap<String, BTreeSet<String>>,
    /// Any other matchers, sorted.
    others: Vec<Matcher>,
    wanted: Vec<Selector>,
}

impl Draft {
    fn of(selector: Selector) -> Self {
        let mut values = BTreeMap::<String, BTreeSet<String>>::new();
        let mut others = Vec::new();
        for matcher in selector.all_matchers() {
            let is_choice = matcher.op == MatchOp::Equal && !values.contains_key(&matcher.name);
            if is_choice {
                values.insert(matcher.name, BTreeSet::from([matcher.value]));
            } else {
                others.push(matcher);
            }
        }
        others.sort();
        Self { values, others, wanted: vec![selector] }
    }

    /// Whether a selector for both would still be narrow: without a name it must demand what both demand.
    fn may_join_of_one_name(&self, other: &Self) -> bool {
        let has_names = self.values.contains_key(METRIC_NAME) && other.values.contains_key(METRIC_NAME);
        has_names || self.others == other.others && self.values.keys().eq(other.values.keys())
    }

    /// Metrics of different names share a request only if the rest of it is the same labels: otherwise it might
    /// select far more than both.
    fn may_join_of_names(&self, other: &Self) -> bool {
        let has_names = |draft: &Self| draft.values.contains_key(METRIC_NAME);
        let same_labels = self.values.keys().eq(other.values.keys()) && self.others == other.others;
        has_names(self) && has_names(other) && same_labels
    }

    /// Whether a selector for both is short enough.
    fn has_room_for(&self, other: &Self) -> bool {
        let mut len: usize = self.others.iter().map(|m| m.name.len() + m.value.len() + 6).sum();
        for (label, values) in &self.values {
            let Some(more) = other.values.get(label) else { continue };
            let new = || more.iter().filter(|value| !values.contains(*value));
            if values.len() + new().count() > VALUES_MAX {
                return false;
            }
            len += label.len() + 6 + values.iter().chain(new()).map(|value| value.len() + 2).sum::<usize>();
        }
        len <= TEXT_MAX
    }

    /// One selector for both: values of the same labels put together, what only one of them demands left out.
    fn join(&mut self, other: Self) {
        self.values.retain(|label, _| other.values.contains_key(label));
        for (label, values) in other.values {
            if let Some(mine) = self.values.get_mut(&label) {
                mine.extend(values);
            }
        }
        self.others.retain(|matcher| other.others.contains(matcher));
        self.wanted.extend(other.wanted);
    }

    fn matchers(&self) -> Vec<Matcher> {
        let choices = self.values.iter().filter_map(|(label, values)| choice(label, values));
        choices.chain(self.others.iter().cloned()).collect()
    }

    fn fetch(self) -> Fetch {
        Fetch { matchers: self.matchers(), wanted: self.wanted }
    }
}

/// A matcher that takes any of some values.
fn choice(label: &str, values: &BTreeSet<String>) -> Option<Matcher> {
    if values.len() == 1 {
        return values.first().map(|value| Matcher::equal(label, value.as_str()));
    }
    let alternatives: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
    Matcher::new(MatchOp::Regex, label, alternatives.join("|")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(selectors: &[&str], requests: &[&str]) {
        let planned = plan(selectors.iter().map(|text| Selector::parse(text).unwrap()));
        let texts: Vec<String> = planned.iter().map(Fetch::text).collect();
        assert_eq!(texts, requests, "{selectors:?}");
    }

    #[test]
    fn selectors_of_one_metric_share_a_request() {
        check(&["a", "a{code=\"500\"}"], &["{__name__=\"a\"}"]);
        check(&["a{s=\"x\"}", "a{s=\"y\"}"], &["{__name__=\"a\",s=~\"x|y\"}"]);
        check(
            &["a{s=\"x\",code=~\"5..\"}", "a{s=\"y\",code=~\"5..\"}"],
            &["{__name__=\"a\",s=~\"x|y\",code=~\"5..\"}"],
        );
        check(&["a{s=\"x\",code=~\"5..\"}", "a{s=\"x\"}"], &["{__name__=\"a\",s=\"x\"}"]);
        check(&["a{s=\"x.y\"}", "a{s=\"z\"}"], &[r#"{__name__="a",s=~"x\\.y|z"}"#]);
    }

    #[test]
    fn metrics_with_the_same_labels_share_a_request() {
        check(&["a{job=\"x\"}", "b{job=\"y\"}"], &["{__name__=~\"a|b\",job=~\"x|y\"}"]);
        check(&["a", "b"], &["{__name__=~\"a|b\"}"]);
        check(&["a", "b{job=\"y\"}"], &["{__name__=\"a\"}", "{__name__=\"b\",job=\"y\"}"]);
        check(&["{job=\"x\"}", "b"], &["{job=\"x\"}", "{__name__=\"b\"}"]);
    }

    #[test]
    fn what_nobody_asked_for_is_left_out() {
        let selectors = ["a{s=\"x\"}", "b{s=\"y\"}"].map(|text| Selector::parse(text).unwrap());
        let planned = plan(selectors);
        let is_wanted =
            |name: &str, s: &str| planned[0].wants(&Labels::from_pairs([(METRIC_NAME, name), ("s", s)]));
        assert_eq!((planned.len(), is_wanted("a", "x"), is_wanted("a", "y")), (1, true, false));
    }

    #[test]
    fn a_thousand_objectives_are_a_few_requests() {
        let check = |selectors: &dyn Fn(usize) -> [String; 2], requests: usize| {
            let all = (0..1000).flat_map(selectors).map(|text| Selector::parse(&text).unwrap());
            assert_eq!(plan(all).len(), requests);
        };
        let service = |i: usize| {
            ["{code=~\"5..\",", "{"]
                .map(|start| format!("http_requests_total{start}service=\"service-{i}\"}}"))
        };
        check(&service, 8);
        check(&|i| ["errors", "requests"].map(|kind| format!("service_{i}_{kind}_total")), 16);
        check(&|i| ["errors", "requests"].map(|kind| format!("{kind}_total{{job=\"job-{i}\"}}")), 8);
    }
}
