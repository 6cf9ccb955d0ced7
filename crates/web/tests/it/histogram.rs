//! Native histograms in answers of the query API.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use bellwether_model::{
    Histogram, HistogramSample, Labels, Matcher, PlainChunk, SeriesSource, SeriesView, SourceError,
    TimeRange, Timestamp, matches_all,
};
use bellwether_promql::series_notation;
use bellwether_web::Queries;
use serde_json::{Value, json};

use crate::ask::send;
use crate::fake::Fake;

/// One series with one entry.
struct Source(SeriesView);

impl SeriesSource for Source {
    fn select(&self, matchers: &[Matcher], _: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        Ok(Some(self.0.clone()).filter(|view| matches_all(matchers, &view.labels)).into_iter().collect())
    }
}

fn histogram(text: &str) -> Arc<Histogram> {
    let values = series_notation::values(text).unwrap();
    Arc::clone(values[0].value.as_ref().unwrap().as_histogram().unwrap())
}

async fn result(path: &str, text: &str) -> Value {
    let sample = HistogramSample::new(Timestamp(60_500), histogram(text));
    let chunks = PlainChunk::of_histograms(vec![sample]).into_iter().collect();
    let labels = Labels::from_pairs([("__name__", "h"), ("job", "api")]);
    let source = Source(SeriesView { labels, chunks });
    let app = Fake::with(Queries::default(), Some(Arc::new(source)));
    let answer = send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
    answer.json()["data"]["result"].clone()
}

const TEXT: &str =
    "{{count:1e6 sum:7.5 z_bucket:2 z_bucket_w:0.5 offset:1 buckets:[0 3] n_offset:1 n_buckets:[1]}}";

#[tokio::test]
async fn buckets_say_which_of_their_bounds_are_inside() {
    let metric = json!({"__name__": "h", "job": "api"});
    let buckets = json!([[1, "-2", "-1", "1"], [3, "-0.5", "0.5", "2"], [0, "2", "4", "3"]]);
    let shown = json!({"count": "1000000", "sum": "7.5", "buckets": buckets});
    let instant = result("/api/v1/query?query=h&time=61", TEXT).await;
    assert_eq!(instant, json!([{"metric": metric, "histogram": [61, shown]}]));
    let range = result("/api/v1/query_range?query=h&start=60&end=62&step=1", TEXT).await;
    assert_eq!(range, json!([{"metric": metric, "histograms": [[61, shown], [62, shown]]}]));
    let raw = result("/api/v1/query?query=h%5B5m%5D&time=61", TEXT).await;
    assert_eq!(raw, json!([{"metric": metric, "histograms": [[60.5, shown]]}]));
}

#[tokio::test]
async fn a_histogram_without_observations_has_no_buckets() {
    let instant = result("/api/v1/query?query=h&time=61", "{{}}").await;
    assert_eq!(instant[0]["histogram"], json!([61, {"count": "0", "sum": "0"}]));
    let custom = "{{schema:-53 count:3 sum:4 custom_values:[5] buckets:[1 2]}}";
    let instant = result("/api/v1/query?query=h&time=61", custom).await;
    let buckets = json!([[3, "-Inf", "5", "1"], [0, "5", "+Inf", "2"]]);
    assert_eq!(instant[0]["histogram"][1]["buckets"], buckets);
}
