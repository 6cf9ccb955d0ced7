//! OpenTelemetry's own SDK for Rust, with its exporter over HTTP, pushes to the real program; queries give the numbers
//! that were recorded, in both temporalities.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Compression, MetricExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, PeriodicReader, SdkMeterProvider, Stream, Temporality,
};
use serde_json::Value;

use crate::process::{Folder, Server, client};

/// The exporter's requests through the client that is here anyway.
#[derive(Clone, Debug)]
struct Client {
    http: reqwest::Client,
    runtime: tokio::runtime::Handle,
    answered: Arc<AtomicU64>,
}

impl HttpClient for Client {
    fn send_bytes<'a, 'f>(
        &'a self,
        request: Request<Bytes>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        'a: 'f,
        Self: 'f,
    {
        let (http, answered) = (self.http.clone(), self.answered.clone());
        let sent = self.runtime.spawn(async move {
            let (parts, body) = request.into_parts();
            let sent = http.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let answer = sent.send().await?;
            let mut response = Response::builder().status(answer.status());
            for (name, value) in answer.headers() {
                response = response.header(name, value);
            }
            let body = answer.bytes().await?;
            assert!(body.is_empty(), "nothing is rejected: {body:?}");
            answered.fetch_add(1, Ordering::SeqCst);
            Ok::<_, HttpError>(response.body(body)?)
        });
        Box::pin(async move { sent.await? })
    }
}

fn provider(server: &Server, client: Client, temporality: Temporality) -> SdkMeterProvider {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_compression(Compression::Gzip)
        .with_endpoint(format!("{}/v1/metrics", server.url))
        .with_temporality(temporality)
        .build()
        .unwrap();
    let resource = Resource::builder_empty().with_attributes([
        KeyValue::new("service.name", "checkout"),
        KeyValue::new("service.instance.id", "a-1"),
        KeyValue::new("deployment.environment.name", "test"),
    ]);
    let exponential = |instrument: &Instrument| {
        let aggregation =
            Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: false };
        let stream = Stream::builder().with_aggregation(aggregation).build().ok();
        stream.filter(|_| instrument.name() == "payload.size")
    };
    SdkMeterProvider::builder()
        .with_resource(resource.build())
        .with_view(exponential)
        .with_reader(PeriodicReader::builder(exporter).build())
        .build()
}

async fn check(temporality: Temporality) {
    let folder = Folder::new(&format!("otlp-sdk-{temporality:?}"));
    let config = folder.write("bellwether.yml", "{}\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let answered = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Handle::current();
    let client = Client { http: client(), runtime, answered: answered.clone() };
    let provider = provider(&server, client, temporality);
    let meter = provider.meter("shop");
    let orders = meter.u64_counter("orders").with_unit("{order}").with_description("Orders taken.").build();
    let revenue = meter.f64_counter("revenue").with_unit("EUR").build();
    let queue = meter.i64_up_down_counter("queue.length").build();
    let room = meter.f64_gauge("disk.room").with_unit("1").build();
    let seconds =
        meter.f64_histogram("request.duration").with_unit("s").with_boundaries(vec![0.1, 0.5, 1.0]).build();
    let sizes = meter.u64_histogram("payload.size").with_unit("By").build();
    for round in 1..=3u64 {
        let ok = [KeyValue::new("http.response.status_code", 200)];
        orders.add(10 * round, &ok);
        orders.add(1, &[KeyValue::new("http.response.status_code", 500)]);
        revenue.add(0.25, &[]);
        queue.add(if round == 2 { -3 } else { 5 }, &[]);
        room.record(0.5 / round as f64, &[]);
        for value in [0.05, 0.2, 0.7, 3.0] {
            seconds.record(value, &[]);
        }
        for value in [1, 100, 1000] {
            sizes.record(value, &[]);
        }
        let flushing = provider.clone();
        tokio::task::spawn_blocking(move || flushing.force_flush().unwrap()).await.unwrap();
        assert_eq!(answered.load(Ordering::SeqCst), round, "{}", server.stderr());
    }
    let labels = "{job=\"checkout\",instance=\"a-1\"}";
    for (query, expected) in [
        (format!("sum(orders_total{labels})"), 63.0),
        ("orders_total{http_response_status_code=\"500\"}".to_owned(), 3.0),
        ("resets(orders_total{http_response_status_code=\"200\"}[5m])".to_owned(), 0.0),
        (format!("revenue_EUR_total{labels}"), 0.75),
        (format!("queue_length{labels}"), 7.0),
        (format!("disk_room_ratio{labels}"), 0.5 / 3.0),
        (format!("request_duration_seconds_count{labels}"), 12.0),
        ("request_duration_seconds_bucket{le=\"0.5\"}".to_owned(), 6.0),
        ("histogram_quantile(0.75, request_duration_seconds_bucket)".to_owned(), 1.0),
        (format!("histogram_count(payload_size_bytes{labels})"), 9.0),
        (format!("histogram_sum(payload_size_bytes{labels})"), 3303.0),
        ("target_info{job=\"checkout\",deployment_environment_name=\"test\"}".to_owned(), 1.0),
    ] {
        let result = server.query(&query).await;
        let value = result[0]["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
        assert_eq!(value, Some(expected), "{temporality:?}: {query}: {result}");
    }
    let sum: Value = server.query(&format!("request_duration_seconds_sum{labels}")).await;
    let sum: f64 = sum[0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!((sum - 11.85).abs() < 1e-9, "{sum}");
    tokio::task::spawn_blocking(move || provider.shutdown().unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_sdk_pushes_totals_and_they_are_what_was_recorded() {
    check(Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_sdk_pushes_changes_and_they_add_up_to_what_was_recorded() {
    check(Temporality::Delta).await;
}
