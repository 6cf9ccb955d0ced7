//! Queries of rules, objectives and people over a source: answered by the source itself, where the samples are. What
//! our own rules record and our probes find lies here; a query that names it is evaluated here, and reads whatever else
//! it needs from the source.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{
    Labels, METRIC_NAME, MatchOp, Matcher, PlainChunk, STALE_NAN, Sample, SeriesSource, SeriesView,
    SourceError, TimeDelta, TimeRange, Timestamp,
};
use bellwether_promql::{
    Evaluated, Expr, InstantSeries, RangeSeries, RangeSpec, SampleValue, Value, selectors,
};
use tokio::runtime::Handle;

use super::answer::{self, Point, QueryData};
use super::ask_error::AskError;
use super::client::{Ask, RemoteClient, seconds};
use super::plan::selector_text;
use crate::ledger_rows::is_row;

/// The largest answer to a query, and to a question for names.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// What a query is to be evaluated with.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// At one moment.
    At(Timestamp),
    /// At each step of a range.
    Over(RangeSpec),
}

/// Names of metrics that lie here and not in the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocalNames(BTreeSet<String>);

/// What our probes write begins so.
const PROBE_PREFIX: &str = "probe_";

impl LocalNames {
    /// Names that rules record; those of probes are known.
    pub fn of(recorded: impl IntoIterator<Item = String>) -> Self {
        Self(recorded.into_iter().collect())
    }

    /// Whether a query reads something that lies here.
    pub fn are_read_by(&self, expr: &Expr) -> bool {
        selectors(expr).into_iter().any(|selector| self.are_selected_by(&selector.matchers))
    }

    /// Whether a selector names what lies here. One that names nothing reads the source alone.
    fn are_selected_by(&self, matchers: &[Matcher]) -> bool {
        let names = matchers.iter().filter(|matcher| matcher.name == METRIC_NAME);
        let mut names = names.peekable();
        names.peek().is_some()
            && names.all(|matcher| match matcher.op {
                MatchOp::Equal => self.has(&matcher.value),
                MatchOp::Regex => self.0.iter().any(|name| matcher.matches_value(name)),
                MatchOp::NotEqual | MatchOp::NotRegex => false,
            })
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(name) || name.starts_with(PROBE_PREFIX) || is_row(name)
    }
}

impl RemoteClient {
    /// The source's own answer to a query, with what it warns of.
    pub async fn evaluate(
        &self,
        text: &str,
        when: When,
        lookback: Option<TimeDelta>,
    ) -> Result<(Value, Vec<String>), AskError> {
        let mut params = vec![("query".to_owned(), text.to_owned())];
        let path = match when {
            When::At(at) => {
                params.push(("time".to_owned(), seconds(at)));
                "/api/v1/query"
            }
            When::Over(range) => {
                params.push(("start".to_owned(), seconds(range.start)));
                params.push(("end".to_owned(), seconds(range.end)));
                params.push(("step".to_owned(), format!("{}", range.step.as_secs_f64())));
                "/api/v1/query_range"
            }
        };
        if let Some(lookback) = lookback {
            params.push(("lookback_delta".to_owned(), format!("{}", lookback.as_secs_f64())));
        }
        let body = self.ask_at_once(&Ask::form(path, params, ANSWER_BYTES_MAX)).await?;
        let (data, warnings) = answer::with_warnings(&body)?;
        let at = match when {
            When::At(at) => at,
            When::Over(range) => range.end,
        };
        Ok((value_of(data, at)?, warnings))
    }

    /// The source's answer to a query, of which nothing may be missing.
    pub async fn evaluate_whole(&self, text: &str, when: When) -> Result<Value, AskError> {
        let (value, warnings) = self.evaluate(text, when, None).await?;
        if warnings.is_empty() { Ok(value) } else { Err(AskError::Partial(warnings.join("; "))) }
    }

    async fn names(
        &self,
        path: &str,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Vec<String>, AskError> {
        let body = self.ask_at_once(&Ask::get(path, selection(matchers, range), ANSWER_BYTES_MAX)).await?;
        answer::whole(&body)
    }

    async fn label_sets(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, AskError> {
        let ask = Ask::form("/api/v1/series", selection(matchers, range), ANSWER_BYTES_MAX);
        let sets: Vec<std::collections::BTreeMap<String, String>> =
            answer::whole(&self.ask_at_once(&ask).await?)?;
        let mut sets: Vec<Labels> = sets.into_iter().map(Labels::from_pairs).collect();
        sets.sort();
        sets.dedup();
        Ok(sets)
    }

    /// Raw samples, and a staleness marker at the end for each series that the source no longer finds there: answers
    /// of raw samples leave markers out.
    async fn samples(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, AskError> {
        let length = (range.end.0.saturating_sub(range.start.0)).saturating_add(1).max(1);
        let selector = selector_text(matchers);
        let raw = self.evaluate_whole(&format!("{selector}[{length}ms]"), When::At(range.end)).await?;
        let Value::Matrix(series) = raw else {
            return Err(AskError::Unreadable("a range selector gave no samples over time".to_owned()));
        };
        let alive = match self.evaluate_whole(&selector, When::At(range.end)).await? {
            Value::Vector(series) => series.into_iter().map(|series| series.labels).collect::<BTreeSet<_>>(),
            Value::Scalar(_) | Value::String(_) | Value::Matrix(_) => BTreeSet::new(),
        };
        let view = |mut series: RangeSeries| {
            // VictoriaMetrics does give markers, as any NaN.
            series.points.iter_mut().filter(|point| point.value.is_nan()).for_each(|p| p.value = STALE_NAN);
            let is_open = series.points.last().is_some_and(|last| last.at < range.end && !last.is_stale());
            if is_open && !alive.contains(&series.labels) {
                series.points.push(Sample::new(range.end, STALE_NAN));
            }
            SeriesView { labels: series.labels, chunks: PlainChunk::of(series.points).into_iter().collect() }
        };
        let mut views: Vec<SeriesView> = series.into_iter().map(view).collect();
        views.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(views)
    }
}

/// What a question for names says of series and time; time without an end is left out.
fn selection(matchers: &[Matcher], range: TimeRange) -> Vec<(String, String)> {
    let mut params = Vec::new();
    if !matchers.is_empty() {
        params.push(("match[]".to_owned(), selector_text(matchers)));
    }
    if range.start > Timestamp::MIN {
        params.push(("start".to_owned(), seconds(range.start)));
    }
    if range.end < Timestamp::MAX {
        params.push(("end".to_owned(), seconds(range.end)));
    }
    params
}

fn value_of(data: QueryData, at: Timestamp) -> Result<Value, AskError> {
    let histogram = || {
        AskError::Unreadable(
            "it has native histograms, which are not read from a source yet; ask for numbers, such as histogram_quantile(…)".to_owned(),
        )
    };
    Ok(match data {
        QueryData::Scalar(Point(sample)) => Value::Scalar(sample),
        QueryData::String(text) => Value::String(text),
        QueryData::Vector(series) => {
            let value = |series: super::answer::WireValue| {
                let Point(sample) = series.value.ok_or_else(histogram)?;
                Ok(InstantSeries { labels: series.metric, at, value: SampleValue::Float(sample.value) })
            };
            Value::Vector(series.into_iter().map(value).collect::<Result<_, _>>()?)
        }
        QueryData::Matrix(series) => {
            let value = |series: super::answer::WireSeries| {
                if !series.histograms.is_empty() {
                    return Err(histogram());
                }
                let points: Vec<Sample> = series.values.into_iter().map(|Point(sample)| sample).collect();
                Ok(RangeSeries { labels: series.metric, points, histograms: Vec::new() })
            };
            Value::Matrix(series.into_iter().map(value).collect::<Result<_, _>>()?)
        }
    })
}

/// A result as it is shown.
pub fn evaluated(value: Value, warnings: Vec<String>) -> Evaluated {
    let warning = |message| bellwether_promql::Annotation { span: 0..0, message };
    Evaluated {
        value,
        warnings: warnings.into_iter().map(warning).collect(),
        infos: Vec::new(),
        samples_peak: 0,
    }
}

/// The source and what lies here as one: what is named here is read here, everything else there. Reads by waiting, so
/// only threads that may wait use it.
pub struct Both {
    /// What lies here.
    pub here: Arc<dyn SeriesSource>,
    /// What asks the source.
    pub there: Arc<RemoteClient>,
    /// What lies here, by name.
    pub names: Arc<LocalNames>,
    /// Where requests run.
    pub runtime: Handle,
}

impl Both {
    fn wait<T>(&self, asked: impl Future<Output = Result<T, AskError>>) -> Result<T, SourceError> {
        let source = &self.there.config().url;
        let unavailable = |error| SourceError::Unavailable(format!("the source {source}: {error}"));
        self.runtime.block_on(asked).map_err(unavailable)
    }
}

impl SeriesSource for Both {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        if self.names.are_selected_by(matchers) {
            return self.here.select(matchers, range);
        }
        self.wait(self.there.samples(matchers, range))
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SourceError> {
        if self.names.are_selected_by(matchers) {
            return self.here.series(matchers, range);
        }
        self.wait(self.there.label_sets(matchers, range))
    }

    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SourceError> {
        if self.names.are_selected_by(matchers) {
            return self.here.label_names(matchers, range);
        }
        self.wait(self.there.names("/api/v1/labels", matchers, range))
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Vec<String>, SourceError> {
        if self.names.are_selected_by(matchers) {
            return self.here.label_values(name, matchers, range);
        }
        let path = format!("/api/v1/label/{}/values", bellwether_web::url::encode(name, ""));
        let mut values = self.wait(self.there.names(&path, matchers, range))?;
        if name == METRIC_NAME && matchers.is_empty() {
            values.extend(self.names.0.iter().cloned());
            values.sort();
            values.dedup();
        }
        Ok(values)
    }

    fn missing(&self, matchers: &[Matcher], range: TimeRange) -> Vec<String> {
        match self.names.are_selected_by(matchers) {
            true => self.here.missing(matchers, range),
            false => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_name_what_lies_here_are_told_from_all_others() {
        let names = LocalNames::of(["job:errors:sum".to_owned()]);
        let check = |query: &str, are_read: bool| {
            let expr = bellwether_promql::parse(query).unwrap();
            assert_eq!(names.are_read_by(&expr), are_read, "{query}");
        };
        check("job:errors:sum > 1", true);
        check("sum(rate(errors_total[5m])) / ignoring(a) job:errors:sum", true);
        check("{__name__=~\"job:.*\"}", true);
        check("max_over_time(probe_success[5m])", true);
        check("sum(rate(errors_total[5m]))", false);
        check("{job=\"x\"}", false);
        check("{__name__!=\"job:errors:sum\",job=\"x\"}", false);
        check("1", false);
        check("bellwether_sli_events_total - bellwether_sli_events_total offset 30d", true);
    }
}
