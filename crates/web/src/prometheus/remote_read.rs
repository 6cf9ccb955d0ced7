//! Remote read: another server evaluates, and reads our samples for it. Answered with samples; chunks of Prometheus' own
//! compression are not streamed, and clients that would like them take samples as well.

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellwether_model::{
    ChunkKind, Labels, MatchOp, Matcher, SeriesSource, SeriesView, SourceError, TimeRange, Timestamp,
};
use prost::Message as _;
use snap::raw::{Decoder, Encoder, decompress_len};

use super::remote_read_wire::{Query, QueryResult, ReadRequest, ReadResponse, TimeSeries, write_labels};
use crate::Shared;

/// Bytes of a request, packed and unpacked: a selector may be long, but not endless.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Queries of one request; servers that read from us send one.
const QUERIES_MAX: usize = 64;
/// Samples of one answer, which is held in memory.
const SAMPLES_MAX: usize = 20_000_000;

/// Why a request is not answered.
pub(super) enum Refusal {
    /// It is wrong.
    Wrong(String),
    /// The store could not answer.
    Source(SourceError),
    /// The answer cannot be made; a bug.
    Broken(String),
}

impl From<SourceError> for Refusal {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Wrong(text) => (StatusCode::BAD_REQUEST, text),
            Self::Source(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            Self::Broken(text) => (StatusCode::INTERNAL_SERVER_ERROR, text),
        };
        (status, text + "\n").into_response()
    }
}

pub(super) async fn read(State(app): State<Shared>, request: Request) -> Result<Response, Refusal> {
    let body = to_bytes(request.into_body(), REQUEST_BYTES_MAX)
        .await
        .map_err(|error| Refusal::Wrong(format!("the request cannot be read: {error}")))?;
    let (source, external) = (app.source(), app.server().external_labels);
    let answer = tokio::task::spawn_blocking(move || answer(&body, source.as_ref(), &external)).await;
    let bytes = answer.unwrap_or_else(|error| Err(Refusal::Broken(error.to_string())))?;
    let headers = [(header::CONTENT_TYPE, "application/x-protobuf"), (header::CONTENT_ENCODING, "snappy")];
    Ok((headers, bytes).into_response())
}

fn answer(body: &Bytes, source: &dyn SeriesSource, external: &Labels) -> Result<Vec<u8>, Refusal> {
    let request = decode(body)?;
    if request.queries.len() > QUERIES_MAX {
        return Err(Refusal::Wrong(format!(
            "{} queries in one request; at most {QUERIES_MAX} are answered",
            request.queries.len()
        )));
    }
    let (mut response, mut room) = (ReadResponse::default(), SAMPLES_MAX);
    for query in &request.queries {
        response.results.push(result(query, source, external, &mut room)?);
    }
    let packed = Encoder::new().compress_vec(&response.encode_to_vec());
    packed.map_err(|error| Refusal::Broken(error.to_string()))
}

fn decode(body: &[u8]) -> Result<ReadRequest, Refusal> {
    let not_snappy =
        |error: snap::Error| Refusal::Wrong(format!("the request is not packed by snappy: {error}"));
    let length = decompress_len(body).map_err(not_snappy)?;
    if length > REQUEST_BYTES_MAX {
        return Err(Refusal::Wrong(format!(
            "the request unpacks to {length} bytes; at most {REQUEST_BYTES_MAX} are read"
        )));
    }
    let bytes = Decoder::new().decompress_vec(body).map_err(not_snappy)?;
    ReadRequest::decode(bytes.as_slice())
        .map_err(|error| Refusal::Wrong(format!("the request is not a ReadRequest: {error}")))
}

fn result(
    query: &Query,
    source: &dyn SeriesSource,
    external: &Labels,
    room: &mut usize,
) -> Result<QueryResult, Refusal> {
    let matchers: Result<Vec<Matcher>, String> = query.matchers.iter().map(|m| m.read()).collect();
    let mut matchers = matchers.map_err(Refusal::Wrong)?;
    // Labels that are added on the way out are not on the stored series.
    matchers.retain(|m| m.op != MatchOp::Equal || external.get(&m.name) != Some(m.value.as_str()));
    let range = TimeRange::new(Timestamp(query.start_ms), Timestamp(query.end_ms));
    let mut result = QueryResult::default();
    for view in source.select(&matchers, range)? {
        let series = series(&view, range, external)?;
        let samples = series.samples.len() + series.histograms.len();
        *room = room.checked_sub(samples).ok_or_else(|| {
            Refusal::Wrong(format!("exceeded sample limit ({SAMPLES_MAX}); narrow the matchers or the range"))
        })?;
        if samples > 0 {
            result.series.push(series);
        }
    }
    Ok(result)
}

fn series(view: &SeriesView, range: TimeRange, external: &Labels) -> Result<TimeSeries, SourceError> {
    let mut labels = view.labels.clone();
    for (name, value) in external.iter().filter(|(name, _)| view.labels.get(name).is_none()) {
        labels = labels.with(name, value);
    }
    let (mut samples, mut histograms) = (Vec::new(), Vec::new());
    for chunk in view.chunks.iter().filter(|chunk| chunk.summary().range.overlaps(&range)) {
        match chunk.kind() {
            ChunkKind::Floats => chunk.decode(&mut samples)?,
            ChunkKind::Histograms => chunk.decode_histograms(&mut histograms)?,
        }
    }
    samples.retain(|sample| range.contains(sample.at));
    histograms.retain(|sample| range.contains(sample.at));
    Ok(TimeSeries {
        labels: write_labels(&labels),
        samples: samples.iter().map(Into::into).collect(),
        histograms: histograms.iter().map(Into::into).collect(),
    })
}
