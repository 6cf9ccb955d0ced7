//! What a message is made of: requests without addresses and keys, so that they can be written down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One request to a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which of its calls, where a kind has several: `chat.update`; empty where there is only one. Kinds that put it
    /// behind their address say so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// What is sent.
    pub content: Content,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A JSON text.
    Json(String),
    /// Plain text, with headers that belong to the message.
    Text {
        /// The text.
        body: String,
        /// Headers.
        headers: BTreeMap<String, String>,
    },
    /// Fields of a form.
    Form(Vec<(String, String)>),
    /// A mail.
    Mail(Box<Mail>),
}

impl Content {
    /// The text as far as it is one.
    pub fn text(&self) -> &str {
        match self {
            Self::Json(text) | Self::Text { body: text, .. } => text,
            Self::Mail(mail) => &mail.text,
            Self::Form(_) => "",
        }
    }
}

/// A mail without its transport.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Who sends it.
    pub from: String,
    /// Who gets it, as written in a header: addresses separated by commas.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// Further headers, in order.
    pub headers: Vec<(String, String)>,
    /// For people whose program shows text.
    pub text: String,
    /// For all others; empty when there is only text.
    pub html: String,
}

impl Part {
    /// JSON to the receiver's only address.
    pub fn json(body: impl Into<String>) -> Self {
        Self { call: String::new(), content: Content::Json(body.into()) }
    }

    /// JSON to one of its calls.
    pub fn json_to(call: impl Into<String>, body: impl Into<String>) -> Self {
        Self { call: call.into(), content: Content::Json(body.into()) }
    }
}
