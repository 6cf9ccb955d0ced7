//! WeChat Work: a message of one of its applications.

use bellwether_diag::{Cx, MapReader, Spanned};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limit::cut_bytes_with_link;
use super::needs::{api_url, missing, secret_or_global};
use super::{Base, Global, Kind, Part, Said, plain_text, text};
use crate::connection::AddressFields;
use crate::{HttpConfig, SecretSource};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["agent_id", "message", "to_party", "to_tag", "to_user"];

const API_URL: &str = "https://qyapi.weixin.qq.com/cgi-bin/";

/// WeChat Work. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct WechatConfig {
    pub api_url: String,
    pub secret: SecretSource,
    pub corp_id: String,
    pub http: HttpConfig,
    pub message: String,
    pub message_type: WechatMessageType,
    pub to_user: String,
    pub to_party: String,
    pub to_tag: String,
    pub agent_id: String,
}

/// How WeChat reads a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WechatMessageType {
    /// As it is.
    Text,
    /// A few marks.
    Markdown,
}

impl WechatMessageType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
        }
    }

    /// https://developer.work.weixin.qq.com/document/path/90236
    const fn bytes_max(self) -> usize {
        match self {
            Self::Text => 2048,
            Self::Markdown => 4096,
        }
    }
}

impl Kind for WechatConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let message = said.noticed(said.expand(&self.message)?);
        Ok(vec![self.part(&message, self.message_type, said, &|text| said.expand(text))?])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let text = format!("{title}\n{facts}\nplain text, because the receiver's template failed: {why}");
        let expand = |text: &str| Ok(said.expand(text).unwrap_or_default());
        self.part(&text, WechatMessageType::Text, said, &expand).into_iter().collect()
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.secret.file_mut());
        files
    }
}

impl WechatConfig {
    fn part(
        &self,
        message: &str,
        kind: WechatMessageType,
        said: &Said<'_>,
        expand: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Part, String> {
        let content = cut_bytes_with_link(message, kind.bytes_max(), &said.page_url());
        let mut body = Map::new();
        for (name, template) in [
            ("touser", &self.to_user),
            ("toparty", &self.to_party),
            ("totag", &self.to_tag),
            ("agentid", &self.agent_id),
        ] {
            let value = expand(template)?;
            if !value.is_empty() {
                body.insert(name.into(), json!(value));
            }
        }
        body.insert("msgtype".into(), json!(kind.as_str()));
        body.insert(kind.as_str().into(), json!({"content": content}));
        body.insert("safe".into(), json!("0"));
        Ok(Part::json_to("message/send", Value::Object(body).to_string()))
    }
}

/// Reads an item of `wechat_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<WechatConfig> {
    let global_url = base.global.and_then(|g| g.wechat_url.as_ref());
    let api_url = api_url(map, "api_url", global_url, API_URL, cx);
    let fields = AddressFields { url: "api_secret", file: "api_secret_file" };
    let global = ("wechat_api_secret", |g: &Global| g.wechat_secret.clone());
    let secret = secret_or_global(map, fields, global, base, cx);
    let corp_id: Option<String> = map.optional("corp_id", cx);
    let corp_id = corp_id.filter(|id| !id.is_empty());
    let corp_id = corp_id.or_else(|| base.global.and_then(|g| g.wechat_corp_id.clone()));
    if corp_id.is_none() && base.global.is_some() {
        missing(map, "corp_id is missing", "write corp_id here, or wechat_api_corp_id under global", cx);
    }
    let t = |map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>| {
        text(map, name, &format!(r#"{{{{ template "wechat.default.{name}" . }}}}"#), cx)
    };
    let config = WechatConfig {
        api_url: format!("{}/", api_url.trim_end_matches('/')),
        http: base.http.clone(),
        message: t(map, "message", cx),
        message_type: message_type(map, cx),
        to_user: t(map, "to_user", cx),
        to_party: t(map, "to_party", cx),
        to_tag: t(map, "to_tag", cx),
        agent_id: t(map, "agent_id", cx),
        secret: secret?,
        corp_id: corp_id?,
    };
    Some(config)
}

fn message_type(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> WechatMessageType {
    let written: Option<Spanned<String>> = map.optional("message_type", cx);
    match written.as_ref().map(|w| w.value.as_str()) {
        None | Some("" | "text") => WechatMessageType::Text,
        Some("markdown") => WechatMessageType::Markdown,
        Some(other) => {
            let message = format!("unknown message_type {other:?}");
            let span = written.as_ref().map_or(map.span, |w| w.span);
            cx.error_help(span, message, "write text or markdown");
            WechatMessageType::Text
        }
    }
}
