//! `lint --online URL`: asks a server with Prometheus' API which metrics it has, of which type they are, and how many series
//! selectors find. Bounded: a server that is slow or wordy costs a minute at most.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bellwether_lint::{Catalogue, Setup};
use bellwether_web::url::encode;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::warn;

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long asking about selectors may take.
const ASKING_MAX: Duration = Duration::from_secs(45);
/// A longer answer is not read.
const BYTES_MAX: usize = 64 << 20;

/// What the server knows, as far as the setup asks for it.
pub(super) async fn ask(url: &str, setup: &Setup) -> Result<Catalogue, Failure> {
    let server = Server::at(url)?;
    let names = server.get("/api/v1/label/__name__/values", &[]).await?;
    let names = names.as_array().ok_or_else(|| server.failed("it does not answer as Prometheus does"))?;
    let mut metrics: BTreeMap<String, Option<String>> =
        names.iter().filter_map(|name| Some((name.as_str()?.to_owned(), None))).collect();
    // Types are worth having, and not every store that answers queries has them.
    if let Ok(metadata) = server.get("/api/v1/metadata", &[]).await {
        add_types(&mut metrics, &metadata);
    }
    let series = server.count(&setup.online_questions(&metrics)).await;
    Ok(Catalogue { metrics, series })
}

/// The type of each metric that all targets agree on; with OpenMetrics the name of a counter has no `_total` here.
fn add_types(metrics: &mut BTreeMap<String, Option<String>>, metadata: &Value) {
    for (name, known) in metrics.iter_mut() {
        let stem = name.strip_suffix("_total").unwrap_or(name);
        let said = [name.as_str(), stem].into_iter().find_map(|name| metadata[name].as_array());
        let mut types = said.into_iter().flatten().filter_map(|one| one["type"].as_str());
        let first = types.next();
        *known = first.filter(|first| types.all(|other| other == *first)).map(str::to_owned);
    }
}

struct Server {
    base: String,
    http: reqwest::Client,
}

impl Server {
    fn at(url: &str) -> Result<Self, Failure> {
        crate::install_tls();
        let base = url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Failure::wrong(format!("--online {url:?} is not a URL; write it like http://{url}")));
        }
        let http = reqwest::Client::builder()
            .timeout(ANSWER_MAX)
            .build()
            .map_err(|error| Failure::failed(format!("cannot set up HTTP: {error}")))?;
        Ok(Self { base, http })
    }

    /// A login in the address is for the server alone.
    fn failed(&self, why: &str) -> Failure {
        let shown = self.base.rsplit_once('@').map_or(self.base.as_str(), |(_, host)| host);
        Failure::wrong(format!("cannot ask {shown}: {why}"))
    }

    /// The `data` of an answer.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", encode(value, ""))).collect();
        let url = format!("{}{path}?{}", self.base, pairs.join("&"));
        let unreachable = |error: reqwest::Error| {
            self.failed(match (error.is_connect(), error.is_timeout()) {
                (true, _) => "nothing listens there",
                (false, true) => "it does not answer in time",
                (false, false) => "the answer broke off",
            })
        };
        let mut response = self.http.get(url).send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            if body.len() + piece.len() > BYTES_MAX {
                return Err(self.failed("the answer is too long"));
            }
            body.extend_from_slice(&piece);
        }
        if !status.is_success() {
            return Err(self.failed(&format!("it answers {path} with {status}")));
        }
        let mut answer: Value = serde_json::from_slice(&body)
            .map_err(|_| self.failed("it does not answer as Prometheus does"))?;
        Ok(answer["data"].take())
    }

    /// How many series each selector finds; those that could not be asked about are missing.
    async fn count(&self, selectors: &[String]) -> BTreeMap<String, u64> {
        let begun = Instant::now();
        let mut found = BTreeMap::new();
        for (number, selector) in selectors.iter().enumerate() {
            if begun.elapsed() > ASKING_MAX {
                warn(&format!("asked about {number} of {} selectors; the server is slow", selectors.len()));
                break;
            }
            let query = format!("count({selector})");
            if let Ok(data) = self.get("/api/v1/query", &[("query", &query)]).await
                && let Some(result) = data["result"].as_array()
            {
                let count = result.first().and_then(|one| one["value"][1].as_str()?.parse::<f64>().ok());
                found.insert(selector.clone(), count.unwrap_or(0.0) as u64);
            }
        }
        found
    }
}
