//! How requests leave as `http_config` says: over which connection, with whose credentials and which headers. Files are
//! read with every request, so that a rotated certificate, password or token needs no restart.

use bellwether_alerts::{HttpConfig, Receipt};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Request, Response};

use super::Unsendable;
use super::authenticate::{self, secret};
use super::pool::{Pool, Settings};
use super::redact::{Hidden, describe};
use super::token::Tokens;

/// Connections with one set of settings.
#[derive(Debug)]
pub(super) struct Client {
    http: HttpConfig,
    pool: Pool,
    tokens: Option<Tokens>,
}

impl Client {
    /// Nothing is opened and no file is read before the first request.
    pub(super) fn new(http: HttpConfig) -> Self {
        let pool = Pool::new(Settings {
            tls: http.tls.clone(),
            proxy: http.proxy.clone(),
            follow_redirects: http.follow_redirects,
        });
        let tokens = http.oauth2.as_deref().map(|oauth2| Tokens::new(oauth2.clone()));
        Self { http, pool, tokens }
    }

    /// Makes one request. What it carries that must not be shown is added to `hidden`. The error says why there is no
    /// answer.
    pub(super) async fn send(&self, mut request: Request, hidden: &mut Hidden) -> Result<Response, Receipt> {
        let unsendable = |Unsendable(reason)| Receipt::Unsendable { reason };
        self.add_headers(&mut request, hidden).await.map_err(unsendable)?;
        let again = self.tokens.as_ref().zip(request.try_clone());
        let response = self.exchange(request, hidden).await?;
        match again {
            // The token was withdrawn before its time; with another the message may be taken.
            Some((tokens, mut request)) if response.status() == 401 => {
                tokens.forget().await;
                let credentials = self.credentials(hidden).await.map_err(unsendable)?;
                if let Some(value) = credentials.as_deref().and_then(sensitive) {
                    request.headers_mut().insert(AUTHORIZATION, value);
                }
                self.exchange(request, hidden).await
            }
            Some(_) | None => Ok(response),
        }
    }

    async fn exchange(&self, mut request: Request, hidden: &Hidden) -> Result<Response, Receipt> {
        let connection = self.pool.connection(&mut request).await;
        let connection = connection.map_err(|Unsendable(reason)| Receipt::Unsendable { reason })?;
        connection.execute(request).await.map_err(|error| match error.is_builder() {
            // A request that cannot even be built never left.
            true => Receipt::Unsendable { reason: describe(error, hidden) },
            false => Receipt::Unreachable { reason: describe(error, hidden) },
        })
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
