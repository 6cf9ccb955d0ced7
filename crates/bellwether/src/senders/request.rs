//! A request as a kind of integration wants it. It may hold secrets: it is made, sent, and forgotten.

use bellwether_alerts::Content;
use reqwest::Method;
use serde_json::Value;

use crate::http::Unsendable;

/// One request to a receiver.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) address: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Texts that must not be seen in a receipt. The address, credentials and configured headers are hidden anyway.
    pub(super) secrets: Vec<String>,
}

impl Request {
    pub(super) fn new(method: Method, address: impl Into<String>) -> Self {
        let (headers, body, secrets) = (Vec::new(), Vec::new(), Vec::new());
        Self { method, address: address.into(), headers, body, secrets }
    }

    pub(super) fn post(address: impl Into<String>) -> Self {
        Self::new(Method::POST, address)
    }

    /// With what was recorded, as it was recorded.
    pub(super) fn content(self, content: &Content) -> Result<Self, Unsendable> {
        Ok(match content {
            Content::Json(text) => self.body("application/json", text.clone()),
            Content::Text { body, headers } => headers
                .iter()
                .fold(self.body("text/plain; charset=utf-8", body.clone()), |request, (name, value)| {
                    request.header(name, value)
                }),
            Content::Form(fields) => self.form(fields.iter().map(|(name, value)| (&**name, &**value))),
            Content::Mail(_) => return Err(Unsendable("a mail cannot be sent over HTTP".to_owned())),
        })
    }

    /// With the recorded JSON object and fields that must not be recorded.
    pub(super) fn json_with_secrets(
        self,
        content: &Content,
        fields: &[(&str, &str)],
    ) -> Result<Self, Unsendable> {
        let parsed = match content {
            Content::Json(text) => serde_json::from_str(text).ok(),
            Content::Text { .. } | Content::Form(_) | Content::Mail(_) => None,
        };
        let Some(Value::Object(mut object)) = parsed else {
            return Err(Unsendable("the recorded message is no JSON object".to_owned()));
        };
        object.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
        let hidden = fields.iter().fold(self, |request, (_, value)| request.hide(*value));
        Ok(hidden.body("application/json", Value::Object(object).to_string()))
    }

    /// With fields of a form.
    pub(super) fn form<'f>(self, fields: impl Iterator<Item = (&'f str, &'f str)>) -> Self {
        let mut form = reqwest::Url::parse("form:?").expect("a constant address is one");
        form.query_pairs_mut().extend_pairs(fields);
        let text = form.query().unwrap_or_default().to_owned();
        self.body("application/x-www-form-urlencoded", text)
    }

    pub(super) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A header whose value is not shown.
    pub(super) fn secret_header(self, name: &str, value: &str) -> Self {
        self.hide(value).header(name, value)
    }

    /// A text that is not shown.
    pub(super) fn hide(mut self, secret: impl Into<String>) -> Self {
        self.secrets.push(secret.into());
        self
    }
}
