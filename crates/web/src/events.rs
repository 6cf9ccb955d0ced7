//! Tells open pages that something changed, by server-sent events. An event carries a number and nothing else: the
//! page then fetches itself anew, so that there is one way to render it.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};

use crate::Shared;

/// A page that lost its connection says which number it saw last; if that is still the present one, it has missed
/// nothing and hears nothing. A page that connects for the first time has just been rendered.
pub(crate) async fn events(
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = app.changes();
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let present = *changes.borrow();
    let stream = WatchStream::new(changes).map(move |number| {
        let is_news = number != seen.unwrap_or(present);
        let name = if is_news { "change" } else { "hello" };
        Ok(Event::default().id(number.to_string()).event(name).data(number.to_string()))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
