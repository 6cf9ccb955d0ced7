//! Which format a target is asked for, and which one it answered in. As Prometheus 3 does it: the target is told what
//! is wanted in order of preference, and its `Content-Type` alone decides how the body is read. A body that does not
//! say what it is, is refused, unless the job names a `fallback_scrape_protocol`.

use crate::config::prometheus::{NameEscaping, ScrapeProtocol};

/// How bodies of a protocol are read.
const fn format(protocol: ScrapeProtocol) -> Format {
    match protocol {
        ScrapeProtocol::PrometheusProto => Format::Protobuf,
        ScrapeProtocol::OpenMetricsText1_0_0 | ScrapeProtocol::OpenMetricsText0_0_1 => Format::OpenMetrics,
        ScrapeProtocol::PrometheusText1_0_0 | ScrapeProtocol::PrometheusText0_0_4 => Format::Text,
    }
}

const fn media_type_of(protocol: ScrapeProtocol) -> &'static str {
    match protocol {
        ScrapeProtocol::PrometheusProto => {
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
        }
        ScrapeProtocol::OpenMetricsText1_0_0 => "application/openmetrics-text;version=1.0.0",
        ScrapeProtocol::OpenMetricsText0_0_1 => "application/openmetrics-text;version=0.0.1",
        ScrapeProtocol::PrometheusText1_0_0 => "text/plain;version=1.0.0",
        ScrapeProtocol::PrometheusText0_0_4 => "text/plain;version=0.0.4",
    }
}

/// Whether names that are no classic ones can be written in it.
const fn has_escaping(protocol: ScrapeProtocol) -> bool {
    match protocol {
        ScrapeProtocol::OpenMetricsText1_0_0 | ScrapeProtocol::PrometheusText1_0_0 => true,
        ScrapeProtocol::PrometheusProto
        | ScrapeProtocol::OpenMetricsText0_0_1
        | ScrapeProtocol::PrometheusText0_0_4 => false,
    }
}

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text 0.0.4 and 1.0.0.
    Text,
    /// OpenMetrics text.
    OpenMetrics,
    /// Protobuf.
    Protobuf,
}

impl Format {
    fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "text/plain" => Some(Self::Text),
            "application/openmetrics-text" => Some(Self::OpenMetrics),
            "application/vnd.google.protobuf" => Some(Self::Protobuf),
            _ => None,
        }
    }
}

/// The `Accept` header that asks for protocols in order of preference.
pub fn accept(protocols: &[ScrapeProtocol], escaping: NameEscaping) -> String {
    let first = ScrapeProtocol::ALL.len() + 1;
    let mut asked: Vec<String> = protocols
        .iter()
        .enumerate()
        .map(|(place, protocol)| {
            let escaping = match has_escaping(*protocol) {
                true => format!(";escaping={}", escaping.as_str()),
                false => String::new(),
            };
            let weight = first.saturating_sub(place).max(1);
            format!("{}{escaping};q=0.{weight}", media_type_of(*protocol))
        })
        .collect();
    asked.push(format!("*/*;q=0.{}", first.saturating_sub(protocols.len()).max(1)));
    asked.join(",")
}

/// The format of a body by what its target says it is.
pub fn format_of(content_type: Option<&str>, fallback: Option<ScrapeProtocol>) -> Result<Format, String> {
    let content_type = content_type.unwrap_or("");
    let said = if content_type.is_empty() {
        Err("non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
            .to_owned())
    } else {
        match media_type(content_type) {
            None => Err(format!(
                "cannot parse Content-Type {content_type:?} and no fallback_scrape_protocol for target"
            )),
            Some(media_type) => Format::of_media_type(&media_type).ok_or_else(|| {
                format!(
                    "received unsupported Content-Type {content_type:?} and no fallback_scrape_protocol specified for target"
                )
            }),
        }
    };
    said.or_else(|why| fallback.map(format).ok_or(why))
}

/// The media type of a `Content-Type`, in lower case; `None` where the header is malformed.
fn media_type(header: &str) -> Option<String> {
    let mut parts = Parameters { rest: header };
    let media_type = parts.until_semicolon().trim().to_ascii_lowercase();
    let (kind, subtype) = media_type.split_once('/').unwrap_or((&media_type, "any"));
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut names = Vec::new();
    while !parts.rest.is_empty() {
        let parameter = parts.until_semicolon();
        if parameter.trim().is_empty() && parts.rest.is_empty() {
            break; // a semicolon at the end
        }
        let (name, value) = parameter.split_once('=')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let is_quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
        if !is_token(&name) || !(is_quoted || is_token(value)) || names.contains(&name) {
            return None;
        }
        names.push(name);
    }
    Some(media_type)
}

/// A header taken apart at the semicolons that do not stand in quotes.
struct Parameters<'a> {
    rest: &'a str,
}

impl<'a> Parameters<'a> {
    fn until_semicolon(&mut self) -> &'a str {
        let (mut in_quotes, mut is_escaped) = (false, false);
        let end = self.rest.bytes().position(|byte| {
            let ends = byte == b';' && !in_quotes;
            in_quotes ^= byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        });
        let (part, rest) = end.map_or((self.rest, ""), |end| (&self.rest[..end], &self.rest[end + 1..]));
        self.rest = rest;
        part
    }
}

/// A word as HTTP has them.
fn is_token(word: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !word.is_empty() && word.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_asked_in_order_of_preference() {
        assert_eq!(
            accept(&ScrapeProtocol::DEFAULT, NameEscaping::AllowUtf8),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
        assert_eq!(
            accept(&ScrapeProtocol::ALL[..1], NameEscaping::AllowUtf8),
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,*/*;q=0.5"
        );
    }

    #[test]
    fn what_a_body_says_of_itself_decides_how_it_is_read() {
        let check = |said: Option<&str>, fallback, expected: Result<Format, &str>| {
            let found = format_of(said, fallback);
            assert_eq!(found.as_ref().map_err(String::as_str), expected.as_ref().map_err(|e| *e), "{said:?}");
        };
        let text = Some(ScrapeProtocol::PrometheusText0_0_4);
        for said in [
            "text/plain",
            "text/plain; version=0.0.4; charset=utf-8",
            "TEXT/Plain;charset=\"utf-8;x\";",
            "text/plain; version=1.0.0; escaping=underscores",
        ] {
            check(Some(said), None, Ok(Format::Text));
        }
        check(
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            text,
            Ok(Format::OpenMetrics),
        );
        let proto =
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        check(Some(proto), None, Ok(Format::Protobuf));
        let blank = "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target";
        check(None, None, Err(blank));
        check(Some(""), None, Err(blank));
        check(None, text, Ok(Format::Text));
        check(Some("application/json"), text, Ok(Format::Text));
        check(
            Some("application/json"),
            None,
            Err(
                "received unsupported Content-Type \"application/json\" and no fallback_scrape_protocol specified for target",
            ),
        );
        for malformed in ["text/plain; version", "a b/c", "/", "text/plain; a=1; a=2", "text/plain;;a=1"] {
            let why =
                format!("cannot parse Content-Type {malformed:?} and no fallback_scrape_protocol for target");
            check(Some(malformed), None, Err(why.as_str()));
        }
    }
}
