//! What goes out to people: one HTTP request per delivery, and an honest receipt of what became of it.
//!
//! Nothing is decided here: whether and when to try again is the core's business. An address is a secret; it appears
//! in no receipt, also not when the receiver repeats it in its answer.

mod address;
mod alertmanager;
mod client;
mod reply;
mod retry_after;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bellwether_alerts::{
    Auth, Config, Delivery, HttpConfig, IntegrationId, IntegrationKind, IntegrationRef, Receipt, SecretSource,
};
use bellwether_model::TimeDelta;

pub use alertmanager::Cluster;
pub use retry_after::parse_retry_after;

/// How long a receiver may take when its settings do not say.
const TIMEOUT_DEFAULT: TimeDelta = TimeDelta(10_000);

/// Sends deliveries. Shared by all tasks; one connection pool per integration.
#[derive(Debug)]
pub struct Senders {
    current: RwLock<Arc<Current>>,
    /// Alertmanagers that are handed every alert.
    pub cluster: Cluster,
}

#[derive(Debug)]
struct Current {
    config: Arc<Config>,
    clients: Mutex<BTreeMap<IntegrationId, reqwest::Client>>,
}

/// Why a request could not be made, in words without secrets.
#[derive(Debug)]
struct Unsendable(String);

impl Senders {
    /// Senders for the receivers of a configuration.
    pub fn new(config: Arc<Config>) -> Self {
        Self { current: RwLock::new(Arc::new(Current::new(config))), cluster: Cluster::default() }
    }

    /// Goes on with another configuration; requests under way end with the old one.
    pub fn reconfigure(&self, config: Arc<Config>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Current::new(config));
    }

    /// Makes one attempt. Always answers: within the receiver's timeout, and whatever goes wrong.
    pub async fn send(&self, delivery: Delivery) -> Receipt {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        match current.request(&delivery).await {
            Ok((request, address)) => current.exchange(request, delivery.integration.kind, &address).await,
            Err(Unsendable(reason)) => Receipt::Unsendable { reason },
        }
    }
}

impl Current {
    fn new(config: Arc<Config>) -> Self {
        Self { config, clients: Mutex::new(BTreeMap::new()) }
    }

    async fn request(&self, delivery: &Delivery) -> Result<(reqwest::RequestBuilder, String), Unsendable> {
        let id = &delivery.integration;
        let integration = self.config.integration(id);
        let integration =
            integration.ok_or_else(|| Unsendable(format!("{id} is not configured any more")))?;
        let (address, http, timeout) = match integration {
            IntegrationRef::Slack(config) => (&config.address, &config.http, config.timeout),
            IntegrationRef::Webhook(config) => (&config.address, &config.http, config.timeout),
        };
        let address = address::resolve(address).await?;
        let client = self.client(id, http).await?;
        let mut request = client
            .post(&address)
            .timeout(timeout.unwrap_or(TIMEOUT_DEFAULT).to_std())
            .header("content-type", "application/json")
            .header("idempotency-key", &delivery.key.0)
            .header("x-bellwether-delivery", format!("{}-{}", delivery.key, delivery.attempt))
            .body(delivery.message.body.clone());
        request = authenticate(request, http).await?;
        for (name, values) in &http.headers {
            for value in values {
                request = request.header(name, value.expose());
            }
        }
        Ok((request, address))
    }

    async fn client(&self, id: &IntegrationId, http: &HttpConfig) -> Result<reqwest::Client, Unsendable> {
        let clients = || self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients().get(id) {
            return Ok(client.clone());
        }
        let client = client::build(http).await?;
        clients().insert(id.clone(), client.clone());
        Ok(client)
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        kind: IntegrationKind,
        address: &str,
    ) -> Receipt {
        match request.send().await {
            Ok(response) => reply::receipt(response, kind, address).await,
            // A request that cannot even be built never left: a header with a line break, for instance.
            Err(error) if error.is_builder() => {
                Receipt::Unsendable { reason: reply::describe(error, address) }
            }
            Err(error) => Receipt::Unreachable { reason: reply::describe(error, address) },
        }
    }
}

async fn authenticate(
    request: reqwest::RequestBuilder,
    http: &HttpConfig,
) -> Result<reqwest::RequestBuilder, Unsendable> {
    match &http.auth {
        None => Ok(request),
        Some(Auth::Basic { username, password }) => Ok(request.basic_auth(username, secret(password).await?)),
        Some(Auth::Authorization { scheme, credentials }) => {
            let credentials = secret(credentials).await?.unwrap_or_default();
            Ok(request.header("authorization", format!("{scheme} {credentials}").trim()))
        }
    }
}

async fn secret(source: &Option<SecretSource>) -> Result<Option<String>, Unsendable> {
    match source {
        None => Ok(None),
        Some(SecretSource::Inline(secret)) => Ok(Some(secret.expose().to_owned())),
        Some(SecretSource::File(path)) => address::read_secret_file(path).await.map(Some),
    }
}
