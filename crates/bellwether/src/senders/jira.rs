//! Jira: the issue of a group is looked for, then created or changed, then moved on where that is wished.
//!
//! Every step may be done twice: an issue that was created while the answer was lost is found by its label the next
//! time, and what it says is replaced by the same.

use bellwether_alerts::{Content, JiraApiType, JiraConfig, Part};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Reply};
use super::line::Line;
use super::request::Request;
use crate::http::Unsendable;

pub(super) async fn send(config: &JiraConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let Content::Json(text) = &part.content else {
        return Err(Unsendable("the recorded message is no plan for an issue".to_owned()).into());
    };
    let plan: Value = serde_json::from_str(text).unwrap_or_default();
    let jira = Jira { config, line };
    let is_firing = plan["is_firing"] == true;
    let found = jira.search(plan["jql"].as_str().unwrap_or_default()).await?;
    let issues = found.json();
    let Some(issue) = issues["issues"].get(0) else {
        return match is_firing {
            true => {
                Ok(jira.ask(Method::POST, "issue", Some(json!({"fields": plan["fields"]}))).await?.accepted())
            }
            // What is over and has no issue needs none.
            false => Ok(found.accepted()),
        };
    };
    let key = issue["key"].as_str().unwrap_or_default();
    let changed =
        jira.ask(Method::PUT, &format!("issue/{key}"), Some(changes(config, &plan["fields"]))).await?;
    if !plan["comment"].is_null() {
        let body = json!({"body": plan["comment"]});
        jira.ask(Method::POST, &format!("issue/{key}/comment"), Some(body)).await?;
    }
    let is_done = issue["fields"]["status"]["statusCategory"]["key"] == "done";
    let transition = match (is_firing, is_done) {
        (true, true) => &config.reopen_transition,
        (false, false) => &config.resolve_transition,
        (true, false) | (false, true) => return Ok(changed.accepted()),
    };
    match transition.is_empty() {
        true => Ok(changed.accepted()),
        false => jira.move_on(key, transition).await,
    }
}

/// What an issue that is already there gets.
fn changes(config: &JiraConfig, fields: &Value) -> Value {
    let mut fields: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
    for (name, field) in [("summary", &config.summary), ("description", &config.description)] {
        if !field.enable_update {
            fields.remove(name);
        }
    }
    json!({"fields": fields})
}

struct Jira<'a> {
    config: &'a JiraConfig,
    line: &'a Line<'a>,
}

impl Jira<'_> {
    /// Atlassian has moved the search; one's own Jira still has it where it was.
    /// https://developer.atlassian.com/changelog/#CHANGE-2046
    async fn search(&self, jql: &str) -> Result<Answer, Reply> {
        let is_cloud = match self.config.api_type {
            JiraApiType::Cloud => true,
            JiraApiType::Datacenter => false,
            JiraApiType::Auto => reqwest::Url::parse(&self.config.api_url)
                .is_ok_and(|url| url.host_str().is_some_and(|host| host.ends_with("atlassian.net"))),
        };
        let body = json!({"jql": jql, "maxResults": 2, "fields": ["status"]});
        let address = match is_cloud {
            true => format!("{}search/jql", self.config.api_url.replacen("/rest/api/2/", "/rest/api/3/", 1)),
            false => format!("{}search", self.config.api_url),
        };
        let answer = self.ask_at(Method::POST, address, Some(body)).await?;
        match answer.json()["issues"].is_array() {
            true => Ok(answer),
            // A page of some proxy, for instance; to take it for "none found" would create an issue again and again.
            false => Err(answer.refused_as(502, "the search answers without a list of issues", None)),
        }
    }

    async fn move_on(&self, key: &str, name: &str) -> Result<Reply, Reply> {
        let path = format!("issue/{key}/transitions");
        let answer = self.ask(Method::GET, &path, None).await?;
        let json = answer.json();
        let known = json["transitions"].as_array().cloned().unwrap_or_default();
        let Some(transition) = known.iter().find(|transition| transition["name"] == name) else {
            let names: Vec<_> = known.iter().filter_map(|transition| transition["name"].as_str()).collect();
            let why = format!("{key} has no transition {name:?} from where it is; it has {names:?}");
            return Err(answer.refused_as(404, &why, None));
        };
        let body = json!({"transition": {"id": transition["id"]}});
        Ok(self.ask(Method::POST, &path, Some(body)).await?.accepted())
    }

    /// The answer, if it is a good one.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer, Reply> {
        self.ask_at(method, format!("{}{path}", self.config.api_url), body).await
    }

    async fn ask_at(&self, method: Method, address: String, body: Option<Value>) -> Result<Answer, Reply> {
        let mut request = Request::new(method, address).header("accept-language", "en");
        if let Some(body) = body {
            request = request.body("application/json", body.to_string());
        }
        let answer = self.line.ask(&self.config.http, None, request).await?.whole()?;
        match answer.is_success() {
            true => Ok(answer),
            false => Err(answer.refused()),
        }
    }
}
