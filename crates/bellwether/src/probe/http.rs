//! An HTTP probe: one request as a user would send it, redirects followed by hand so that each phase is timed, and
//! what must be secret goes to no other origin than the one it was written for.

use bellwether_alerts::{Auth, SecretSource};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HOST, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use reqwest::Url;

use super::attempt::{Broken, Check, Ended, Phase, Reason, Trace};
use super::definition::HttpAsk;
use super::dial::{Dial, dial, innermost};

/// Bytes of a body that are read; expectations are judged on these.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What the target said.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    is_cut: bool,
}

/// Asks, and follows where the answer points.
pub(super) async fn ask(
    ask: &HttpAsk,
    address: &str,
    timeout: std::time::Duration,
    trace: &mut Trace,
) -> Result<Answer, Ended> {
    let origin = url_of(address).map_err(Ended::NotTried)?;
    let authorization = authorization(ask.auth.as_ref()).await.map_err(Ended::NotTried)?;
    let mut step = Step { url: origin.clone(), method: ask.method.clone(), keeps_body: true };
    let mut followed = 0;
    loop {
        let is_origin = step.url.origin() == origin.origin();
        let request = request(ask, &step, authorization.as_ref().filter(|_| is_origin), is_origin)
            .map_err(Ended::NotTried)?;
        let (response, driver) = send(ask, &step.url, request, timeout, trace).await?;
        trace.facts.http_status = Some(response.status().as_u16());
        trace.facts.redirects = Some(followed);
        let next = match ask.redirects_max {
            0 => None,
            _ => step.next(&response)?,
        };
        let Some(next) = next else {
            let answer = read(response, trace).await;
            drop(driver);
            return answer.map_err(Ended::Broken);
        };
        if followed == ask.redirects_max {
            let what = format!("still redirected after {followed} redirects");
            return Err(Broken::new(Reason::Redirect, what).into());
        }
        followed += 1;
        step = next;
    }
}

/// A web address that can be asked.
pub fn url_of(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("{text:?} is not a web address"));
    }
    Ok(url)
}

/// One request of an attempt.
struct Step {
    url: Url,
    method: String,
    keeps_body: bool,
}

impl Step {
    /// Where an answer points, if it does. As browsers do it: 303 always, 301 and 302 for a POST, make a GET of it.
    fn next(&self, response: &Response<Incoming>) -> Result<Option<Self>, Broken> {
        let status = response.status().as_u16();
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
        let url = location.to_str().ok().and_then(|text| self.url.join(text).ok());
        let url = url.filter(|url| url_of(url.as_str()).is_ok());
        let Some(url) = url else {
            let what = format!("redirected with status {status} to what is not a web address");
            return Err(Broken::new(Reason::Redirect, what));
        };
        let becomes_get =
            status == 303 && self.method != "HEAD" || matches!(status, 301 | 302) && self.method == "POST";
        let method = if becomes_get { "GET".to_owned() } else { self.method.clone() };
        Ok(Some(Self { url, method, keeps_body: self.keeps_body && !becomes_get }))
    }
}

async fn authorization(auth: Option<&Auth>) -> Result<Option<HeaderValue>, String> {
    let text = match auth {
        None => return Ok(None),
        Some(Auth::Basic { username, password }) => {
            let username = secret(username.as_ref()).await?;
            let password = secret(password.as_ref()).await?;
            format!("Basic {}", crate::base64::encode(format!("{username}:{password}").as_bytes()))
        }
        Some(Auth::Authorization { scheme, credentials }) => {
            format!("{scheme} {}", secret(credentials.as_ref()).await?)
        }
    };
    let mut value =
        HeaderValue::try_from(text).map_err(|_| "the credentials cannot be a header".to_owned())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

async fn secret(source: Option<&SecretSource>) -> Result<String, String> {
    match source {
        None => Ok(String::new()),
        Some(SecretSource::Inline(secret)) => Ok(secret.expose().to_owned()),
        Some(SecretSource::File(path)) => match tokio::fs::read_to_string(path).await {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) => Err(format!("{path} cannot be read: {error}")),
        },
    }
}

fn request(
    ask: &HttpAsk,
    step: &Step,
    authorization: Option<&HeaderValue>,
    is_origin: bool,
) -> Result<Request<Full<Bytes>>, String> {
    let body = ask.body.as_ref().filter(|_| step.keeps_body && is_origin);
    let body = body.map(|body| Bytes::copy_from_slice(body.expose().as_bytes())).unwrap_or_default();
    let method = Method::from_bytes(step.method.as_bytes()).map_err(|error| error.to_string())?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = path_of(&step.url).parse().map_err(|_| "the URL cannot be asked for".to_owned())?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::try_from(host_of(&step.url)).map_err(|error| error.to_string())?);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("bellwether/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    for (name, value) in ask.headers.iter().filter(|_| is_origin) {
        let wrong = || format!("header {name} cannot be sent");
        let name = hyper::header::HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(request)
}

fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

async fn send(
    ask: &HttpAsk,
    url: &Url,
    request: Request<Full<Bytes>>,
    timeout: std::time::Duration,
    trace: &mut Trace,
) -> Result<(Response<Incoming>, Driver), Ended> {
    let to = Dial {
        host: url.host_str().unwrap_or_default().trim_matches(['[', ']']),
        port: url.port_or_known_default().unwrap_or(80),
        wire: &ask.wire,
        tls: (url.scheme() == "https").then_some(b"http/1.1"),
        timeout,
    };
    let connection = dial(to, trace).await?;
    trace.enter(Phase::Processing);
    let broken =
        |error: hyper::Error| Broken::new(Reason::Protocol, format!("no answer: {}", innermost(&error)));
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await;
    let (mut sender, connection) = handshake.map_err(broken)?;
    let driver = Driver(tokio::spawn(connection));
    let response = sender.send_request(request).await.map_err(broken)?;
    Ok((response, driver))
}

/// Moves the bytes of a connection, for as long as someone holds it.
struct Driver(tokio::task::JoinHandle<Result<(), hyper::Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn read(response: Response<Incoming>, trace: &mut Trace) -> Result<Answer, Broken> {
    trace.enter(Phase::Transfer);
    let status = response.status();
    let (mut incoming, mut body, mut is_cut) = (response.into_body(), Vec::new(), false);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| {
            Broken::new(Reason::Protocol, format!("the answer broke off: {}", innermost(&error)))
        })?;
        let Some(piece) = frame.data_ref() else { continue };
        let room = BODY_BYTES_MAX - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        trace.facts.body_bytes = Some(body.len() as u64);
        if piece.len() > room {
            is_cut = true;
            break;
        }
    }
    trace.facts.body_bytes = Some(body.len() as u64);
    trace.leave();
    Ok(Answer { status, body, is_cut })
}

/// What is expected, in the order in which it is looked at; with an answer, whether it was so.
pub(super) fn judge(ask: &HttpAsk, answer: Option<&Answer>) -> Vec<Check> {
    let text = answer.map(|answer| String::from_utf8_lossy(&answer.body));
    let size = answer.map(|answer| {
        let cut = if answer.is_cut { "the first " } else { "" };
        format!("{cut}{} bytes", answer.body.len())
    });
    let size = size.unwrap_or_default();
    let mut checks = vec![status_check(ask, answer)];
    let mut content = |expected: String, is_met: &dyn Fn(&str) -> bool, unmet: &str| {
        checks.push(match &text {
            None => Check::not_reached(expected),
            Some(text) if is_met(text) => Check::of(expected, format!("it is so, in {size}"), None),
            Some(_) => Check::of(expected, format!("{unmet} {size}"), Some(Reason::Content)),
        });
    };
    for part in &ask.body_contains {
        content(format!("body contains {part:?}"), &|text| text.contains(part.as_str()), "not found in");
    }
    for pattern in &ask.body_matches {
        content(format!("body matches /{pattern}/"), &|text| pattern.is_match(text), "no match in");
    }
    for pattern in &ask.body_not_matches {
        content(format!("body does not match /{pattern}/"), &|text| !pattern.is_match(text), "a match in");
    }
    checks
}

fn status_check(ask: &HttpAsk, answer: Option<&Answer>) -> Check {
    let range = |range: &std::ops::RangeInclusive<u16>| match range.start() == range.end() {
        true => range.start().to_string(),
        false => format!("{}-{}", range.start(), range.end()),
    };
    let expected = format!("status {}", ask.statuses.iter().map(range).collect::<Vec<_>>().join(" or "));
    let Some(answer) = answer else { return Check::not_reached(expected) };
    let is_good = ask.statuses.iter().any(|range| range.contains(&answer.status.as_u16()));
    Check::of(expected, answer.status.to_string(), (!is_good).then_some(Reason::Status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_asked() {
        for (text, is_url) in [
            ("http://a", true),
            ("https://[::1]:8443/x?y=1", true),
            ("ftp://a", false),
            ("a:80", false),
            ("http://", false),
            ("", false),
        ] {
            assert_eq!(url_of(text).is_ok(), is_url, "{text}");
        }
    }
}
