//! `info()`: adds the labels of info series, such as `target_info`, to the series of the same instance and job.
//!
//! Which info series is meant is decided per step and at the moment the base series is read at, so that `@` and
//! `offset` on the base apply to its labels too. Of several series of one info metric the latest sample decides.

use std::collections::{BTreeMap, HashMap};

use bellwether_model::{Labels, METRIC_NAME, MatchOp, Matcher};

use super::column::{ABSENT, Grid, Series, is_present};
use super::look::{Looked, Take};
use super::{EvalError, Evaluator};
use crate::syntax::{Call, Expr, ExprKind};

/// Labels by which a series finds its info series.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// What the second argument asks for.
struct Wanted {
    names: Vec<Matcher>,
    data: Vec<Matcher>,
}

/// An info series over all steps.
struct InfoSeries {
    labels: Labels,
    /// The time of its sample at every step, in seconds.
    times: Vec<f64>,
}

impl Evaluator<'_> {
    pub(super) fn info_function(&mut self, call: &Call, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let base = self.vector(&call.arguments[0], grid)?;
        let wanted = Wanted::of(call.arguments.get(1));
        let (first, is_fixed) = self.reference(&call.arguments[0], grid.start, false)?;
        let looked = Looked { grid: Grid { start: first, ..grid }, is_fixed };
        let matchers: Vec<_> = wanted.names.iter().chain(&wanted.data).cloned().collect();
        let mut by_identity: HashMap<Labels, Vec<InfoSeries>> = HashMap::new();
        for one in self.latest_samples(&matchers, looked, Take::TimeOfNumber)? {
            let identity = one.labels.keep(&IDENTIFYING);
            if !identity.is_empty() {
                let series = InfoSeries { labels: one.labels, times: one.values };
                by_identity.entry(identity).or_default().push(series);
            }
        }
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut found: Vec<Series> = Vec::new();
        for one in &base {
            self.check_cancelled()?;
            let infos = match wanted.is_info(&one.labels) {
                true => None,
                false => Some(by_identity.get(&one.labels.keep(&IDENTIFYING)).map_or(&[][..], Vec::as_slice)),
            };
            for step in (0..grid.count).filter(|step| one.is_present(*step)) {
                let labels = match infos {
                    None => Some(one.labels.clone()),
                    Some(infos) => wanted.enriched(&one.labels, infos, step)?,
                };
                let Some(labels) = labels else { continue };
                let place = *places.entry(labels.clone()).or_insert(found.len());
                if place == found.len() {
                    self.hold(grid.count as u64)?;
                    found.push(Series::new(labels.clone(), vec![ABSENT; grid.count]));
                }
                found[place].drop_name |= one.drop_name;
                if found[place].is_present(step) {
                    return Err(EvalError::SameLabels { labels });
                }
                found[place].put(step, one.value(step));
            }
        }
        Ok(found)
    }

    /// The moment the first selector of an expression looks at, and whether that is the same at every step.
    fn reference(&self, expr: &Expr, at: i64, is_fixed: bool) -> Result<(i64, bool), EvalError> {
        let shift = match &expr.kind {
            ExprKind::Selector(selector) => &selector.shift,
            ExprKind::Range(range) => &range.selector.shift,
            ExprKind::Subquery(subquery) => {
                let is_fixed = is_fixed || subquery.shift.at.is_some();
                return self.reference(&subquery.inner, self.shifted(&subquery.shift, at)?, is_fixed);
            }
            _ => {
                let mut children = Vec::new();
                expr.for_each_child(|child| children.push(child));
                let with_selector =
                    children.into_iter().find(|child| !crate::syntax::selectors(child).is_empty());
                return match with_selector {
                    Some(child) => self.reference(child, at, is_fixed),
                    None => Ok((at, is_fixed)),
                };
            }
        };
        Ok((self.shifted(shift, at)?, is_fixed || shift.at.is_some()))
    }
}

impl Wanted {
    fn of(argument: Option<&Expr>) -> Self {
        let matchers = match argument.map(|a| &a.kind) {
            Some(ExprKind::Selector(selector)) => selector.matchers.as_slice(),
            _ => &[],
        };
        let (mut names, data): (Vec<_>, Vec<_>) =
            matchers.iter().cloned().partition(|m| m.name == METRIC_NAME);
        if names.is_empty() {
            names.push(Matcher::equal(METRIC_NAME, "target_info"));
        } else if !names.iter().any(is_positive) {
            // What is only excluded by name is still looked for among info metrics.
            names.extend(Matcher::new(MatchOp::Regex, METRIC_NAME, ".+_info"));
        }
        Self { names, data }
    }

    /// Whether a base series is itself what others are enriched with.
    fn is_info(&self, labels: &Labels) -> bool {
        bellwether_model::matches_all(&self.names, labels)
    }

    /// The labels of a series at a step; `None` where it has no info series but must have one.
    fn enriched(
        &self,
        base: &Labels,
        infos: &[InfoSeries],
        step: usize,
    ) -> Result<Option<Labels>, EvalError> {
        let mut latest: BTreeMap<&str, &InfoSeries> = BTreeMap::new();
        for info in infos.iter().filter(|info| is_present(info.times[step])) {
            let name = info.labels.value_or_empty(METRIC_NAME);
            match latest.get(name) {
                Some(other) if other.times[step] == info.times[step] => {
                    let (a, b) = (&other.labels, &info.labels);
                    return Err(EvalError::Matching(format!(
                        "found duplicate series for info metric: {a} and {b}"
                    )));
                }
                Some(other) if other.times[step] > info.times[step] => {}
                _ => {
                    latest.insert(name, info);
                }
            }
        }
        if latest.is_empty() {
            let may_be_bare = self.data.iter().all(Matcher::matches_empty);
            return Ok(may_be_bare.then(|| base.clone()));
        }
        let mut added: BTreeMap<&str, &str> = BTreeMap::new();
        for info in latest.values() {
            for (name, value) in
                info.labels.iter().filter(|(name, _)| self.takes(name) && base.get(name).is_none())
            {
                if *added.entry(name).or_insert(value) != value {
                    return Err(EvalError::Matching(format!("conflicting label: {name}")));
                }
            }
        }
        let all = base.iter().chain(added);
        Ok(Some(Labels::from_pairs(all)))
    }

    fn takes(&self, name: &str) -> bool {
        let is_data = name != METRIC_NAME && !IDENTIFYING.contains(&name);
        is_data && (self.data.is_empty() || self.data.iter().any(|m| m.name == name))
    }
}

fn is_positive(matcher: &Matcher) -> bool {
    matches!(matcher.op, MatchOp::Equal | MatchOp::Regex)
}
