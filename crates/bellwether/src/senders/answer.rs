//! What a receiver answered, and the receipt that is made of it.

use bellwether_alerts::{Receipt, Thread};
use bellwether_model::TimeDelta;
use reqwest::Response;
use reqwest::header::HeaderMap;

use super::retry_after::pause;
use crate::clock;
use crate::http::Unsendable;
use crate::http::client::NoAnswer;
use crate::http::redact::{Hidden, describe};

/// How much of an answer is read.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What became of one part.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) receipt: Receipt,
    /// What the receiver calls the conversation; laid over what it called it before.
    pub(super) thread: Thread,
}

/// An answer to one request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: HeaderMap,
    /// Its beginning, as text.
    pub(super) body: String,
    /// Why the rest of it did not come.
    broken: Option<String>,
    hidden: Hidden,
}

impl From<Receipt> for Reply {
    fn from(receipt: Receipt) -> Self {
        Self { receipt, thread: Thread::new() }
    }
}

impl From<Unsendable> for Reply {
    fn from(Unsendable(reason): Unsendable) -> Self {
        Receipt::Unsendable { reason }.into()
    }
}

/// What becomes of a request without an answer. One that cannot even be built never left.
pub(super) fn receipt(no_answer: NoAnswer, hidden: &Hidden) -> Receipt {
    match no_answer {
        NoAnswer::Unsendable(Unsendable(reason)) => Receipt::Unsendable { reason },
        NoAnswer::Broken(error) if error.is_builder() => {
            Receipt::Unsendable { reason: describe(error, hidden) }
        }
        NoAnswer::Broken(error) => Receipt::Unreachable { reason: describe(error, hidden) },
    }
}

impl Answer {
    pub(super) async fn read(mut response: Response, hidden: Hidden) -> Self {
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let (mut bytes, mut broken) = (Vec::new(), None);
        while bytes.len() < BODY_BYTES_MAX {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    bytes.extend_from_slice(&chunk[..chunk.len().min(BODY_BYTES_MAX - bytes.len())]);
                }
                Ok(None) => break,
                Err(error) => {
                    broken = Some(describe(error, &hidden));
                    break;
                }
            }
        }
        Self { status, headers, body: String::from_utf8_lossy(&bytes).into_owned(), broken, hidden }
    }

    /// Whether the status says that it was taken.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// For kinds that say in the body whether they took it: one that broke off leaves it unknown.
    pub(super) fn whole(self) -> Result<Self, Reply> {
        match &self.broken {
            None => Ok(self),
            Some(why) => Err(Receipt::Unreachable { reason: why.clone() }.into()),
        }
    }

    /// The status says it all.
    pub(super) fn by_status(self) -> Reply {
        match self.is_success() {
            true => self.accepted(),
            // Why it was refused is not known; it may be taken next time.
            false if self.broken.is_some() && self.body.is_empty() => {
                Receipt::Unreachable { reason: self.broken.unwrap_or_default() }.into()
            }
            false => self.refused(),
        }
    }

    /// It was taken.
    pub(super) fn accepted(&self) -> Reply {
        Receipt::Accepted { status: self.status }.into()
    }

    /// It was not taken, as the status says.
    pub(super) fn refused(&self) -> Reply {
        self.refused_with(&self.body, None)
    }

    /// The same, with why, and with how long to wait if the body said so.
    pub(super) fn refused_with(&self, why: &str, after: Option<TimeDelta>) -> Reply {
        let retry_after = after.or_else(|| self.pause());
        Receipt::Refused { status: self.status, body: self.hidden.line(why), retry_after }.into()
    }

    /// It was not taken, and the trouble is that of another status than the one that came: a "busy" inside of a 200.
    pub(super) fn refused_as(&self, status: u16, why: &str, after: Option<TimeDelta>) -> Reply {
        let retry_after = after.or_else(|| self.pause());
        let body = match self.status == status {
            true => self.hidden.line(why),
            false => self.hidden.line(&format!("{why} (its status was {})", self.status)),
        };
        Receipt::Refused { status, body, retry_after }.into()
    }

    /// How long it asks to be left alone, in any header known to say so.
    fn pause(&self) -> Option<TimeDelta> {
        pause(|name| self.headers.get(name).and_then(|value| value.to_str().ok()), clock::now())
    }
}
