//! Tokens of OAuth 2: asked for with the credentials of a client, kept until shortly before they expire. RFC 6749,
//! section 4.4. A token that is refused is not used again: the next attempt asks for another.

use std::time::Duration;

use bellwether_alerts::OAuth2;
use bellwether_model::{TimeDelta, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use serde_json::Value;

use super::Unsendable;
use super::authenticate::{basic, secret};
use super::pool::{Pool, Redirects, Settings};
use super::redact::{Hidden, describe};
use crate::clock;

/// How long a token may take to come.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A token that ends sooner than this is not used: it would be over when it arrives.
const MARGIN: TimeDelta = TimeDelta(10_000);
/// How much of an answer is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where tokens come from, and the one that is good now.
#[derive(Debug)]
pub(crate) struct Tokens {
    oauth2: OAuth2,
    pool: Pool,
    /// Held while one is fetched, so that many messages ask once.
    kept: tokio::sync::Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    token: Option<(Token, Ends)>,
    /// The password that it was asked for with: another one asks again.
    client_secret: String,
    /// Whether the place wants credentials among the parameters. Servers differ, and do not say.
    in_parameters: bool,
}

type Ends = Option<Timestamp>;

/// A token, as it is sent.
#[derive(Clone)]
pub(crate) struct Token {
    scheme: String,
    pub(crate) secret: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} <secret>", self.scheme)
    }
}

impl Token {
    pub(crate) fn header(&self) -> String {
        format!("{} {}", self.scheme, self.secret)
    }
}

impl Tokens {
    pub(crate) fn new(oauth2: OAuth2) -> Self {
        let (tls, proxy) = (oauth2.tls.clone(), oauth2.proxy.clone());
        let pool = Pool::new(Settings { tls, proxy, redirects: Redirects::None });
        Self { oauth2, pool, kept: tokio::sync::Mutex::default() }
    }

    /// The token that is good now.
    pub(crate) async fn current(&self) -> Result<Token, Unsendable> {
        let client_secret = match &self.oauth2.client_secret {
            Some(source) => secret(source).await?,
            None => String::new(),
        };
        let mut kept = self.kept.lock().await;
        let is_good = |ends: &Ends| ends.is_none_or(|ends| clock::now() + MARGIN < ends);
        if let Some((token, _)) = kept.token.as_ref().filter(|(_, ends)| is_good(ends))
            && kept.client_secret == client_secret
        {
            return Ok(token.clone());
        }
        kept.client_secret = client_secret;
        kept.token = None;
        let first = self.ask(&kept).await;
        let asked = match first {
            // The server may want to be told otherwise who asks.
            Err(Refusal::Denied(_)) => {
                kept.in_parameters = !kept.in_parameters;
                let second = self.ask(&kept).await;
                if second.is_err() {
                    kept.in_parameters = !kept.in_parameters;
                }
                second
            }
            Ok(_) | Err(Refusal::Other(_)) => first,
        };
        let (token, ends) = asked.map_err(|(Refusal::Denied(why) | Refusal::Other(why))| {
            Unsendable(format!("there is no token from {}: {why}", place(&self.oauth2)))
        })?;
        kept.token = Some((token.clone(), ends));
        Ok(token)
    }

    /// The token was refused.
    pub(crate) async fn forget(&self) {
        self.kept.lock().await.token = None;
    }

    async fn ask(&self, kept: &Kept) -> Result<(Token, Ends), Refusal> {
        let asked_at = clock::now();
        let mut hidden = Hidden::new(self.oauth2.token_url.expose());
        hidden.add(&kept.client_secret);
        let mut request = self.request(kept)?;
        let connection = self.pool.connection(&mut request).await?;
        let unreachable = |error, hidden: &Hidden| Refusal::Other(describe(error, hidden));
        let mut response = connection.execute(request).await.map_err(|error| unreachable(error, &hidden))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(error, &hidden))? {
            body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - body.len())]);
            if body.len() >= ANSWER_BYTES_MAX {
                break;
            }
        }
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !(200..300).contains(&status) {
            let why = ["error_description", "error"].into_iter().find_map(|name| answer[name].as_str());
            let why = hidden.line(&format!("it answers {status}: {}", why.unwrap_or("it gives no reason")));
            return Err(if matches!(status, 400 | 401) { Refusal::Denied(why) } else { Refusal::Other(why) });
        }
        let Some(secret) = answer["access_token"].as_str().filter(|token| !token.is_empty()) else {
            return Err(Refusal::Other(format!("it answers {status} without an access_token")));
        };
        let scheme = match answer["token_type"].as_str().unwrap_or_default() {
            "" => "Bearer",
            bearer if bearer.eq_ignore_ascii_case("bearer") => "Bearer",
            other => other,
        };
        // Some servers write the number as a text.
        let lasts = &answer["expires_in"];
        let lasts = lasts.as_f64().or_else(|| lasts.as_str()?.parse().ok()).filter(|seconds| *seconds > 0.0);
        let ends = lasts.map(|seconds: f64| asked_at + TimeDelta((seconds.min(1e9) * 1000.0) as i64));
        Ok((Token { scheme: scheme.to_owned(), secret: secret.to_owned() }, ends))
    }

    fn request(&self, kept: &Kept) -> Result<Request, Refusal> {
        let unusable = |what: &str| Refusal::Other(format!("{what} cannot be sent"));
        let url = Url::parse(self.oauth2.token_url.expose()).map_err(|_| unusable("token_url"))?;
        let mut form = Url::parse("form:?").expect("a constant address is one");
        {
            let mut pairs = form.query_pairs_mut();
            pairs.append_pair("grant_type", "client_credentials");
            if !self.oauth2.scopes.is_empty() {
                pairs.append_pair("scope", &self.oauth2.scopes.join(" "));
            }
            for (name, value) in &self.oauth2.endpoint_params {
                pairs.append_pair(name, value.expose());
            }
            if kept.in_parameters {
                pairs.append_pair("client_id", &self.oauth2.client_id);
                pairs.append_pair("client_secret", &kept.client_secret);
            }
        }
        let mut request = Request::new(Method::POST, url);
        *request.timeout_mut() = Some(TIMEOUT);
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form_type);
        if !kept.in_parameters {
            // Each is encoded like a parameter before they are joined. RFC 6749, section 2.3.1.
            let credentials = basic(&encoded(&self.oauth2.client_id), &encoded(&kept.client_secret));
            let value =
                HeaderValue::from_str(&credentials).map_err(|_| unusable("the client's credentials"))?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        *request.body_mut() = Some(form.query().unwrap_or_default().to_owned().into());
        Ok(request)
    }
}

/// Why there is no token.
enum Refusal {
    /// The server does not accept who asks, or how it is told.
    Denied(String),
    Other(String),
}

impl From<Unsendable> for Refusal {
    fn from(Unsendable(why): Unsendable) -> Self {
        Self::Other(why)
    }
}

fn encoded(text: &str) -> String {
    let mut form = Url::parse("form:?").expect("a constant address is one");
    form.query_pairs_mut().append_key_only(text);
    form.query().unwrap_or_default().to_owned()
}

/// The host only: an address may hold a secret.
fn place(oauth2: &OAuth2) -> String {
    let url = Url::parse(oauth2.token_url.expose()).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "token_url".to_owned())
}
