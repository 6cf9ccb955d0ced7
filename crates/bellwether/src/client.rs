//! Speaking to a running server, for the commands that ask one.

use std::time::Duration;

use bellwether_web::url::encode;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;

/// How long a command waits for an answer before it says that there is none.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a server says that was started without `--enable-admin-api`, in Prometheus' words.
pub const ADMIN_DISABLED: &str = "admin APIs disabled";

/// A running server.
pub struct Client {
    base: String,
    http: reqwest::Client,
}

impl Client {
    /// For the server at an address such as `http://127.0.0.1:9999`.
    pub fn new(server: &str) -> Result<Self, Failure> {
        crate::install_tls();
        let base = server.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Failure::wrong(format!(
                "--server {server:?} is not a URL; write it like http://{server}"
            )));
        }
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| Failure::failed(format!("cannot set up HTTP: {error}")))?;
        Ok(Self { base, http })
    }

    /// Reads JSON.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.send(self.http.get(self.url(path, query))).await
    }

    /// Reads a JSON list: whatever else answers with 200 is not Bellwether, and no list is not an empty one.
    pub async fn get_list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        match self.get(path, &[]).await? {
            Value::Array(list) => Ok(list),
            _ => Err(self.stranger(path)),
        }
    }

    /// Reads what this program's own API answers; anything else that answers is not Bellwether.
    pub async fn read<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Failure> {
        let value = self.get(path, query).await?;
        serde_json::from_value(value).map_err(|_| self.stranger(path))
    }

    /// Something answers at the address, but not as Bellwether does.
    pub fn stranger(&self, path: &str) -> Failure {
        Failure::failed(format!(
            "{} answers {path}, but not as Bellwether does; is another program listening there?",
            self.base
        ))
    }

    /// Sends JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(self.http.request(Method::POST, self.url(path, &[])).json(body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.send(self.http.delete(self.url(path, &[]))).await
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", encode(value, ""))).collect();
        let question = if pairs.is_empty() { "" } else { "?" };
        format!("{}{path}{question}{}", self.base, pairs.join("&"))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() {
            return Ok(body);
        }
        let sentence = match &body {
            Value::String(sentence) => sentence.trim().to_owned(),
            _ => body["error"].as_str().or(body["message"].as_str()).unwrap_or("no reason given").to_owned(),
        };
        if sentence == ADMIN_DISABLED {
            return Err(Failure::failed(format!(
                "{} allows no such thing ({sentence}); start it with --enable-admin-api, and try again",
                self.base
            )));
        }
        let ours = matches!(
            status,
            StatusCode::BAD_REQUEST
                | StatusCode::NOT_FOUND
                | StatusCode::CONFLICT
                | StatusCode::UNPROCESSABLE_ENTITY
        );
        Err(if ours {
            Failure::wrong(sentence)
        } else {
            Failure::failed(format!("{} answered {status}: {sentence}", self.base))
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let why = if error.is_connect() {
            "nothing listens there"
        } else if error.is_timeout() {
            "it did not answer in time"
        } else {
            "the answer broke off"
        };
        Failure::failed(format!(
            "cannot reach {}: {why}; start it with `bellwether serve`, or name another with --server",
            self.base
        ))
    }
}
