//! Connections over HTTP: encryption, proxies and redirects. A connection is made anew when a file behind it says
//! something else, so that a rotated certificate needs no restart.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_alerts::{ProxyConfig, TlsConfig, TlsVersion};
use reqwest::header::{HOST, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Request, Url};

use super::tls::Pem;
use super::{Unsendable, proxy};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an answer to a message may point elsewhere.
const REDIRECTS_MAX: usize = 5;
/// The same for what is only read; Go's limit.
const READING_REDIRECTS_MAX: usize = 10;
/// Idle connections to one host that are kept, and for how long: a few intervals of scraping.
const IDLE_MAX: usize = 2;
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// Names of hosts with connections of their own, where certificates have another name than the address.
const NAMES_MAX: usize = 1024;

/// Which answers that point elsewhere are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// None.
    None,
    /// Those that repeat the whole message.
    OfWholeMessages,
    /// All: a question without a body is the same at the new place.
    OfReading,
}

/// What a connection is made with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) tls: TlsConfig,
    pub(crate) proxy: ProxyConfig,
    pub(crate) redirects: Redirects,
}

/// Connections, made anew when the files behind them say something else.
#[derive(Debug)]
pub(crate) struct Pool {
    settings: Settings,
    /// By whose address is looked up in place of the name in the certificate.
    opened: Mutex<BTreeMap<Option<String>, Opened>>,
}

#[derive(Clone, Debug)]
struct Opened {
    pem: Pem,
    connection: reqwest::Client,
}

impl Pool {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, opened: Mutex::default() }
    }

    /// The connection for a request. Where the certificate has another name than the address, the request is made to
    /// that name: so it is also the one that the other side is asked for.
    pub(crate) async fn connection(&self, request: &mut Request) -> Result<reqwest::Client, Unsendable> {
        let pem = Pem::read(&self.settings.tls).await?;
        let dialled = match &self.settings.tls.server_name {
            Some(name) if request.url().scheme() == "https" => Some(rename(request, name)?),
            Some(_) | None => None,
        };
        let opened = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened().get(&dialled).filter(|known| known.pem == pem) {
            return Ok(known.connection.clone());
        }
        let connection = self.build(&pem, dialled.as_deref())?;
        let mut opened = opened();
        if opened.len() >= NAMES_MAX {
            opened.clear();
        }
        opened.insert(dialled, Opened { pem, connection: connection.clone() });
        Ok(connection)
    }

    fn build(&self, pem: &Pem, dialled: Option<&str>) -> Result<reqwest::Client, Unsendable> {
        let Settings { tls, proxy, redirects } = &self.settings;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("Bellwether/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .no_proxy()
            .redirect(match redirects {
                Redirects::None => Policy::none(),
                Redirects::OfWholeMessages => Policy::custom(follow),
                Redirects::OfReading => Policy::limited(READING_REDIRECTS_MAX),
            })
            .tls_danger_accept_invalid_certs(tls.insecure_skip_verify);
        // Whoever reads has a timeout of their own choosing, and a slow connection is part of it.
        if *redirects != Redirects::OfReading {
            builder = builder.connect_timeout(CONNECT_TIMEOUT);
        }
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
