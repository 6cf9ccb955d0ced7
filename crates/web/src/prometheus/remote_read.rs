//! Remote read: another server evaluates, and reads our samples for it; or copies them. Answered as the first of the
//! kinds that the client lists and we have: frames of chunks, a stream of which only a part is held at a time, or all
//! samples as one message. Statuses are those of Prometheus.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellwether_ingest::prometheus_block::Samples;
use bellwether_ingest::remote_read::write_frames;
use bellwether_model::{
    ChunkKind, Labels, MatchOp, Matcher, SeriesSource, SeriesView, SourceError, TimeRange, Timestamp,
};
use prost::Message as _;
use snap::raw::{Decoder, Encoder, decompress_len};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use super::remote_read_wire::{Query, QueryResult, ReadRequest, ReadResponse, TimeSeries, write_labels};
use crate::Shared;

/// Bytes of a request, packed and unpacked: a selector may be long, but not endless.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Queries of one request; servers that read from us send one.
const QUERIES_MAX: usize = 64;
/// Samples of one answer that is no stream, which is held in memory.
const SAMPLES_MAX: usize = 20_000_000;
/// Answers that are made at one time; as many as Prometheus makes.
static TURNS: Semaphore = Semaphore::const_new(10);
/// Frames are handed over in pieces of so many bytes, of which so many may wait.
const PIECE_BYTES: usize = 64 << 10;
const PIECES: usize = 4;
/// A client that takes nothing for so long is gone.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);

/// How an answer is made, by the number that requests have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Samples,
    Frames,
}

/// Why a request is not answered.
pub(super) enum Refusal {
    /// It is wrong.
    Wrong(String),
    /// It asks for what cannot be asked; Prometheus, too, takes that for its own failure.
    Matcher(String),
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
            Self::Source(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            Self::Matcher(text) | Self::Broken(text) => (StatusCode::INTERNAL_SERVER_ERROR, text),
        };
        (status, text + "\n").into_response()
    }
}

pub(super) async fn read(State(app): State<Shared>, request: Request) -> Result<Response, Refusal> {
    let turn = TURNS.acquire().await.map_err(|error| Refusal::Broken(error.to_string()))?;
    let body = to_bytes(request.into_body(), REQUEST_BYTES_MAX)
        .await
        .map_err(|error| Refusal::Wrong(format!("the request cannot be read: {error}")))?;
    let (source, external) = (app.source(), app.server().external_labels);
    let answer = tokio::task::spawn_blocking(move || {
        let request = decode(&body)?;
        let kind = kind(&request.accepted)?;
        let selected = select(&request.queries, source.as_ref(), &external)?;
        match kind {
            Kind::Samples => samples(&selected, &external),
            Kind::Frames => Ok(frames(selected, external, turn)),
        }
    });
    answer.await.unwrap_or_else(|error| Err(Refusal::Broken(error.to_string())))
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
    let request = ReadRequest::decode(bytes.as_slice())
        .map_err(|error| Refusal::Wrong(format!("the request is not a ReadRequest: {error}")))?;
    if request.queries.len() > QUERIES_MAX {
        return Err(Refusal::Wrong(format!(
            "{} queries in one request; at most {QUERIES_MAX} are answered",
            request.queries.len()
        )));
    }
    Ok(request)
}

/// The first that the client would like and we have. Clients that say nothing are older than the question.
fn kind(accepted: &[i32]) -> Result<Kind, Refusal> {
    let known = |number: &i32| match number {
        0 => Some(Kind::Samples),
        1 => Some(Kind::Frames),
        _ => None,
    };
    match accepted.iter().find_map(known) {
        Some(kind) => Ok(kind),
        None if accepted.is_empty() => Ok(Kind::Samples),
        None => Err(Refusal::Wrong(format!(
            "server does not support any of the requested response types: {accepted:?}; supported: 0 (SAMPLES), 1 \
             (STREAMED_XOR_CHUNKS)"
        ))),
    }
}

/// What a query selects.
struct Selected {
    range: TimeRange,
    views: Vec<SeriesView>,
}

fn select(queries: &[Query], source: &dyn SeriesSource, external: &Labels) -> Result<Vec<Selected>, Refusal> {
    let select = |query: &Query| {
        let matchers = query.matchers.iter().map(|matcher| stored(matcher.read()?, external));
        let matchers: Vec<Matcher> = matchers.collect::<Result<_, _>>().map_err(Refusal::Matcher)?;
        let range = TimeRange::new(Timestamp(query.start_ms), Timestamp(query.end_ms));
        Ok(Selected { range, views: source.select(&matchers, range)? })
    };
    queries.iter().map(select).collect()
}

/// Labels that are added on the way out are not on the stored series: who asks for one means those that lack it.
fn stored(matcher: Matcher, external: &Labels) -> Result<Matcher, String> {
    let is_added =
        matcher.op == MatchOp::Equal && external.get(&matcher.name) == Some(matcher.value.as_str());
    Ok(if is_added { Matcher::equal(matcher.name, "") } else { matcher })
}

fn labels(view: &SeriesView, external: &Labels) -> Labels {
    let added = external.iter().filter(|(name, _)| view.labels.get(name).is_none());
    added.fold(view.labels.clone(), |labels, (name, value)| labels.with(name, value))
}

fn decoded(view: &SeriesView, range: TimeRange) -> Result<Samples, SourceError> {
    let mut samples = Samples::default();
    for chunk in view.chunks.iter().filter(|chunk| chunk.summary().range.overlaps(&range)) {
        match chunk.kind() {
            ChunkKind::Floats => chunk.decode(&mut samples.floats)?,
            ChunkKind::Histograms => chunk.decode_histograms(&mut samples.histograms)?,
        }
    }
    samples.retain(range, &[]);
    Ok(samples)
}

fn samples(selected: &[Selected], external: &Labels) -> Result<Response, Refusal> {
    let (mut response, mut room) = (ReadResponse::default(), SAMPLES_MAX);
    for Selected { range, views } in selected {
        let mut result = QueryResult::default();
        for view in views {
            let samples = decoded(view, *range)?;
            room = room.checked_sub(samples.len()).ok_or_else(|| {
                Refusal::Wrong(format!(
                    "exceeded sample limit ({SAMPLES_MAX}); narrow the matchers or the range"
                ))
            })?;
            if !samples.is_empty() {
                result.series.push(TimeSeries {
                    labels: write_labels(&labels(view, external)),
                    samples: samples.floats.iter().map(Into::into).collect(),
                    histograms: samples.histograms.iter().map(Into::into).collect(),
                });
            }
        }
        response.results.push(result);
    }
    let packed = Encoder::new().compress_vec(&response.encode_to_vec());
    let packed = packed.map_err(|error| Refusal::Broken(error.to_string()))?;
    let headers = [(header::CONTENT_TYPE, "application/x-protobuf"), (header::CONTENT_ENCODING, "snappy")];
    Ok((headers, packed).into_response())
}

/// Series by series, as fast as the client takes them. What cannot be read breaks the answer off: its end would look
/// like the end of what there is.
fn frames(selected: Vec<Selected>, external: Labels, turn: SemaphorePermit<'static>) -> Response {
    let (pieces, stream) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send_frames(selected, &external, &pieces) {
            hand_over(&pieces, Err(io::Error::other(error)));
        }
        drop(turn);
    });
    let content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    ([(header::CONTENT_TYPE, content_type)], Body::from_stream(ReceiverStream::new(stream))).into_response()
}

type Pieces = mpsc::Sender<io::Result<Bytes>>;

fn send_frames(selected: Vec<Selected>, external: &Labels, pieces: &Pieces) -> Result<(), SourceError> {
    let mut piece = Vec::new();
    for (place, Selected { range, views }) in selected.into_iter().enumerate() {
        for view in views {
            write_frames(place as u64, &labels(&view, external), &decoded(&view, range)?, &mut piece);
            if piece.len() >= PIECE_BYTES && !hand_over(pieces, Ok(std::mem::take(&mut piece).into())) {
                return Ok(());
            }
        }
    }
    if !piece.is_empty() {
        hand_over(pieces, Ok(piece.into()));
    }
    Ok(())
}

/// Whether the client still takes something.
fn hand_over(pieces: &Pieces, piece: io::Result<Bytes>) -> bool {
    Handle::current().block_on(timeout(TAKEN_WITHIN, pieces.send(piece))).is_ok_and(|sent| sent.is_ok())
}
