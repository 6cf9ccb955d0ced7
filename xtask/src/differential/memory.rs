//! Our evaluator in this process, over the same series cut into short chunks, so that windows are read through the
//! summaries of chunks wherever that is possible.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Chunk, ChunkSummary, Labels, Matcher, Sample, SeriesSource, SeriesView, SourceError, TimeDelta,
    TimeRange, Timestamp, matches_all,
};
use bellwether_promql::{
    Annotation, EvalError, EvalOptions, Evaluated, InstantSeries, RangeSpec, Value, eval_instant, eval_range,
    parse,
};

use super::answer::{Answer, Found, Point, Row};
use super::ask::{Ask, When};
use super::dataset::Dataset;

/// The dataset as a source.
pub struct Memory {
    series: Vec<(Labels, Vec<Arc<dyn Chunk>>)>,
}

struct Part {
    summary: ChunkSummary,
    samples: Vec<Sample>,
}

impl Chunk for Part {
    fn summary(&self) -> &ChunkSummary {
        &self.summary
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        out.extend_from_slice(&self.samples);
        Ok(())
    }
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
        let chunk = |samples: &[Sample]| {
            let summary = ChunkSummary::of(samples).expect("chunks are never empty");
            Arc::new(Part { summary, samples: samples.to_vec() }) as Arc<dyn Chunk>
        };
        let cut = |(labels, samples): (&Labels, &Vec<Sample>)| {
            (labels.clone(), samples.chunks(chunk_samples).map(chunk).collect())
        };
        Self { series: data.series.iter().map(cut).collect() }
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
    // No series of the data is a native histogram, and nothing makes one of numbers.
    let value = |one: &InstantSeries| (one.at.0, Point::Number(one.value.as_float().unwrap_or(f64::NAN)));
    let row = |labels: &Labels, points| Row { labels: pairs(labels), points };
    let (kind, rows) = match evaluated.value {
        Value::Scalar(sample) => ("scalar", vec![row(&Labels::empty(), vec![number(sample)])]),
        Value::String(text) => ("string", vec![row(&Labels::empty(), vec![(0, Point::Text(text))])]),
        Value::Vector(series) => {
            ("vector", series.iter().map(|one| row(&one.labels, vec![value(one)])).collect())
        }
        Value::Matrix(series) => {
            let points = |samples: &[Sample]| samples.iter().copied().map(number).collect();
            ("matrix", series.iter().map(|one| row(&one.labels, points(&one.points))).collect())
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

fn pairs(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
