//! What may be shown of an answer or an error: one short line without the address or any other secret in it.

use std::error::Error;

/// How much of an answer is kept.
const EXCERPT_CHARS_MAX: usize = 200;
/// A shorter piece of an address is no secret, and hiding it would garble ordinary words.
const PIECE_CHARS_MIN: usize = 12;
/// The same for what is known to be a secret.
const SECRET_CHARS_MIN: usize = 4;
/// What stands in place of a secret.
const REDACTED: &str = "<secret>";

/// Texts that are not shown.
#[derive(Debug, Default)]
pub(crate) struct Hidden(Vec<String>);

impl Hidden {
    /// Hides an address and the pieces of it that may be secrets.
    pub(crate) fn new(address: &str) -> Self {
        let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
        let path = after_scheme.split_once('/').map_or("", |(_, path)| path);
        let pieces = std::iter::once(path)
            .chain(path.split(['?', '#']))
            .chain(path.split(['/', '?', '&', '=', '#']).filter(|piece| piece.contains(char::is_numeric)));
        let pieces = pieces.filter(|piece| piece.len() >= PIECE_CHARS_MIN).map(str::to_owned);
        let mut hidden = Self(std::iter::once(address.to_owned()).chain(pieces).collect());
        let host = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some((user, _)) = host.rsplit_once('@') {
            hidden.add(user.split_once(':').map_or(user, |(_, password)| password));
        }
        hidden.longest_first();
        hidden
    }

    /// Hides another text.
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() >= SECRET_CHARS_MIN {
            self.0.push(secret.to_owned());
            self.longest_first();
        }
    }

    /// So that a secret that holds another one leaves nothing of itself.
    fn longest_first(&mut self) {
        self.0.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.0.dedup();
    }

    /// One line that is safe to show.
    pub(crate) fn line(&self, text: &str) -> String {
        excerpt(&self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), REDACTED)))
    }
}

fn excerpt(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let line: String = printable.take(EXCERPT_CHARS_MAX + 1).collect();
    match line.chars().count() > EXCERPT_CHARS_MAX {
        true => line.chars().take(EXCERPT_CHARS_MAX).chain(['…']).collect(),
        false => line.trim().to_owned(),
    }
}

/// Why there was no answer, without the address.
pub(crate) fn describe(error: reqwest::Error, hidden: &Hidden) -> String {
    let error = error.without_url();
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "the request cannot be built"
    } else {
        "the connection broke off"
    };
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    hidden.line(&format!("{what}: {cause}"))
}
