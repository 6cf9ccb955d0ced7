//! One HTTP client for the source: who we say we are, whom we trust, and how long and how large an answer may be.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_alerts::{Auth, SecretSource};
use bellwether_model::{TimeDelta, Timestamp};
use bellwether_web::url::encode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, redirect};
use tokio::sync::Semaphore;

use super::answer::{self, Complaint};
use super::ask_error::AskError;
use crate::clock;
use crate::config::source::SourceConfig;
use crate::senders::parse_retry_after;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer that is an error is read.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// How much of it is kept.
const EXCERPT_CHARS_MAX: usize = 300;
/// The header in which Mimir, Thanos and others are told whose samples are meant.
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// Said with every query: Thanos then answers from raw samples of all stores or not at all, and VictoriaMetrics reads
/// anew. The others do not know the names and pass over them.
const RAW_AND_WHOLE: [(&str, &str); 4] =
    [("dedup", "true"), ("partial_response", "false"), ("max_source_resolution", "0s"), ("nocache", "1")];

/// What asks the source.
pub struct RemoteClient {
    http: reqwest::Client,
    config: SourceConfig,
    /// Where requests go: its host is the name in the certificate.
    base: String,
    /// The host in the configured address, where that is another.
    host: Option<HeaderValue>,
    turns: Semaphore,
}

/// A request below the source's address.
#[derive(Clone, Debug)]
pub struct Ask {
    /// `GET` for what takes no form.
    pub method: Method,
    /// Such as `/api/v1/query`.
    pub path: String,
    /// Parameters; a name may occur several times.
    pub params: Vec<(String, String)>,
    /// The largest answer that is read.
    pub bytes_max: usize,
}

impl Ask {
    /// A query at a moment.
    pub fn instant(query: &str, at: Timestamp, bytes_max: usize) -> Self {
        let params = vec![("query".to_owned(), query.to_owned()), ("time".to_owned(), seconds(at))];
        Self::form("/api/v1/query", params, bytes_max)
    }

    /// Anything that takes a form.
    pub fn form(path: &str, mut params: Vec<(String, String)>, bytes_max: usize) -> Self {
        params.extend(RAW_AND_WHOLE.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Self { method: Method::POST, path: path.to_owned(), params, bytes_max }
    }

    /// Anything else.
    pub fn get(path: &str, params: Vec<(String, String)>, bytes_max: usize) -> Self {
        Self { method: Method::GET, path: path.to_owned(), params, bytes_max }
    }
}

/// A moment as the API takes it: seconds, exact to the millisecond.
pub fn seconds(at: Timestamp) -> String {
    let (whole, ms) = (at.0.max(0) / 1000, at.0.max(0) % 1000);
    format!("{whole}.{ms:03}")
}

impl RemoteClient {
    /// For a source; the files it names are read now, those of passwords and tokens with every request.
    pub fn build(config: &SourceConfig) -> Result<Self, AskError> {
        crate::install_tls();
        let tls = &config.tls;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("Bellwether/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy() // where numbers come from must be readable in the configuration
            .redirect(redirect::Policy::none())
            .tls_danger_accept_invalid_certs(tls.insecure_skip_verify);
        if let Some(path) = &tls.ca_file {
            let certificates = reqwest::Certificate::from_pem_bundle(&file("ca_file", path)?);
            let certificates = certificates.ok().filter(|all| !all.is_empty());
            let none = || AskError::Setup(format!("ca_file {path} holds no certificate"));
            builder = builder.tls_certs_only(certificates.ok_or_else(none)?);
        }
        if let (Some(certificate), Some(key)) = (&tls.cert_file, &tls.key_file) {
            let mut pem = file("cert_file", certificate)?;
            pem.push(b'\n');
            pem.extend(file("key_file", key)?);
            let identity = reqwest::Identity::from_pem(&pem);
            let unusable =
                |_| AskError::Setup(format!("{certificate} and {key} are not a certificate and its key"));
            builder = builder.identity(identity.map_err(unusable)?);
        }
        let (mut base, mut host) = (config.url.clone(), None);
        if let Some(name) = &tls.server_name {
            let address = Address::of(&config.url);
            base = format!("{}://{name}:{}{}", address.scheme, address.port, address.path);
            host = HeaderValue::from_str(&address.authority).ok();
            builder = builder.dns_resolver(Arc::new(Instead(address.host)));
        }
        let failed = |error: reqwest::Error| {
            AskError::Setup(format!("the HTTP client cannot be built: {}", error.without_url()))
        };
        let http = builder.build().map_err(failed)?;
        let turns = Semaphore::new(config.concurrency);
        Ok(Self { http, config: config.clone(), base, host, turns })
    }

    /// The source's settings.
    pub const fn config(&self) -> &SourceConfig {
        &self.config
    }

    /// Asks in its turn; gives the body of an answer with success.
    pub async fn ask(&self, ask: &Ask) -> Result<Vec<u8>, AskError> {
        let Ok(_turn) = self.turns.acquire().await else {
            return Err(AskError::Setup("the client is closed".to_owned()));
        };
        self.ask_at_once(ask).await
    }

    /// Asks beside whatever is being read: somebody's slow query must not hold up what objectives count. Who asks this
    /// way has turns of its own.
    pub async fn ask_at_once(&self, ask: &Ask) -> Result<Vec<u8>, AskError> {
        let answered = tokio::time::timeout(self.config.timeout.to_std(), self.send(ask)).await;
        answered.unwrap_or(Err(AskError::Slow(self.config.timeout)))
    }

    async fn send(&self, ask: &Ask) -> Result<Vec<u8>, AskError> {
        let response = self.request(ask)?.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return body(response, ask.bytes_max).await;
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| parse_retry_after(text, clock::now()));
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.map(excerpt);
        let body = beginning(response).await;
        let complaint = answer::complaint(&body).unwrap_or_else(|| {
            let said = match (&location, String::from_utf8_lossy(&body)) {
                (Some(place), _) => format!("it points to {place}; write that address in the configuration"),
                (None, text) if text.trim().is_empty() => "it gives no reason".to_owned(),
                (None, text) => text.into_owned(),
            };
            Complaint { kind: String::new(), said }
        });
        Err(refusal(status, complaint, retry_after))
    }

    fn request(&self, ask: &Ask) -> Result<RequestBuilder, AskError> {
        let pair = |(name, value): &(String, String)| format!("{}={}", encode(name, ""), encode(value, ""));
        let params = ask.params.iter().map(pair).collect::<Vec<_>>().join("&");
        let url = format!("{}{}", self.base, ask.path);
        let mut request = match ask.method {
            Method::GET if params.is_empty() => self.http.get(url),
            Method::GET => self.http.get(format!("{url}?{params}")),
            _ => {
                let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                self.http.post(url).header(CONTENT_TYPE, form).body(params)
            }
        };
        if let Some(host) = &self.host {
            request = request.header(HOST, host);
        }
        if let Some(tenant) = &self.config.tenant {
            request = request.header(TENANT, tenant);
        }
        request = match &self.config.auth {
            Some(Auth::Basic { username, password }) => {
                let username = username.as_ref().map(secret).transpose()?.unwrap_or_default();
                request.basic_auth(username, password.as_ref().map(secret).transpose()?)
            }
            Some(Auth::Authorization { scheme, credentials }) => {
                let credentials = credentials.as_ref().map(secret).transpose()?.unwrap_or_default();
                let value = HeaderValue::from_str(&format!("{scheme} {credentials}"));
                let unusable = |_| AskError::Setup("the credentials cannot be sent in a header".to_owned());
                let mut value = value.map_err(unusable)?;
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            None => request,
        };
        for (name, value) in &self.config.headers {
            request = request.header(name, value.expose());
        }
        Ok(request)
    }
}

/// What an answer without success means.
fn refusal(status: u16, complaint: Complaint, retry_after: Option<TimeDelta>) -> AskError {
    let Complaint { kind, said } = complaint;
    let said = excerpt(&said);
    let lower = said.to_lowercase();
    // Prometheus, Mimir and Thanos refuse what would be too much with a status that says nothing of it.
    let is_too_much = ["too many samples", "max-samples", "sample limit", "too many points", "maxsamples"]
        .into_iter()
        .any(|words| lower.contains(words))
        || lower.contains("limit") && ["bytes", "chunks", "samples"].iter().any(|word| lower.contains(word));
    match status {
        401 | 403 => AskError::Denied { status, said },
        429 => AskError::Limited { status, retry_after },
        503 if retry_after.is_some() => AskError::Limited { status, retry_after },
        413 => AskError::TooMuch(said),
        400 | 422 | 500 | 503 if is_too_much || kind == "timeout" => AskError::TooMuch(said),
        500.. => AskError::Broken { status, said },
        _ => AskError::Refused { status, kind, said },
    }
}

async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, AskError> {
    let mut bytes = Vec::with_capacity(response.content_length().unwrap_or(0).min(bytes_max as u64) as usize);
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(AskError::TooMuch(format!("more than {} MiB", bytes_max >> 20)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn beginning(mut response: Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk[..chunk.len().min(ERROR_BYTES_MAX - bytes.len())]);
        if bytes.len() >= ERROR_BYTES_MAX {
            break;
        }
    }
    bytes
}

fn unreachable(error: reqwest::Error) -> AskError {
    let error = error.without_url();
    let what = match () {
        () if error.is_timeout() => "no connection in time",
        () if error.is_connect() => "no connection",
        () if error.is_builder() => "the request cannot be built",
        () => "the connection broke off",
    };
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    AskError::Unreachable(excerpt(&format!("{what}: {cause}")))
}

/// One line that is safe to show.
fn excerpt(text: &str) -> String {
    let printable = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = printable.take(EXCERPT_CHARS_MAX + 1).collect();
    if line.chars().count() > EXCERPT_CHARS_MAX {
        line = line.chars().take(EXCERPT_CHARS_MAX).chain(['…']).collect();
    }
    line
}

fn file(field: &str, path: &str) -> Result<Vec<u8>, AskError> {
    std::fs::read(path).map_err(|error| AskError::Setup(format!("{field} {path} cannot be read: {error}")))
}

fn secret(source: &SecretSource) -> Result<String, AskError> {
    match source {
        SecretSource::Inline(secret) => Ok(secret.expose().to_owned()),
        SecretSource::File(path) => {
            let bytes = file("the secret's file", path)?;
            Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
        }
    }
}

/// The parts of an address that was checked when the configuration was read.
struct Address {
    scheme: String,
    host: String,
    authority: String,
    port: u16,
    path: String,
}

impl Address {
    fn of(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let default = if scheme == "https" { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && !port.ends_with(']') => {
                (host, port.parse().unwrap_or(default))
            }
            Some(_) | None => (authority, default),
        };
        Self {
            scheme: scheme.to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            authority: authority.to_owned(),
            port,
            path: path.to_owned(),
        }
    }
}

/// Finds the configured host whatever name is asked for: that is the one in the certificate.
struct Instead(String);

impl reqwest::dns::Resolve for Instead {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let found: reqwest::dns::Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart_by_what_to_do_about_them() {
        let check = |status: u16, said: &str, wait: Option<i64>, part: &str| {
            let complaint = Complaint { kind: "execution".into(), said: said.into() };
            let error = refusal(status, complaint, wait.map(TimeDelta::from_secs));
            assert!(format!("{error:?}").starts_with(part), "{status} {said}: {error:?}");
        };
        check(401, "no", None, "Denied");
        check(403, "no", None, "Denied");
        check(429, "slow down", Some(7), "Limited");
        check(503, "", Some(7), "Limited");
        check(503, "starting", None, "Broken");
        check(500, "oh", None, "Broken");
        check(422, "query processing would load too many samples into memory", None, "TooMuch");
        check(
            422,
            "the query exceeded the maximum number of chunks (limit: 2000000 chunks)",
            None,
            "TooMuch",
        );
        check(413, "", None, "TooMuch");
        check(400, "1:2: parse error", None, "Refused");
        check(404, "page not found", None, "Refused");
        check(302, "", None, "Refused");
    }

    #[test]
    fn addresses_come_apart() {
        let check = |url: &str, host: &str, port: u16, path: &str| {
            let address = Address::of(url);
            assert_eq!((address.host.as_str(), address.port, address.path.as_str()), (host, port, path));
        };
        check("http://a:9090", "a", 9090, "");
        check("https://a/prometheus", "a", 443, "/prometheus");
        check("http://[::1]:9090/x", "::1", 9090, "/x");
        check("http://[::1]", "::1", 80, "");
    }

    #[test]
    fn moments_keep_their_milliseconds() {
        assert_eq!(seconds(Timestamp(1_700_000_000_007)), "1700000000.007");
        assert_eq!(seconds(Timestamp(-1)), "0.000");
    }
}
