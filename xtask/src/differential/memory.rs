//! Our evaluator in this process, over the same series cut into short chunks, so that windows are read through the
//! summaries of chunks wherever that is possible.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Chunk, Histogram, Labels, Matcher, PlainChunk, Sample, SeriesSource, SeriesView, SourceError, TimeDelta,
    TimeRange, Timestamp, matches_all,
};
use bellwether_promql::{
    Annotation, EvalError, EvalOptions, Evaluated, InstantSeries, RangeSeries, RangeSpec, SampleValue, Value,
    eval_instant, eval_range, parse,
};
use serde_json::{Value as Json, json};

use super::answer::{Answer, Found, Point, Row};
use super::ask::{Ask, When};
use super::dataset::Dataset;

/// The dataset as a source.
pub struct Memory {
    series: Vec<(Labels, Vec<Arc<dyn Chunk>>)>,
}

impl SeriesSource for Memory {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let passing = self.series.iter().filter(|(labels, _)| matches_all(matchers, labels));
        let view = |(labels, chunks): &(Labels, Vec<Arc<dyn Chunk>>)| {
            let chunks = chunks.iter().filter(|chunk| chunk.summary().range.overlaps(&range)).cloned();
            SeriesView { labels: labels.clone(), chunks: chunks.collect() }
        };
        Ok(passing.map(view).filter(|view| !view.chunks.is_empty()).collect())
    }
}

impl Memory {
    /// Cuts every series into chunks of so many samples.
    pub fn new(data: &Dataset, chunk_samples: usize) -> Self {
        let mut series = BTreeMap::<Labels, Vec<Arc<dyn Chunk>>>::new();
        for (labels, samples) in &data.series {
            let others = times(data.histograms.get(labels), |sample| sample.at);
            let runs = samples.chunk_by(|a, b| is_run(&others, a.at, b.at));
            let chunks =
                runs.flat_map(|run| run.chunks(chunk_samples)).filter_map(|run| PlainChunk::of(run.to_vec()));
            series.entry(labels.clone()).or_default().extend(chunks);
        }
        for (labels, samples) in &data.histograms {
            let others = times(data.series.get(labels), |sample| sample.at);
            let runs = samples.chunk_by(|a, b| is_run(&others, a.at, b.at));
            let chunks = runs
                .flat_map(|run| run.chunks(chunk_samples))
                .filter_map(|run| PlainChunk::of_histograms(run.to_vec()));
            series.entry(labels.clone()).or_default().extend(chunks);
        }
        for chunks in series.values_mut() {
            chunks.sort_by_key(|chunk| chunk.summary().range.start);
        }
        Self { series: series.into_iter().collect() }
    }

    /// Asks a query.
    pub fn ask(&self, ask: &Ask) -> Answer {
        let refused = |kind: &str, message: String| Answer::Refused { kind: kind.to_owned(), message };
        let expr = match parse(&ask.query) {
            Ok(expr) => expr,
            Err(errors) => return refused("bad_data", errors[0].message.clone()),
        };
        let options = EvalOptions::default();
        let evaluated = match ask.when {
            When::At(at) => eval_instant(&expr, Timestamp(at), self, &options),
            When::Over { start, end, step } => {
                let range = RangeSpec { start: Timestamp(start), end: Timestamp(end), step: TimeDelta(step) };
                eval_range(&expr, range, self, &options)
            }
        };
        match evaluated {
            Ok(evaluated) => Answer::Result(found(evaluated, &ask.query)),
            Err(error @ EvalError::BadRange(_)) => refused("bad_data", error.to_string()),
            Err(error) => refused("execution", error.to_string()),
        }
    }
}

fn found(evaluated: Evaluated, query: &str) -> Found {
    let number = |sample: Sample| (sample.at.0, Point::Number(sample.value));
    let value = |one: &InstantSeries| match &one.value {
        SampleValue::Float(value) => (one.at.0, Point::Number(*value)),
        SampleValue::Histogram(histogram) => (one.at.0, Point::Histogram(json(histogram))),
    };
    let row = |labels: &Labels, points| Row { labels: pairs(labels), points };
    let (kind, rows) = match evaluated.value {
        Value::Scalar(sample) => ("scalar", vec![row(&Labels::empty(), vec![number(sample)])]),
        Value::String(text) => ("string", vec![row(&Labels::empty(), vec![(0, Point::Text(text))])]),
        Value::Vector(series) => {
            ("vector", series.iter().map(|one| row(&one.labels, vec![value(one)])).collect())
        }
        Value::Matrix(series) => {
            let points = |one: &RangeSeries| {
                let numbers = one.points.iter().copied().map(number);
                let histograms =
                    one.histograms.iter().map(|s| (s.at.0, Point::Histogram(json(&s.histogram))));
                let mut points: Vec<_> = numbers.chain(histograms).collect();
                points.sort_by_key(|(at, _)| *at);
                points
            };
            ("matrix", series.iter().map(|one| row(&one.labels, points(one))).collect())
        }
    };
    let texts = |prefix: &str, list: &[Annotation]| -> Vec<String> {
        list.iter().map(|note| format!("{prefix}: {}", note.with_position(query))).collect()
    };
    Found {
        kind: kind.to_owned(),
        rows,
        warnings: texts("PromQL warning", &evaluated.warnings),
        infos: texts("PromQL info", &evaluated.infos),
    }
}

/// As the API writes it: of each bucket which of its bounds are inside, the bounds, and the count.
fn json(histogram: &Histogram) -> Json {
    let buckets = histogram.buckets().map(|bucket| {
        let inside = match (bucket.lower_inclusive, bucket.upper_inclusive) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        };
        json!([inside, text(bucket.lower), text(bucket.upper), text(bucket.count)])
    });
    let buckets: Vec<Json> = buckets.collect();
    let mut object = json!({"count": text(histogram.count), "sum": text(histogram.sum)});
    if !buckets.is_empty() {
        object["buckets"] = Json::Array(buckets);
    }
    object
}

/// A number that reads back as itself; how it is written is for the served side to compare.
fn text(number: f64) -> String {
    number.to_string()
}

/// The moments of a series' other kind.
fn times<T>(samples: Option<&Vec<T>>, at: impl Fn(&T) -> Timestamp) -> Vec<Timestamp> {
    samples.into_iter().flatten().map(at).collect()
}

/// Whether no sample of the other kind lies between two.
fn is_run(others: &[Timestamp], from: Timestamp, until: Timestamp) -> bool {
    others.get(others.partition_point(|at| *at < from)).is_none_or(|at| *at > until)
}

fn pairs(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
