//! Evaluates the queries of rules away from the task that decides, so that a slow query delays its own group only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bellwether_model::{Batch, Labels, Origin, TimeDelta, Timestamp};
use bellwether_promql::EvalOptions;
use bellwether_rules::{QueryAnswer, RuleQuery, Written};
use bellwether_tsdb::Store;
use tokio::sync::mpsc;

use crate::clock;
use crate::pipeline::{Query, Work};
use crate::request::Request;
use crate::source::evaluator::Evaluator;
use crate::writer::WriterHandle;

/// Stores and evaluates.
#[derive(Clone)]
pub struct RuleWorker {
    /// The samples.
    pub store: Arc<Store>,
    /// The way into the store.
    pub writer: WriterHandle,
    /// What evaluates.
    pub evaluator: Evaluator,
}

impl RuleWorker {
    /// Does the work in the background and reports each answer.
    pub fn start(&self, work: Work, reports: mpsc::Sender<Request>) {
        if work.results.is_empty() && work.queries.is_empty() {
            return;
        }
        let worker = self.clone();
        if work.results.is_empty() {
            tokio::task::spawn_blocking(move || worker.answer(&work.queries, &Ok(()), &reports));
            return;
        }
        tokio::spawn(async move {
            let stored = worker.store_results(work.results).await;
            tokio::task::spawn_blocking(move || worker.answer(&work.queries, &stored, &reports));
        });
    }

    /// Evaluates one after the other on a thread that may block: each change of threads costs as much as a small query.
    fn answer(&self, queries: &[Query], stored: &Result<(), String>, reports: &mpsc::Sender<Request>) {
        for query in queries {
            let answer = self.evaluate(query, stored);
            let event = bellwether_rules::Event::QueryDone { id: query.id, answer };
            if reports.blocking_send(Request::Rules(event)).is_err() {
                return; // the server is stopping
            }
        }
    }

    async fn store_results(&self, results: Written) -> Result<(), String> {
        if results.is_empty() {
            return Ok(());
        }
        let series = |labels: &Labels| self.store.series(labels).map_err(|error| error.to_string());
        let mut batch =
            Batch::floats(Origin::Rules, Timestamp::MIN, Vec::with_capacity(results.samples.len()));
        for (labels, sample) in results.samples {
            batch.samples.push((series(&labels)?, sample));
        }
        for (labels, sample) in results.histograms {
            batch.histograms.push((series(&labels)?, sample));
        }
        let histograms = batch.histograms.iter().map(|(_, sample)| sample.at);
        let last = batch.samples.iter().map(|(_, sample)| sample.at).chain(histograms).max();
        batch.at = last.unwrap_or_else(clock::now);
        self.writer.append(batch).await.map(|_| ())
    }

    /// A rule whose group's earlier results could not be stored must not be evaluated as if they had been.
    fn evaluate(&self, query: &Query, stored: &Result<(), String>) -> QueryAnswer {
        if let Err(why) = stored {
            let result = Err(format!("results of the rule before cannot be stored: {why}"));
            return QueryAnswer { result, duration: TimeDelta::ZERO };
        }
        let options = EvalOptions { subquery_step: query.subquery_step, ..EvalOptions::default() };
        let started = Instant::now();
        // A query that brings the evaluator down must not take the answers of its group with it.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let RuleQuery { text, parsed } = &*query.expr;
            let value = self.evaluator.instant(text, parsed, query.at, &options);
            value.map_err(|error| error.to_string())
        }));
        QueryAnswer {
            result: result.unwrap_or_else(|_| Err("the evaluation ended without an answer".to_owned())),
            duration: TimeDelta::from_secs_f64(started.elapsed().as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_model::{Histogram, HistogramSample, Sample, Schema};
    use bellwether_promql::{SampleValue, Value};
    use bellwether_rules::{Event, QueryId};
    use bellwether_tsdb::Options;
    use bellwether_tsdb::fault_disk::FaultDisk;

    use super::*;
    use crate::health::Health;
    use crate::writer;

    #[tokio::test]
    async fn a_query_sees_the_numbers_and_histograms_that_the_rule_before_it_wrote() {
        let opened = Store::open(Path::new("data"), Options::default(), Arc::new(FaultDisk::new()));
        let store = Arc::new(opened.unwrap().0);
        let (committed, mut counted) = mpsc::channel(16);
        let (writer, _thread) = writer::start(store.clone(), committed, Arc::new(Health::default())).unwrap();
        let worker = RuleWorker { evaluator: Evaluator::local(store.clone()), store, writer };
        let at = Timestamp::from_secs(1_700_000_040);
        let series = |name: &str| Labels::from_pairs([("__name__", name)]);
        let empty = Histogram::empty(Schema::exponential(0).unwrap());
        let histogram = Arc::new(Histogram { count: 3.0, zero_count: 3.0, ..empty });
        let results = Written {
            samples: vec![(series("number"), Sample::new(at, 2.0))],
            histograms: vec![(series("latency"), HistogramSample::new(at, histogram))],
        };
        let text = "histogram_count(latency) * on () number".to_owned();
        let parsed = bellwether_promql::parse(&text).unwrap();
        let expr = Arc::new(RuleQuery { text, parsed });
        let query = Query { id: QueryId(1), expr, at, subquery_step: TimeDelta::MINUTE };
        let (reports, mut reported) = mpsc::channel(16);
        worker.start(Work { results, queries: vec![query] }, reports);
        let Some(Request::Rules(Event::QueryDone { answer, .. })) = reported.recv().await else {
            panic!("no answer")
        };
        let Ok(Value::Vector(vector)) = answer.result else { panic!("{answer:?}") };
        assert_eq!(vector[0].value, SampleValue::Float(6.0));
        assert_eq!(counted.recv().await.unwrap().batch.at, at);
    }
}
