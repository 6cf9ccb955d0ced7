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
    Address, Auth, Config, Content, Delivery, HttpConfig, IntegrationId, IntegrationKind, Outcome, Part,
    Receipt, SecretSource, Settings,
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

    /// Makes one attempt: the parts that were not taken yet, in order, up to the first that is not taken now. Always
    /// answers: within the receiver's timeout, and whatever goes wrong.
    pub async fn send(&self, delivery: Delivery) -> Outcome {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut outcome = Outcome {
            receipt: Receipt::Unsendable { reason: "the message is empty".to_owned() },
            parts_accepted: delivery.parts_accepted,
            thread: delivery.thread.clone(),
        };
        for part in delivery.message.parts.iter().skip(delivery.parts_accepted) {
            outcome.receipt = current.send(&delivery, part).await;
            if !matches!(outcome.receipt, Receipt::Accepted { .. }) {
                break;
            }
            outcome.parts_accepted += 1;
        }
        outcome
    }
}

impl Current {
    fn new(config: Arc<Config>) -> Self {
        Self { config, clients: Mutex::new(BTreeMap::new()) }
    }

    async fn send(&self, delivery: &Delivery, part: &Part) -> Receipt {
        match self.request(delivery, part).await {
            Ok((request, address)) => self.exchange(request, delivery.integration.kind, &address).await,
            Err(Unsendable(reason)) => Receipt::Unsendable { reason },
        }
    }

    async fn request(
        &self,
        delivery: &Delivery,
        part: &Part,
    ) -> Result<(reqwest::RequestBuilder, String), Unsendable> {
        let id = &delivery.integration;
        let integration = self.config.integration(id);
        let integration =
            integration.ok_or_else(|| Unsendable(format!("{id} is not configured any more")))?;
        let Target { address, http, timeout } = target(&integration.settings);
        let address = address::resolve(address).await?;
        let client = self.client(id, http).await?;
        let mut request = client
            .post(&address)
            .timeout(timeout.unwrap_or(TIMEOUT_DEFAULT).to_std())
            .header("idempotency-key", &delivery.key.0)
            .header("x-bellwether-delivery", format!("{}-{}", delivery.key, delivery.attempt));
        request = match &part.content {
            Content::Json(body) => request.header("content-type", "application/json").body(body.clone()),
            Content::Text { .. } | Content::Form(_) | Content::Mail(_) => {
                return Err(Unsendable(format!("{id} takes JSON only")));
            }
        };
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

/// Where an integration is reached, and how.
struct Target<'a> {
    address: &'a Address,
    http: &'a HttpConfig,
    timeout: Option<TimeDelta>,
}

fn target(settings: &Settings) -> Target<'_> {
    match settings {
        Settings::Slack(c) => Target { address: &c.address, http: &c.http, timeout: c.timeout },
        Settings::Webhook(c) => Target { address: &c.address, http: &c.http, timeout: c.timeout },
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
