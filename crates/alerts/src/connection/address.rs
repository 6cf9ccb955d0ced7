//! Addresses and secrets: written where they are used, or in a file of their own; never both.

use bellwether_diag::{Cx, Diagnostic, MapReader, Spanned};

use super::{Address, SecretSource};
use crate::Secret;

/// The two ways to write an address.
pub(crate) struct AddressFields {
    pub(crate) url: &'static str,
    pub(crate) file: &'static str,
}

/// An address, if one is there and right. Never shows it in a message.
pub(crate) fn address(map: &mut MapReader<'_>, fields: AddressFields, cx: &mut Cx<'_>) -> Option<Address> {
    let url: Option<Spanned<String>> = map.optional(fields.url, cx);
    let file: Option<String> = map.optional(fields.file, cx);
    match (url, file.filter(|f| !f.is_empty())) {
        (Some(_), Some(_)) => {
            let message = format!("{} and {} are both written; which one counts?", fields.url, fields.file);
            cx.error_help(map.key_span(fields.file), message, "remove one of them");
            None
        }
        (Some(url), None) => checked_url(&url, fields.url, cx).map(Address::Url),
        (None, Some(file)) => Some(Address::File(file)),
        (None, None) => None,
    }
}

pub(crate) fn checked_url(url: &Spanned<String>, field: &str, cx: &mut Cx<'_>) -> Option<Secret> {
    let after = url.value.strip_prefix("http://").or_else(|| url.value.strip_prefix("https://"));
    let has_host = after.is_some_and(|rest| !rest.starts_with(['/', '?', '#']) && !rest.is_empty());
    if has_host && !url.value.contains(char::is_whitespace) {
        return Some(Secret::new(&url.value));
    }
    let upper =
        !url.value.is_empty() && url.value.chars().all(|c| c.is_ascii_uppercase() || "_-".contains(c));
    let (id, help) = match upper || url.value.contains(['<', '$']) {
        true => (
            "placeholder-secret",
            "this looks like a placeholder; put the real address in its place, or its file in the _file field",
        ),
        false => ("invalid-value", "write a whole address, beginning with https:// or http://"),
    };
    cx.push(Diagnostic::error(id, url.span, format!("{field} is not a web address")).with_help(help));
    None
}

/// A secret, if one is there. An empty one is none.
pub(crate) fn secret_source(
    map: &mut MapReader<'_>,
    fields: AddressFields,
    cx: &mut Cx<'_>,
) -> Option<SecretSource> {
    let inline: Option<String> = map.optional(fields.url, cx);
    let file: Option<String> = map.optional(fields.file, cx);
    match (inline.filter(|text| !text.is_empty()), file.filter(|name| !name.is_empty())) {
        (Some(_), Some(_)) => {
            let message = format!("{} and {} are both written; which one counts?", fields.url, fields.file);
            cx.error_help(map.key_span(fields.file), message, "remove one of them");
            None
        }
        (Some(text), None) => Some(SecretSource::Inline(Secret::new(text))),
        (None, Some(file)) => Some(SecretSource::File(file)),
        (None, None) => None,
    }
}
