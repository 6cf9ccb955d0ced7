//! How requests leave as `http_config` says: over which connection, with whose credentials and which headers. Files are
//! read with every request, so that a rotated certificate, password or token needs no restart.

use bellwether_alerts::HttpConfig;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Request, Response};

use super::Unsendable;
use super::authenticate::{self, secret};
use super::pool::{Pool, Redirects, Settings};
use super::redact::Hidden;
use super::token::Tokens;

/// Why there is no answer to a request.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// It never left.
    Unsendable(Unsendable),
    /// The connection, or the other side. The error knows the address, which may be a secret.
    Broken(reqwest::Error),
}

impl From<Unsendable> for NoAnswer {
    fn from(why: Unsendable) -> Self {
        Self::Unsendable(why)
    }
}

/// Connections with one set of settings.
#[derive(Debug)]
pub(crate) struct Client {
    http: HttpConfig,
    pool: Pool,
    tokens: Option<Tokens>,
}

impl Client {
    /// For messages. Nothing is opened and no file is read before the first request.
    pub(crate) fn new(http: HttpConfig) -> Self {
        let redirects = if http.follow_redirects { Redirects::OfWholeMessages } else { Redirects::None };
        Self::with_redirects(http, redirects)
    }

    /// For what is only read.
    pub(crate) fn for_reading(http: HttpConfig) -> Self {
        let redirects = if http.follow_redirects { Redirects::OfReading } else { Redirects::None };
        Self::with_redirects(http, redirects)
    }

    fn with_redirects(http: HttpConfig, redirects: Redirects) -> Self {
        let pool = Pool::new(Settings { tls: http.tls.clone(), proxy: http.proxy.clone(), redirects });
        let tokens = http.oauth2.as_deref().map(|oauth2| Tokens::new(oauth2.clone()));
        Self { http, pool, tokens }
    }

    /// Makes one request. What it carries that must not be shown is added to `hidden`.
    pub(crate) async fn send(&self, mut request: Request, hidden: &mut Hidden) -> Result<Response, NoAnswer> {
        self.add_headers(&mut request, hidden).await?;
        let again = self.tokens.as_ref().zip(request.try_clone());
        let response = self.exchange(request).await?;
        match again {
            // The token was withdrawn before its time; with another the message may be taken.
            Some((tokens, mut request)) if response.status() == 401 => {
                tokens.forget().await;
                let credentials = self.credentials(hidden).await?;
                if let Some(value) = credentials.as_deref().and_then(sensitive) {
                    request.headers_mut().insert(AUTHORIZATION, value);
                }
                self.exchange(request).await
            }
            Some(_) | None => Ok(response),
        }
    }

    async fn exchange(&self, mut request: Request) -> Result<Response, NoAnswer> {
        let connection = self.pool.connection(&mut request).await?;
        connection.execute(request).await.map_err(NoAnswer::Broken)
    }

    async fn add_headers(&self, request: &mut Request, hidden: &mut Hidden) -> Result<(), Unsendable> {
        for (name, sources) in &self.http.headers {
            let unusable = || Unsendable(format!("the header {name} cannot be sent as it is configured"));
            let header = HeaderName::try_from(name).map_err(|_| unusable())?;
            for source in sources {
                let text = secret(source).await?;
                hidden.add(&text);
                let value = sensitive(&text).ok_or_else(unusable)?;
                request.headers_mut().append(&header, value);
            }
        }
        // A kind that says itself who it is has said it.
        if request.headers().contains_key(AUTHORIZATION) {
            return Ok(());
        }
        if let Some(credentials) = self.credentials(hidden).await? {
            let unusable = || Unsendable("the credentials cannot be sent in a header".to_owned());
            request.headers_mut().insert(AUTHORIZATION, sensitive(&credentials).ok_or_else(unusable)?);
        }
        Ok(())
    }

    async fn credentials(&self, hidden: &mut Hidden) -> Result<Option<String>, Unsendable> {
        if let Some(tokens) = &self.tokens {
            let token = tokens.current().await?;
            hidden.add(&token.secret);
            return Ok(Some(token.header()));
        }
        authenticate::credentials(self.http.auth.as_ref(), hidden).await
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
