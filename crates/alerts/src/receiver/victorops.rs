//! VictorOps, by now Splunk On-Call: an incident per group, opened and closed.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, Spanned};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limit::cut_chars_with_link;
use super::needs::{api_url, missing, secret_or_global};
use super::{Base, Global, Kind, Part, Said, plain_text, text};
use crate::connection::AddressFields;
use crate::{HttpConfig, SecretSource, Status};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] =
    &["entity_display_name", "message_type", "monitoring_tool", "routing_key", "state_message"];
/// Fields all of whose texts are templates.
pub(super) const TREES: &[&str] = &["custom_fields"];

const API_URL: &str = "https://alert.victorops.com/integrations/generic/20131114/alert/";
const MESSAGE_CHARS_MAX: usize = 20_480;
/// Fields of the message that no custom field may replace.
const RESERVED: [&str; 7] = [
    "entity_display_name",
    "entity_id",
    "entity_state",
    "message_type",
    "monitoring_tool",
    "routing_key",
    "state_message",
];

/// VictorOps. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct VictoropsConfig {
    pub api_url: String,
    pub key: SecretSource,
    pub http: HttpConfig,
    pub routing_key: String,
    pub message_type: String,
    pub state_message: String,
    pub entity_display_name: String,
    pub monitoring_tool: String,
    pub custom_fields: BTreeMap<String, String>,
}

impl Kind for VictoropsConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let mut body = Map::new();
        for (name, template) in &self.custom_fields {
            body.insert(name.clone(), json!(said.expand(template)?));
        }
        let state = said.noticed(said.expand(&self.state_message)?);
        body.extend(event(said, &said.expand(&self.message_type)?, &state));
        body.insert("entity_display_name".into(), json!(said.expand(&self.entity_display_name)?));
        body.insert("monitoring_tool".into(), json!(said.expand(&self.monitoring_tool)?));
        Ok(vec![Part::json_to(said.expand(&self.routing_key)?, Value::Object(body).to_string())])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let state = format!("{facts}\nplain text, because the receiver's template failed: {why}");
        let mut body = event(said, "CRITICAL", &state);
        body.insert("entity_display_name".into(), json!(title));
        body.insert("monitoring_tool".into(), json!("Bellwether"));
        let routing_key = said.expand(&self.routing_key).unwrap_or_default();
        vec![Part::json_to(routing_key, Value::Object(body).to_string())]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.key.file_mut());
        files
    }
}

/// What every message holds. A type VictorOps does not know would open nothing, so it becomes the loudest.
fn event(said: &Said<'_>, message_type: &str, state: &str) -> Map<String, Value> {
    let message_type = match said.notification.status() {
        Status::Resolved => "RECOVERY",
        Status::Firing if ["INFO", "WARNING", "CRITICAL"].contains(&message_type) => message_type,
        Status::Firing => "CRITICAL",
    };
    Map::from_iter([
        ("message_type".to_owned(), json!(message_type)),
        ("entity_id".to_owned(), json!(said.alias())),
        ("state_message".to_owned(), json!(cut_chars_with_link(state, MESSAGE_CHARS_MAX, &said.page_url()))),
    ])
}

/// Reads an item of `victorops_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<VictoropsConfig> {
    let global_url = base.global.and_then(|g| g.victorops_url.as_ref());
    let api_url = api_url(map, "api_url", global_url, API_URL, cx);
    let fields = AddressFields { url: "api_key", file: "api_key_file" };
    let global = ("victorops_api_key", |g: &Global| g.victorops_key.clone());
    let key = secret_or_global(map, fields, global, base, cx);
    let routing_key: Option<Spanned<String>> = map.optional("routing_key", cx);
    let routing_key = routing_key.map(|key| key.value).filter(|key| !key.is_empty());
    if routing_key.is_none() {
        missing(map, "routing_key is missing", "write the key of the team to wake", cx);
    }
    let custom_fields = custom_fields(map.node("custom_fields"), cx);
    let t = |map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>| {
        text(map, name, &format!(r#"{{{{ template "victorops.default.{name}" . }}}}"#), cx)
    };
    let config = VictoropsConfig {
        api_url: format!("{}/", api_url.trim_end_matches('/')),
        http: base.http.clone(),
        message_type: text(map, "message_type", "CRITICAL", cx),
        state_message: t(map, "state_message", cx),
        entity_display_name: t(map, "entity_display_name", cx),
        monitoring_tool: t(map, "monitoring_tool", cx),
        custom_fields,
        key: key?,
        routing_key: routing_key?,
    };
    Some(config)
}

fn custom_fields(node: Option<&Node>, cx: &mut Cx<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let Some(node) = node.filter(|node| !node.is_null()) else { return all };
    for (key, value) in bellwether_diag::entries(node, cx).unwrap_or_default() {
        let name = key.as_text().unwrap_or_default();
        if RESERVED.contains(&name) {
            let message = format!("{name} is a field of every message, not a custom one");
            cx.error_help(key.span, message, "write it beside custom_fields, or give this one another name");
        }
        let text = <String as bellwether_diag::Decode>::decode(value, cx).unwrap_or_default();
        all.insert(name.to_owned(), text);
    }
    all
}
