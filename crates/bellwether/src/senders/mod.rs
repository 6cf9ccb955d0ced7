//! What goes out to people: one request per part of a message, and an honest receipt of what became of it.
//!
//! Each kind of integration is one small file: it turns settings and a part into a [`request::Request`], hands that to
//! the [`line::Line`], and says what the [`answer::Answer`] means. All that kinds share is done once, there: connections,
//! time limits, credentials, keys by which a repeated message is recognised, how much of an answer is read, and that no
//! secret appears in what is shown, also not when the receiver repeats it.
//!
//! Nothing is decided here: whether and when to try again is the core's business.

mod address;
mod alertmanager;
mod answer;
mod discord;
mod incidentio;
mod jira;
mod line;
mod mail;
mod mail_connection;
mod mail_error;
mod mail_message;
mod mattermost;
mod msteams;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod pushover;
mod request;
mod retry_after;
mod rocketchat;
mod sigv4;
mod slack;
mod sns;
mod telegram;
mod victorops;
mod webex;
mod webhook;
mod wechat;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bellwether_alerts::{
    Delivery, HttpConfig, IntegrationId, Outcome, Part, Receipt, Settings, Setup, Thread,
};

use answer::Reply;
use line::Line;

use crate::http::Unsendable;
use crate::http::client::Client;

pub use alertmanager::Cluster;
pub use retry_after::parse_retry_after;

/// Sends deliveries. Shared by all tasks; one connection pool per integration.
#[derive(Debug)]
pub struct Senders {
    current: RwLock<Arc<Current>>,
    /// Alertmanagers that are handed every alert.
    pub cluster: Cluster,
}

#[derive(Debug)]
struct Current {
    setup: Setup,
    clients: Mutex<BTreeMap<IntegrationId, Arc<Client>>>,
    wechat_tokens: wechat::Tokens,
}

impl Senders {
    /// Senders for the receivers of a configuration.
    pub fn new(setup: Setup) -> Self {
        Self { current: RwLock::new(Arc::new(Current::new(setup))), cluster: Cluster::default() }
    }

    /// Goes on with another configuration; requests under way end with the old one.
    pub fn reconfigure(&self, setup: Setup) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Current::new(setup));
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
        for (place, part) in delivery.message.parts.iter().enumerate().skip(delivery.parts_accepted) {
            let Reply { receipt, thread } = current.send(&delivery, place, part, &outcome.thread).await;
            outcome.thread.extend(thread);
            let (is_taken, was_in_part) =
                (receipt.is_taken(), matches!(outcome.receipt, Receipt::AcceptedInPart { .. }));
            // Whom an earlier part did not reach is not forgotten when the rest is taken.
            if !(is_taken && was_in_part) {
                outcome.receipt = receipt;
            }
            if !is_taken {
                break;
            }
            outcome.parts_accepted += 1;
        }
        outcome
    }
}

impl Current {
    fn new(setup: Setup) -> Self {
        Self { setup, clients: Mutex::new(BTreeMap::new()), wechat_tokens: wechat::Tokens::default() }
    }

    /// Sends one part in the way of its kind. A kind that is not told over HTTP does without the line.
    async fn send(&self, delivery: &Delivery, place: usize, part: &Part, thread: &Thread) -> Reply {
        let id = &delivery.integration;
        let Some(integration) = self.setup.config.integration(id) else {
            return Unsendable(format!("{id} is not configured any more")).into();
        };
        let line = Line { current: self, delivery, place, thread };
        let reply = match &integration.settings {
            Settings::Discord(config) => discord::send(config, part, &line).await,
            Settings::Email(config) => mail::send(config, part, &line).await,
            Settings::Incidentio(config) => incidentio::send(config, part, &line).await,
            Settings::Jira(config) => jira::send(config, part, &line).await,
            Settings::Mattermost(config) => mattermost::send(config, part, &line).await,
            Settings::Msteams(config) => msteams::send(&config.address, &config.http, part, &line).await,
            Settings::Msteamsv2(config) => msteams::send(&config.address, &config.http, part, &line).await,
            Settings::Ntfy(config) => ntfy::send(config, part, &line).await,
            Settings::Opsgenie(config) => opsgenie::send(config, part, &line).await,
            Settings::Pagerduty(config) => pagerduty::send(config, part, &line).await,
            Settings::Pushover(config) => pushover::send(config, part, &line).await,
            Settings::Rocketchat(config) => rocketchat::send(config, part, &line).await,
            Settings::Slack(config) => slack::send(config, part, &line).await,
            Settings::Sns(config) => sns::send(config, part, &line).await,
            Settings::Telegram(config) => telegram::send(config, part, &line).await,
            Settings::Victorops(config) => victorops::send(config, part, &line).await,
            Settings::Webex(config) => webex::send(config, part, &line).await,
            Settings::Webhook(config) => webhook::send(config, part, &line).await,
            Settings::Wechat(config) => wechat::send(config, part, &line).await,
        };
        reply.unwrap_or_else(|not_sent| not_sent)
    }

    fn client(&self, id: &IntegrationId, http: &HttpConfig) -> Arc<Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(id.clone()).or_insert_with(|| Arc::new(Client::new(http.clone())));
        Arc::clone(client)
    }
}
