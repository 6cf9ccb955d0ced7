//! What a kind cannot do without, and where it is found: in its own settings, else among the global ones.

use bellwether_diag::{Cx, MapReader, Spanned};

use super::{Base, Global};
use crate::connection::{AddressFields, address, checked_url, secret_source};
use crate::{Address, SecretSource};

/// An address that this receiver must state, in one of two fields.
pub(super) fn own_address(
    map: &mut MapReader<'_>,
    fields: AddressFields,
    cx: &mut Cx<'_>,
) -> Option<Address> {
    let (url, file) = (fields.url, fields.file);
    let found = address(map, fields, cx);
    if found.is_none() && !map.has(url) && !map.has(file) {
        missing(map, &format!("no address: {url} is missing"), &format!("write {url} or {file}"), cx);
    }
    found
}

/// A secret that this receiver must state, in one of two fields.
pub(super) fn own_secret(
    map: &mut MapReader<'_>,
    fields: AddressFields,
    cx: &mut Cx<'_>,
) -> Option<SecretSource> {
    let (inline, file) = (fields.url, fields.file);
    let found = secret_source(map, fields, cx).filter(is_written);
    if found.is_none() && !map.has(inline) && !map.has(file) {
        missing(map, &format!("{inline} is missing"), &format!("write {inline} or {file}"), cx);
    }
    found
}

/// A secret that may be missing, in one of two fields.
pub(super) fn optional_secret(
    map: &mut MapReader<'_>,
    inline: &'static str,
    file: &'static str,
    cx: &mut Cx<'_>,
) -> Option<SecretSource> {
    secret_source(map, AddressFields { url: inline, file }, cx).filter(is_written)
}

/// A secret of this receiver, else the global one; neither is an error that names both.
pub(super) fn secret_or_global(
    map: &mut MapReader<'_>,
    fields: AddressFields,
    global: (&str, impl Fn(&Global) -> Option<SecretSource>),
    base: &Base<'_>,
    cx: &mut Cx<'_>,
) -> Option<SecretSource> {
    let (inline, file) = (fields.url, fields.file);
    let own = secret_source(map, fields, cx).filter(is_written);
    if own.is_some() || map.has(inline) || map.has(file) {
        return own;
    }
    let (name, find) = global;
    let found = base.global.and_then(find).filter(is_written);
    if found.is_none() && base.global.is_some() {
        let help = format!("write {inline} or {file} here, or {name} under global");
        missing(map, &format!("{inline} is missing"), &help, cx);
    }
    found
}

/// An address of an interface that is no secret: that of this receiver, else the global one, else the usual one.
pub(super) fn api_url(
    map: &mut MapReader<'_>,
    name: &'static str,
    global: Option<&String>,
    usual: &str,
    cx: &mut Cx<'_>,
) -> String {
    let own: Option<Spanned<String>> = map.optional(name, cx);
    let own = own.filter(|url| !url.is_empty());
    let own = own.and_then(|url| checked_url(&url, name, cx)).map(|url| url.expose().to_owned());
    own.or_else(|| global.cloned()).unwrap_or_else(|| usual.to_owned())
}

/// Says what is missing at the beginning of the mapping that misses it.
pub(super) fn missing(map: &MapReader<'_>, message: &str, help: &str, cx: &mut Cx<'_>) {
    cx.error_help(map.span_first_line(cx), message, help);
}

fn is_written(secret: &SecretSource) -> bool {
    match secret {
        SecretSource::Inline(text) => !text.expose().is_empty(),
        SecretSource::File(name) => !name.is_empty(),
    }
}
