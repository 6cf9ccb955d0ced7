//! Jira: an issue per group, found again by a label, kept current, closed and opened again.
//!
//! What is recorded is a plan: how the issue is found, and what it shall say. Whether it is created or changed is known
//! only once it has been looked for, which is the sender's business.

use std::collections::BTreeMap;

use bellwether_diag::yaml::{Node, Value as Yaml};
use bellwether_diag::{Cx, MapReader, Spanned};
use bellwether_model::TimeDelta;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limit::cut_chars_with_link;
use super::needs::missing;
use super::{Base, Kind, Part, Said, cut_chars, plain_text, text, tree};
use crate::connection::checked_url;
use crate::{HttpConfig, Status};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["comment", "issue_type", "priority", "project"];
/// Fields all of whose texts are templates.
pub(super) const TREES: &[&str] = &["description", "fields", "labels", "summary"];

const SUMMARY_CHARS_MAX: usize = 255;
const TEXT_CHARS_MAX: usize = 32_767;

/// Jira. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct JiraConfig {
    pub api_url: String,
    pub api_type: JiraApiType,
    pub http: HttpConfig,
    pub project: String,
    pub issue_type: String,
    pub summary: JiraField,
    pub description: JiraField,
    /// What is written below an issue that is already there; ours, empty writes nothing.
    pub comment: String,
    pub labels: Vec<String>,
    pub priority: String,
    pub reopen_transition: String,
    pub resolve_transition: String,
    pub wont_fix_resolution: String,
    pub reopen_duration: TimeDelta,
    pub fields: BTreeMap<String, Value>,
}

/// Whose interface it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JiraApiType {
    /// Told by the address.
    Auto,
    /// Atlassian's own.
    Cloud,
    /// One's own.
    Datacenter,
}

/// A text of an issue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JiraField {
    /// The text; a template.
    pub template: String,
    /// Whether an issue that is already there gets it too.
    pub enable_update: bool,
}

impl Kind for JiraConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let expand = |text: &str| said.expand(text);
        let mut fields = Map::new();
        for (name, value) in &self.fields {
            fields.insert(name.clone(), tree::render(value, &expand)?);
        }
        let project = expand(&self.project)?;
        fields.insert("project".into(), json!({"key": project}));
        fields.insert("issuetype".into(), json!({"name": expand(&self.issue_type)?}));
        fields.insert("summary".into(), json!(summary(&expand(&self.summary.template)?)));
        if let Some(description) = self.text(&said.noticed(expand(&self.description.template)?), said)? {
            fields.insert("description".into(), description);
        }
        let priority = expand(&self.priority)?;
        if !priority.is_empty() {
            fields.insert("priority".into(), json!({"name": priority}));
        }
        let labels: Result<Vec<String>, String> = self.labels.iter().map(|label| expand(label)).collect();
        let comment = match self.comment.is_empty() {
            true => None,
            false => self.text(&expand(&self.comment)?, said)?,
        };
        Ok(vec![self.plan(said, &project, fields, labels?, comment)])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let text = format!("{facts}\n\nplain text, because the receiver's template failed: {why}");
        let expand = |text: &str| said.expand(text).unwrap_or_default();
        let project = expand(&self.project);
        let mut fields = Map::new();
        fields.insert("project".into(), json!({"key": project}));
        fields.insert("issuetype".into(), json!({"name": expand(&self.issue_type)}));
        fields.insert("summary".into(), json!(summary(&title)));
        let text = cut_chars_with_link(&text, TEXT_CHARS_MAX, &said.page_url());
        let text = if self.is_v3() { document(&text) } else { json!(text) };
        fields.insert("description".into(), text);
        vec![self.plan(said, &project, fields, Vec::new(), None)]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        self.http.secret_files_mut()
    }
}

impl JiraConfig {
    /// Version 3 of the interface wants documents, not texts.
    pub fn is_v3(&self) -> bool {
        self.api_url.trim_end_matches('/').ends_with("/3")
    }

    /// A text in the form that the interface wants; one that is such a document already is taken as it is.
    fn text(&self, text: &str, said: &Said<'_>) -> Result<Option<Value>, String> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        if self.is_v3()
            && let Ok(document @ Value::Object(_)) = serde_json::from_str(text)
        {
            return Ok(Some(document));
        }
        let text = cut_chars_with_link(text, TEXT_CHARS_MAX, &said.page_url());
        Ok(Some(if self.is_v3() { document(&text) } else { json!(text) }))
    }

    fn plan(
        &self,
        said: &Said<'_>,
        project: &str,
        mut fields: Map<String, Value>,
        mut labels: Vec<String>,
        comment: Option<Value>,
    ) -> Part {
        let label = format!("ALERT{{{}}}", said.alias());
        let is_firing = said.notification.status() == Status::Firing;
        let jql = self.jql(project, &label, is_firing);
        labels.push(label);
        labels.sort();
        labels.dedup();
        fields.insert("labels".into(), json!(labels));
        let mut plan = Map::from_iter([
            ("jql".to_owned(), json!(jql)),
            ("is_firing".to_owned(), json!(is_firing)),
            ("fields".to_owned(), Value::Object(fields)),
        ]);
        plan.extend(comment.map(|comment| ("comment".to_owned(), comment)));
        Part::json_to("issue", Value::Object(plan).to_string())
    }

    /// Issues of the group that are open, or were closed so lately that they are opened again. An issue without a
    /// resolution is not unequal to one in Jira's language, so that it is asked for by itself.
    fn jql(&self, project: &str, label: &str, is_firing: bool) -> String {
        let mut jql = String::new();
        if !self.wont_fix_resolution.is_empty() {
            let wont_fix = quoted(&self.wont_fix_resolution);
            jql += &format!("(resolution is EMPTY or resolution != {wont_fix}) and ");
        }
        let minutes = self.reopen_duration.0 / TimeDelta::MINUTE.0;
        jql += &match is_firing && !self.reopen_transition.is_empty() && minutes > 0 {
            true => format!("(resolutiondate is EMPTY OR resolutiondate >= -{minutes}m) and "),
            false => "statusCategory != Done and ".to_owned(),
        };
        let (project, label) = (quoted(project), quoted(label));
        jql + &format!("project={project} and labels={label} order by status ASC,resolutiondate DESC")
    }
}

/// One line, as long as Jira takes it.
fn summary(text: &str) -> String {
    cut_chars(&text.split_whitespace().collect::<Vec<_>>().join(" "), SUMMARY_CHARS_MAX)
}

/// A text of JQL, from which nothing can break out.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace(|c: char| c.is_control(), " "))
}

/// A text as a document: a paragraph per line.
/// https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
fn document(text: &str) -> Value {
    let paragraph = |line: &str| json!({"type": "paragraph", "content": [{"type": "text", "text": line}]});
    let lines: Vec<Value> = text.lines().filter(|line| !line.trim().is_empty()).map(paragraph).collect();
    json!({"version": 1, "type": "doc", "content": lines})
}

/// Reads an item of `jira_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<JiraConfig> {
    let own: Option<Spanned<String>> = map.optional("api_url", cx);
    let has_own = own.is_some();
    let own = own.and_then(|url| checked_url(&url, "api_url", cx)).map(|url| url.expose().to_owned());
    let api_url = own.or_else(|| base.global.and_then(|g| g.jira_url.clone()));
    if api_url.is_none() && !has_own && base.global.is_some() {
        missing(map, "no address of Jira", "write api_url here, or jira_api_url under global", cx);
    }
    for (name, help) in [("project", "write the key of the project"), ("issue_type", "write one such as Bug")]
    {
        if !map.has(name) {
            missing(map, &format!("{name} is missing"), help, cx);
        }
    }
    let fields = match map.node("fields").filter(|node| !node.is_null()) {
        Some(node) => fields(node, cx),
        None => BTreeMap::new(),
    };
    let labels: Option<Vec<String>> = map.optional("labels", cx);
    let config = JiraConfig {
        api_type: api_type(map, cx),
        http: base.http.clone(),
        project: text(map, "project", "", cx),
        issue_type: text(map, "issue_type", "", cx),
        summary: field(map, "summary", r#"{{ template "jira.default.summary" . }}"#, cx),
        description: field(map, "description", r#"{{ template "jira.default.description" . }}"#, cx),
        comment: text(map, "comment", "", cx),
        labels: labels.unwrap_or_default(),
        priority: text(map, "priority", r#"{{ template "jira.default.priority" . }}"#, cx),
        reopen_transition: text(map, "reopen_transition", "", cx),
        resolve_transition: text(map, "resolve_transition", "", cx),
        wont_fix_resolution: text(map, "wont_fix_resolution", "", cx),
        reopen_duration: map.optional("reopen_duration", cx).unwrap_or(TimeDelta::ZERO),
        fields,
        api_url: format!("{}/", api_url?.trim_end_matches('/')),
    };
    Some(config)
}

fn fields(node: &Node, cx: &mut Cx<'_>) -> BTreeMap<String, Value> {
    let entries = bellwether_diag::entries(node, cx).unwrap_or_default();
    let mut all = BTreeMap::new();
    for (key, value) in entries {
        if let (Some(name), Some(value)) = (key.as_text(), tree::read(value, cx)) {
            all.insert(name.to_owned(), value);
        }
    }
    all
}

/// A text, or a mapping with the text and whether it is kept current.
fn field(map: &mut MapReader<'_>, name: &'static str, default: &str, cx: &mut Cx<'_>) -> JiraField {
    let whole = |template: String| JiraField { template, enable_update: true };
    match map.node(name).filter(|node| !node.is_null()) {
        None => whole(default.to_owned()),
        Some(node) if matches!(node.value, Yaml::Mapping(_)) => {
            let Some(mut inner) = MapReader::open(node, cx) else { return whole(default.to_owned()) };
            let template = text(&mut inner, "template", default, cx);
            let enable_update = inner.optional("enable_update", cx).unwrap_or(true);
            inner.finish(cx);
            JiraField { template, enable_update }
        }
        Some(node) => whole(<String as bellwether_diag::Decode>::decode(node, cx).unwrap_or_default()),
    }
}

fn api_type(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> JiraApiType {
    let written: Option<Spanned<String>> = map.optional("api_type", cx);
    match written.as_ref().map(|w| w.value.as_str()) {
        None | Some("auto") => JiraApiType::Auto,
        Some("cloud") => JiraApiType::Cloud,
        Some("datacenter") => JiraApiType::Datacenter,
        Some(other) => {
            let message = format!("unknown api_type {other:?}");
            let span = written.as_ref().map_or(map.span, |w| w.span);
            cx.error_help(span, message, "write auto, cloud or datacenter");
            JiraApiType::Auto
        }
    }
}
