//! Bodies of requests, read with bounds on their size, on the time they take, and on how many large ones are held at
//! once, so that nobody can fill the memory of the process that has to page people.

use std::time::Duration;

use crate::view::RequestRefusal;
use axum::body::HttpBody as _;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The largest body of alerts or silences; a Prometheus sends a few hundred kilobytes at once.
pub(crate) const BYTES_MAX: usize = 16 << 20;
/// Bodies that grow larger than this take turns.
const LARGE: usize = 1 << 20;
/// Large bodies held at once.
static LARGE_TURNS: Semaphore = Semaphore::const_new(4);
/// How long a body may take, waiting for its turn included.
const TIME_MAX: Duration = Duration::from_secs(30);
/// What is read and thrown away of a body that is refused: a client that is cut off while it sends does not read why.
const THROWN_AWAY_MAX: usize = 256 << 20;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is larger than so many bytes.
    TooLarge(usize),
    /// It did not arrive in time.
    TooSlow,
    /// The client went away.
    BrokenOff,
}

impl BodyError {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenOff => StatusCode::BAD_REQUEST,
        }
    }

    /// What a push with such a body is counted as.
    pub(crate) const fn counted_as(self) -> RequestRefusal {
        match self {
            Self::TooLarge(_) => RequestRefusal::TooLarge,
            Self::TooSlow | Self::BrokenOff => RequestRefusal::Broken,
        }
    }

    pub(crate) fn message(self) -> String {
        match self {
            Self::TooLarge(most) => {
                format!("the body is larger than {} MiB; send less at once", most >> 20)
            }
            Self::TooSlow => format!("the body did not arrive within {} s", TIME_MAX.as_secs()),
            Self::BrokenOff => "the body broke off".to_owned(),
        }
    }
}

/// A whole body. As long as it is held, so is its turn.
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    _turn: Option<SemaphorePermit<'static>>,
}

/// Reads a whole body of alerts or silences.
pub(crate) async fn read(body: Body) -> Result<Whole, BodyError> {
    read_at_most(body, BYTES_MAX).await
}

/// Reads a whole body that has a bound of its own.
pub(crate) async fn read_at_most(body: Body, bytes_max: usize) -> Result<Whole, BodyError> {
    timeout(TIME_MAX, read_bounded(body, bytes_max)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn read_bounded(mut body: Body, bytes_max: usize) -> Result<Whole, BodyError> {
    // What is announced is believed up to a bound: to grow by doubling costs twice.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let first = next_chunk(&mut body).await?.unwrap_or_default();
    let mut next = next_chunk(&mut body).await?;
    if next.is_none() && first.len() <= bytes_max {
        return Ok(Whole { bytes: first, _turn: None }); // as it came, which is how most do
    }
    let (mut read, mut turn) =
        (Vec::with_capacity(announced.clamp(first.len(), LARGE.max(first.len()))), None);
    read.extend_from_slice(&first);
    drop(first);
    while let Some(chunk) = next {
        read.extend_from_slice(&chunk);
        if read.len() > bytes_max {
            break;
        }
        if read.len() > LARGE && turn.is_none() {
            turn = LARGE_TURNS.acquire().await.ok();
        }
        next = next_chunk(&mut body).await?;
    }
    if read.len() > bytes_max {
        drop((read, turn));
        throw_away(body).await;
        return Err(BodyError::TooLarge(bytes_max));
    }
    Ok(Whole { bytes: read.into(), _turn: turn })
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        // A frame that is no data is a trailer.
        if let Ok(data) = frame.map_err(|_| BodyError::BrokenOff)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

async fn throw_away(mut body: Body) {
    let mut bytes = 0;
    while let Ok(Some(chunk)) = next_chunk(&mut body).await {
        bytes += chunk.len();
        if bytes > THROWN_AWAY_MAX {
            return;
        }
    }
}
