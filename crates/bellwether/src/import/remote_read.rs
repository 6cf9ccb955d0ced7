//! Prometheus' remote read, asked of any server that answers it: one stretch of time after the other, so that neither
//! side needs memory for all of it.

use std::path::Path;

use bellwether_ingest::remote_read::{
    ReadQuery, ReadSeries, next_frame, read_frame, read_samples, write_request,
};
use bellwether_model::{METRIC_NAME, MatchOp, Matcher, TimeRange, Timestamp};
use bellwether_promql::{ExprKind, parse, render_errors};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{RequestBuilder, Response};
use tokio::runtime::Handle;

use super::Stop;
use super::progress::Unit;
use super::session::{Session, Target, Wanted};
use crate::cli::import::RemoteReadImport;
use crate::failure::Failure;
use crate::{base64, clock, terminal};

/// A frame that has not ended after so many bytes does not end.
const BUFFER_BYTES_MAX: usize = 300 << 20;
/// A message without frames is held as a whole.
const MESSAGE_BYTES_MAX: usize = 1 << 30;
/// How much of a refusal is shown.
const REFUSAL_CHARS_MAX: usize = 300;
const VERSION: HeaderValue = HeaderValue::from_static("0.1.0");
const OURSELVES: HeaderValue = HeaderValue::from_static("bellwether");

/// Imports from there.
pub fn run(arguments: &RemoteReadImport, stop: &Stop) -> Result<(), Failure> {
    let mut wanted = Wanted::of(&arguments.destination)?;
    let selectors = selectors(&arguments.matches)?;
    if arguments.step.0 <= 0 {
        return Err(Failure::wrong("--step must be longer than nothing".to_owned()));
    }
    let asking = Asking::new(arguments)?;
    let target = Target::open(&arguments.destination, stop)?;
    let now = clock::now();
    let range = TimeRange::new(
        wanted.range.start.max(target.kept_from().floor_to(arguments.step)),
        wanted.range.end.min(now),
    );
    if range.start > range.end {
        return Err(Failure::wrong(format!(
            "nothing of that time can be kept: samples before {} are too old",
            target.kept_from()
        )));
    }
    // What is kept moves on with the clock; the journal knows this import by what was asked for.
    let source = format!("remote-read {} {}", named(&arguments.url), arguments.matches.join(" "));
    let total = ((range.end.0 - range.start.0) / 1000).max(1) as u64;
    let mut session =
        target.begin(&arguments.destination, wanted.clone(), &source, (Unit::Seconds, total), stop)?;
    wanted.range = range;
    let mut before = 0;
    let mut start = range.start;
    while start <= range.end {
        let next = start.floor_to(arguments.step) + arguments.step;
        let window = TimeRange::new(start, range.end.min(Timestamp(next.0 - 1)));
        // The last one is not over yet.
        let part = format!("{} {}", window.start.0, window.end.0);
        if session.is_done(&part) {
            before += 1;
        } else {
            for matchers in &selectors {
                asking.ask(&mut session, ReadQuery { range: window, matchers: matchers.clone() })?;
            }
            session.finish_part(&part)?;
        }
        session.advance(0, ((next.0 - range.start.0) / 1000).max(0) as u64)?;
        start = next;
    }
    if before > 0 {
        session.summary.done_before = Some((before, "stretch"));
    }
    session.end(&arguments.destination)?;
    target.close(&arguments.destination)
}

/// An address as the journal knows it: who asks, and what may be a key behind the path, are none of its business. Two
/// questions behind the same path are still two sources.
fn named(url: &str) -> String {
    let (address, question) =
        url.split_once('?').map_or((url, None), |(address, rest)| (address, Some(rest)));
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    let host = rest.find('/').unwrap_or(rest.len());
    let start = rest[..host].rfind('@').map_or(0, |at| at + 1);
    let question =
        question.map_or_else(String::new, |text| format!("?{:08x}", crc32fast::hash(text.as_bytes())));
    format!("{scheme}://{}{question}", &rest[start..])
}

/// What `--match` says; everything where it says nothing.
fn selectors(texts: &[String]) -> Result<Vec<Vec<Matcher>>, Failure> {
    if texts.is_empty() {
        let all = Matcher::new(MatchOp::Regex, METRIC_NAME, ".+");
        return Ok(vec![vec![all.map_err(|error| Failure::failed(error.to_string()))?]]);
    }
    texts.iter().map(|text| selector(text)).collect()
}

fn selector(text: &str) -> Result<Vec<Matcher>, Failure> {
    let wrong = |why: &str| Failure::wrong(format!("--match {text:?} {why}"));
    let style = terminal::style(&std::io::stderr());
    let expr = parse(text)
        .map_err(|errors| wrong(&format!("is no selector:\n{}", render_errors(&errors, text, style))))?;
    let ExprKind::Selector(selector) = &expr.kind else {
        return Err(wrong("is no selector; write it like {job=\"api\"}"));
    };
    Ok(selector.matchers.clone())
}

/// Where questions go.
struct Asking {
    http: reqwest::Client,
    url: String,
    user: Option<(String, String)>,
    token: Option<String>,
    runtime: Handle,
}

impl Asking {
    fn new(arguments: &RemoteReadImport) -> Result<Self, Failure> {
        crate::install_tls();
        let url = arguments.url.clone();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Failure::wrong(format!(
                "{url:?} is not a URL; write it like http://prometheus:9090/api/v1/read"
            )));
        }
        let http = reqwest::Client::builder().timeout(arguments.timeout.to_std()).build();
        let http = http.map_err(|error| Failure::failed(format!("cannot set up HTTP: {error}")))?;
        let password = arguments.password_file.as_deref().map(secret).transpose()?;
        let token = arguments.bearer_token_file.as_deref().map(secret).transpose()?;
        let user = arguments.username.clone().map(|name| (name, password.unwrap_or_default()));
        Ok(Self { http, url, user, token, runtime: Handle::current() })
    }

    fn request(&self, query: &ReadQuery) -> Result<RequestBuilder, Failure> {
        let body = snap::raw::Encoder::new().compress_vec(&write_request(query));
        let body = body.map_err(|error| Failure::failed(error.to_string()))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
        headers.insert("x-prometheus-remote-read-version", VERSION);
        headers.insert(USER_AGENT, OURSELVES);
        let mut request = self.http.post(&self.url).headers(headers).body(body);
        if let Some((name, password)) = &self.user {
            let pair = base64::encode(format!("{name}:{password}").as_bytes());
            request = request.header("authorization", format!("Basic {pair}"));
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Ok(request)
    }

    /// Asks, and hands over what comes.
    fn ask(&self, session: &mut Session<'_>, query: ReadQuery) -> Result<(), Failure> {
        let sent = self.runtime.block_on(self.request(&query)?.send());
        let mut response = sent.map_err(|error| self.broken(&error))?;
        let status = response.status();
        if !status.is_success() {
            let text = self.runtime.block_on(response.text()).unwrap_or_default();
            let why: String = text.trim().chars().take(REFUSAL_CHARS_MAX).collect();
            return Err(Failure::failed(format!("{} answered {status}: {why}", self.shown())));
        }
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/x-streamed-protobuf") {
            return self.frames(session, &query, &mut response);
        }
        if kind.starts_with("application/x-protobuf") {
            return self.samples(session, &query, response);
        }
        Err(Failure::failed(format!(
            "{} answers with {kind:?} instead of frames of chunks; is this the address of remote read, such as \
             http://prometheus:9090/api/v1/read?",
            self.shown()
        )))
    }

    fn frames(
        &self,
        session: &mut Session<'_>,
        query: &ReadQuery,
        response: &mut Response,
    ) -> Result<(), Failure> {
        let mut buffer: Vec<u8> = Vec::new();
        while let Some(bytes) =
            self.runtime.block_on(response.chunk()).map_err(|error| self.broken(&error))?
        {
            buffer.extend_from_slice(&bytes);
            let mut taken = 0;
            while let Some(frame) = next_frame(&buffer[taken..]).map_err(|error| self.strange(&error))? {
                let series = read_frame(frame.message).map_err(|error| self.strange(&error))?;
                take(session, query, series)?;
                taken += frame.length;
            }
            buffer.drain(..taken);
            if buffer.len() > BUFFER_BYTES_MAX {
                return Err(self.strange(&"a frame that does not end"));
            }
        }
        if buffer.is_empty() { Ok(()) } else { Err(self.strange(&"the answer broke off")) }
    }

    /// One message, for servers that have no frames.
    fn samples(
        &self,
        session: &mut Session<'_>,
        query: &ReadQuery,
        mut response: Response,
    ) -> Result<(), Failure> {
        let mut body: Vec<u8> = Vec::new();
        while let Some(bytes) =
            self.runtime.block_on(response.chunk()).map_err(|error| self.broken(&error))?
        {
            body.extend_from_slice(&bytes);
            if body.len() > BUFFER_BYTES_MAX {
                return Err(self.strange(&"it is too large; a shorter --step asks for less at once"));
            }
        }
        let length = snap::raw::decompress_len(&body).unwrap_or(usize::MAX);
        if length > MESSAGE_BYTES_MAX {
            return Err(self.strange(&"it is too large, or not compressed with snappy"));
        }
        let message =
            snap::raw::Decoder::new().decompress_vec(&body).map_err(|error| self.strange(&error))?;
        take(session, query, read_samples(&message).map_err(|error| self.strange(&error))?)
    }

    /// The address, without what may be secret in it.
    fn shown(&self) -> &str {
        let end = self.url.find('?').unwrap_or(self.url.len());
        let address = &self.url[..end];
        address.find('@').map_or(address, |at| &address[at + 1..])
    }

    fn strange(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::failed(format!(
            "the answer of {} cannot be read: {why}; the same command goes on",
            self.shown()
        ))
    }

    fn broken(&self, error: &reqwest::Error) -> Failure {
        let why = if error.is_connect() {
            "nothing listens there"
        } else if error.is_timeout() {
            "it did not answer in time; a shorter --step asks for less at once"
        } else {
            "the answer broke off"
        };
        Failure::failed(format!(
            "cannot read from {}: {why}; the same command goes on from there",
            self.shown()
        ))
    }
}

/// Hands over what of some series was asked for.
fn take(session: &mut Session<'_>, query: &ReadQuery, series: Vec<ReadSeries>) -> Result<(), Failure> {
    for mut series in series {
        series.samples.retain(query.range, &[]);
        let count = series.samples.len() as u64;
        let handle = session.series(&series.labels)?;
        session.sink.extend(handle, &mut series.samples)?;
        let done = session.progress.done();
        session.advance(count, done)?;
    }
    Ok(())
}

fn secret(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Failure::wrong(format!("cannot read {}: {error}", path.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_knows_an_address_without_what_is_secret_in_it() {
        let check = |url: &str, known: &str| assert_eq!(named(url), known, "{url}");
        check("http://a:9090/api/v1/read", "http://a:9090/api/v1/read");
        check("https://me:secret@a/read", "https://a/read");
        check("http://me:a@b@c:1/x@y", "http://c:1/x@y");
        check("http://a/read?key=secret", "http://a/read?4bb25475");
        assert_ne!(named("http://a/read?t=1"), named("http://a/read?t=2"));
    }
}
