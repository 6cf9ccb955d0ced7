//! What a kind of integration makes its parts of.

use bellwether_model::Timestamp;

use crate::templates::Renderer;
use crate::{Notification, Thread};

/// What is to be said, and what can be asked while saying it.
pub(crate) struct Said<'a> {
    /// The facts.
    pub(crate) notification: &'a Notification,
    /// Where people find this program; ends without a slash.
    pub(crate) external_url: &'a str,
    /// The moment of the decision.
    pub(crate) now: Timestamp,
    /// What the receiver called the conversation so far; empty before its first answer.
    pub(crate) thread: &'a Thread,
    pub(crate) renderer: &'a Renderer<'a>,
}

impl Said<'_> {
    /// Renders a template, or says why it cannot be rendered.
    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        self.renderer.expand(text)
    }

    /// The same for HTML: what templates insert is escaped.
    pub(crate) fn expand_html(&self, text: &str) -> Result<String, String> {
        self.renderer.expand_html(text)
    }

    /// The page with what this receiver is told of, where people can also say that they have taken it.
    pub(crate) fn page_url(&self) -> String {
        let mut url = format!("{}/alerts?receiver=", self.external_url);
        for byte in self.notification.receiver.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    url.push(char::from(byte))
                }
                b' ' => url.push('+'),
                _ => url += &format!("%{byte:02X}"),
            }
        }
        url
    }
}

impl Said<'_> {
    /// What people are told beside what templates say: that they stand in for somebody.
    pub(crate) fn notice(&self) -> Option<String> {
        let unreached = self.notification.unreached.as_ref()?;
        Some(format!("meant for {}, which was not told: {}", unreached.integration, unreached.why))
    }

    /// What a receiver knows the group by: the SHA-256 of its key, as Alertmanager has it. An incident that was opened
    /// by one of the two is closed by the other.
    pub(crate) fn alias(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.notification.group.0.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Cuts by characters, never inside one, and shows that something was cut.
pub(crate) fn cut_chars(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}
