//! PagerDuty: an event with its key. Version 1 says with 403 that there were too many events, which passes.

use bellwether_alerts::{PagerdutyConfig, PagerdutyKey, Part};

use super::answer::Reply;
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &PagerdutyConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let (field, key) = match &config.key {
        PagerdutyKey::Routing(key) => ("routing_key", key),
        PagerdutyKey::Service(key) => ("service_key", key),
    };
    let key = line.secret(field, key).await?;
    let request = Request::post(&config.url).json_with_secrets(&part.content, &[(field, &key)])?;
    let answer = line.ask(&config.http, config.timeout, request).await?;
    Ok(match (&config.key, answer.status) {
        (PagerdutyKey::Service(_), 403) => answer.refused_as(429, &answer.body, None),
        (PagerdutyKey::Service(_) | PagerdutyKey::Routing(_), _) => answer.by_status(),
    })
}
