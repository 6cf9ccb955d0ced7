//! How requests leave as `http_config` says: over which connection, with whose credentials and which headers. Files are
//! read with every request, so that a rotated certificate, password or token needs no restart.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_alerts::{HttpConfig, ProxyConfig, Receipt, TlsConfig, TlsVersion};
use reqwest::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Request, Response, Url};

use super::authenticate::{self, secret};
use super::redact::{Hidden, describe};
use super::tls::Pem;
use super::token::Tokens;
use super::{Unsendable, proxy};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an answer may point elsewhere.
const REDIRECTS_MAX: usize = 5;

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

/// What a connection is made with.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) tls: TlsConfig,
    pub(super) proxy: ProxyConfig,
    pub(super) follow_redirects: bool,
}

/// Connections, made anew when the files behind them say something else.
#[derive(Debug)]
pub(super) struct Pool {
    settings: Settings,
    opened: Mutex<Option<Opened>>,
}

#[derive(Clone, Debug)]
struct Opened {
    pem: Pem,
    /// Whose address is looked up in place of the name in the certificate.
    dialled: Option<String>,
    connection: reqwest::Client,
}

impl Pool {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, opened: Mutex::new(None) }
    }

    /// The connection for a request. Where the certificate has another name than the address, the request is made to
    /// that name: so it is also the one that the other side is asked for.
    pub(super) async fn connection(&self, request: &mut Request) -> Result<reqwest::Client, Unsendable> {
        let pem = Pem::read(&self.settings.tls).await?;
        let dialled = match &self.settings.tls.server_name {
            Some(name) if request.url().scheme() == "https" => Some(rename(request, name)?),
            Some(_) | None => None,
        };
        let opened = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened().as_ref().filter(|known| known.pem == pem && known.dialled == dialled) {
            return Ok(known.connection.clone());
        }
        let connection = self.build(&pem, dialled.as_deref())?;
        *opened() = Some(Opened { pem, dialled, connection: connection.clone() });
        Ok(connection)
    }

    fn build(&self, pem: &Pem, dialled: Option<&str>) -> Result<reqwest::Client, Unsendable> {
        let Settings { tls, proxy, follow_redirects } = &self.settings;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("Bellwether/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .redirect(if *follow_redirects { Policy::custom(follow) } else { Policy::none() })
            .tls_danger_accept_invalid_certs(tls.insecure_skip_verify);
        for proxy in proxy::proxies(proxy)? {
            builder = builder.proxy(proxy);
        }
        if let Some(certificates) = pem.certificates()? {
            builder = builder.tls_certs_only(certificates);
        }
        if let Some(identity) = pem.identity()? {
            builder = builder.identity(identity);
        }
        let version = |version| match version {
            TlsVersion::Tls12 => reqwest::tls::Version::TLS_1_2,
            TlsVersion::Tls13 => reqwest::tls::Version::TLS_1_3,
        };
        if let Some(min) = tls.min_version {
            builder = builder.tls_version_min(version(min));
        }
        if let Some(max) = tls.max_version {
            builder = builder.tls_version_max(version(max));
        }
        if let (Some(name), Some(host)) = (&tls.server_name, dialled) {
            builder = builder.dns_resolver(Arc::new(Instead { name: name.clone(), host: host.to_owned() }));
        }
        builder
            .build()
            .map_err(|error| Unsendable(format!("the HTTP client cannot be built: {}", error.without_url())))
    }
}

/// Puts the name in the certificate in the place of the host, and returns that.
fn rename(request: &mut Request, name: &str) -> Result<String, Unsendable> {
    let url = request.url();
    let written = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| written.to_owned(), |port| format!("{written}:{port}"));
    let host = written.trim_matches(['[', ']']).to_owned();
    let mut renamed: Url = url.clone();
    let unusable = || Unsendable(format!("server_name {name:?} is not the name of a host"));
    renamed.set_host(Some(name)).map_err(|_| unusable())?;
    *request.url_mut() = renamed;
    let value = HeaderValue::from_str(&authority).map_err(|_| unusable())?;
    request.headers_mut().insert(HOST, value);
    Ok(host)
}

/// Finds the configured host when the name in its certificate is asked for.
struct Instead {
    name: String,
    host: String,
}

impl reqwest::dns::Resolve for Instead {
    fn resolve(&self, asked: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let is_name = asked.as_str().eq_ignore_ascii_case(&self.name);
        let host = if is_name { self.host.clone() } else { asked.as_str().to_owned() };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let found: reqwest::dns::Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

/// Only 307 and 308 repeat the message at the new place. Any other redirect would turn it into a GET without a body,
/// and the new place's 200 would be taken for "heard".
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let repeats_body = matches!(attempt.status().as_u16(), 307 | 308);
    let downgrades = attempt.previous().last().is_some_and(|from| from.scheme() == "https")
        && attempt.url().scheme() != "https";
    match repeats_body && !downgrades && attempt.previous().len() <= REDIRECTS_MAX {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}
