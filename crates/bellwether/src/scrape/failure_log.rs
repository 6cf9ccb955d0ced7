//! `scrape_failure_log_file`: one line of JSON for every scrape without an answer. The file is opened for each line, so
//! that it may be moved away at any time.

use bellwether_model::Timestamp;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tracing::warn;

/// A scrape without an answer.
pub(super) struct Failure<'a> {
    pub(super) job: &'a str,
    pub(super) target: &'a str,
    pub(super) why: String,
}

/// Adds a line. A file that cannot be written keeps nobody from scraping.
pub(super) async fn write(path: &str, failure: &Failure<'_>, at: Timestamp) {
    let line = json!({
        "time": at.to_string(), "level": "ERROR", "msg": failure.why,
        "job_name": failure.job, "target": failure.target,
    });
    let written = async {
        let mut file = tokio::fs::OpenOptions::new().append(true).create(true).open(path).await?;
        // One write, so that lines of scrapes at the same time do not mix.
        file.write_all(format!("{line}\n").as_bytes()).await?;
        file.flush().await
    };
    if let Err(error) = written.await {
        warn!(path, %error, "scrape_failure_log_file cannot be written");
    }
}
