//! How a kind of integration reaches its receiver: what all of them do alike with a request, and with its answer.

use bellwether_alerts::{Address, Delivery, HttpConfig, SecretSource, Thread, expand_secret};
use bellwether_model::TimeDelta;
use reqwest::header::{HeaderName, HeaderValue};

use super::Current;
use super::address::{self, Text};
use super::answer::{Answer, Reply, receipt};
use super::request::Request;
use crate::http::Unsendable;
use crate::http::authenticate::secret;
use crate::http::redact::Hidden;

/// How long a receiver may take when its settings do not say.
const TIMEOUT_DEFAULT: TimeDelta = TimeDelta(10_000);

/// The way to one receiver, for one part of one attempt.
pub(super) struct Line<'a> {
    pub(super) current: &'a Current,
    pub(super) delivery: &'a Delivery,
    /// Which part of the message is sent, from zero.
    pub(super) place: usize,
    /// What the receiver called the conversation so far.
    pub(super) thread: &'a Thread,
}

impl Line<'_> {
    /// Makes a request and gives the answer, whatever it says. No answer is a reply already.
    pub(super) async fn ask(
        &self,
        http: &HttpConfig,
        timeout: Option<TimeDelta>,
        request: Request,
    ) -> Result<Answer, Reply> {
        let mut hidden = Hidden::new(&request.address);
        request.secrets.iter().for_each(|secret| hidden.add(secret));
        let built = self.request(timeout, request, &hidden)?;
        let client = self.current.client(&self.delivery.integration, http);
        match client.send(built, &mut hidden).await {
            Ok(response) => Ok(Answer::read(response, hidden).await),
            Err(why) => Err(receipt(why, &hidden).into()),
        }
    }

    /// A request that cannot even be built never leaves: a header with a line break, for instance.
    fn request(
        &self,
        timeout: Option<TimeDelta>,
        request: Request,
        hidden: &Hidden,
    ) -> Result<reqwest::Request, Unsendable> {
        let cannot = |what: &str| Unsendable(hidden.line(&format!("the request cannot be built: {what}")));
        let url = request.address.parse().map_err(|_| cannot("the address is none"))?;
        let mut built = reqwest::Request::new(request.method, url);
        *built.timeout_mut() = Some(timeout.unwrap_or(TIMEOUT_DEFAULT).to_std());
        let own = [("idempotency-key", self.key()), ("x-bellwether-delivery", self.attempt())];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        for (name, value) in own.chain(request.headers) {
            let header = HeaderName::try_from(&name).ok().zip(HeaderValue::try_from(value).ok());
            let (header, value) = header.ok_or_else(|| cannot(&format!("{name} cannot be a header")))?;
            built.headers_mut().append(header, value);
        }
        *built.body_mut() = Some(request.body.into());
        Ok(built)
    }

    /// The address, rendered if it is a template: it may hold secrets and is never recorded.
    pub(super) async fn address(&self, address: &Address) -> Result<String, Unsendable> {
        let Text { text, origin } = address::text(address).await?;
        address::checked(Text { text: self.expand(text, &origin)?, origin })
    }

    /// A key, rendered if it is a template.
    pub(super) async fn secret(&self, field: &str, source: &SecretSource) -> Result<String, Unsendable> {
        let key = self.expand(secret(source).await?, field)?;
        match key.is_empty() {
            true => Err(Unsendable(format!("{field} is empty"))),
            false => Ok(key),
        }
    }

    fn expand(&self, text: String, what: &str) -> Result<String, Unsendable> {
        if !text.contains("{{") {
            return Ok(text);
        }
        let rendered =
            expand_secret(&self.current.setup, &self.delivery.notification, &text, self.delivery.decided_at);
        // The template's own words may be secrets, and an error quotes them.
        rendered
            .map(|text| text.trim().to_owned())
            .map_err(|_| Unsendable(format!("the template of {what} cannot be rendered")))
    }

    /// What a receiver recognises a repeated request by: the message, and which part of it.
    pub(super) fn key(&self) -> String {
        match self.delivery.message.parts.len() {
            0 | 1 => self.delivery.key.to_string(),
            _ => format!("{}.{}", self.delivery.key, self.place + 1),
        }
    }

    /// Names the attempt, for the log of whoever takes it.
    pub(super) fn attempt(&self) -> String {
        format!("{}-{}", self.key(), self.delivery.attempt)
    }
}
