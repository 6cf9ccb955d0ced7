//! Mail: what stands in it. How it travels is the sender's business.
//!
//! Text comes first and is real: it says what the page says, because some people read mail on a watch, and some
//! filters read nothing else. Everything that becomes a header is one line; a label with a line break in it can
//! therefore not become a header of its own.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, Span, Spanned};
use bellwether_model::Timestamp;
use serde::Serialize;

use super::needs::missing;
use super::{Base, Content, Kind, Mail, Part, Said, cut_chars, plain_text, text};
use crate::connection::{AddressFields, is_null, secret_source, tls_config};
use crate::delivery::key_of;
use crate::{GroupId, SecretSource, SmtpDefaults, TlsConfig};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["from", "html", "text", "to"];
/// Fields all of whose texts are templates.
pub(super) const TREES: &[&str] = &["headers"];

/// A longer subject is cut: RFC 5322 allows lines of 998 characters, people read far fewer.
const SUBJECT_CHARS_MAX: usize = 500;
const SUBJECT_DEFAULT: &str = r#"{{ template "email.default.subject" . }}"#;
const HTML_DEFAULT: &str = r#"{{ template "email.default.html" . }}"#;
const TEXT_DEFAULT: &str = r#"{{ template "email.default.text" . }}"#;
/// The port on which encryption begins with the first byte. RFC 8314, section 3.3.
const IMPLICIT_TLS_PORT: u16 = 465;
/// Headers that describe how the message is put together; written by whoever does that.
const HEADERS_OF_THE_FORM: [&str; 4] = ["Bcc", "Content-Transfer-Encoding", "Content-Type", "Mime-Version"];

/// Mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EmailConfig {
    /// Who gets it, separated by commas; a template.
    pub to: String,
    /// Who sends it; a template.
    pub from: String,
    /// What we call ourselves to the server.
    pub hello: String,
    /// The server.
    pub smarthost: Smarthost,
    /// Who we are there; without a name nobody.
    pub auth: Option<MailAuth>,
    /// Whether nothing is sent in the clear.
    pub require_tls: bool,
    /// Whether encryption begins with the first byte.
    pub implicit_tls: bool,
    /// How the server is trusted.
    pub tls: TlsConfig,
    /// Headers of one's own, as templates, by name in the usual spelling.
    pub headers: BTreeMap<String, String>,
    /// The page; a template. Empty sends text only.
    pub html: String,
    /// The text; a template.
    pub text: String,
    /// Which mails a mail program shows as one conversation.
    pub threading: Threading,
}

/// Where a mail server listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Smarthost {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Who we are to a mail server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MailAuth {
    /// The name.
    pub username: String,
    /// The identity to act as; usually empty.
    pub identity: String,
    /// The password of PLAIN and LOGIN.
    pub password: Option<SecretSource>,
    /// The shared secret of CRAM-MD5.
    pub secret: Option<SecretSource>,
}

/// Which mails are one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Threading {
    /// Each stands alone.
    Off,
    /// All of a group.
    Group,
    /// Those of a group on one day, in UTC.
    GroupAndDay,
}

impl Kind for EmailConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let text = if self.text.is_empty() { TEXT_DEFAULT } else { &self.text };
        let mut mail = Mail {
            from: one_line(&said.expand(&self.from)?),
            to: one_line(&said.expand(&self.to)?),
            text: said.noticed(said.expand(text)?),
            html: match self.html.is_empty() {
                true => String::new(),
                false => said.noticed_html(said.expand_html(&self.html)?),
            },
            ..Mail::default()
        };
        mail.headers = self.own_headers(said);
        let mut subject = SUBJECT_DEFAULT;
        for (name, template) in &self.headers {
            match name.as_str() {
                "Subject" => subject = template,
                _ => set(&mut mail.headers, name, one_line(&said.expand(template)?)),
            }
        }
        mail.subject = cut_chars(&one_line(&said.expand(subject)?), SUBJECT_CHARS_MAX);
        Ok(vec![part(mail)])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let why = format!("This is plain text, because the receiver's template failed: {why}");
        let expanded = |template: &str| one_line(&said.expand(template).unwrap_or_default());
        vec![part(Mail {
            from: expanded(&self.from),
            to: expanded(&self.to),
            subject: cut_chars(&one_line(&title), SUBJECT_CHARS_MAX),
            headers: self.own_headers(said),
            text: format!("{title}\n\n{facts}\n\n{}\n\n{why}\n", said.page_url()),
            html: String::new(),
        })]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.tls.files_mut();
        let auth = self.auth.iter_mut().flat_map(|auth| [&mut auth.password, &mut auth.secret]);
        files.extend(auth.flatten().filter_map(SecretSource::file_mut));
        files
    }
}

fn part(mail: Mail) -> Part {
    Part { call: String::new(), content: Content::Mail(Box::new(mail)) }
}

impl EmailConfig {
    /// Headers of every mail. That it was made by a program keeps holiday notices from answering it: RFC 3834.
    fn own_headers(&self, said: &Said<'_>) -> Vec<(String, String)> {
        let mut headers = vec![
            ("Date".to_owned(), rfc_2822(said.now)),
            ("Auto-Submitted".to_owned(), "auto-generated".to_owned()),
        ];
        if let Some(root) = self.threading.root(&said.notification.group, said.now) {
            headers.push(("In-Reply-To".to_owned(), root.clone()));
            headers.push(("References".to_owned(), root));
        }
        headers
    }
}

impl Threading {
    /// The identity of a message that was never sent: mail programs show all that answer it as one conversation,
    /// whichever of them arrives first.
    fn root(self, group: &GroupId, now: Timestamp) -> Option<String> {
        let day = match self {
            Self::Off => return None,
            Self::Group => String::new(),
            Self::GroupAndDay => format!(".{}", now.to_string().split('T').next().unwrap_or_default()),
        };
        Some(format!("<group-{}{day}@bellwether>", &key_of(&["mail thread", &group.0]).0[..16]))
    }
}

fn rfc_2822(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let zoned = moment.to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::rfc2822::to_string(&zoned).unwrap_or_default()
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    headers.retain(|(known, _)| known != name);
    headers.push((name.to_owned(), value));
}

/// A header is a line; what would begin another becomes a space.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads an item of `email_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<EmailConfig> {
    let default = base.global.map(|g| g.smtp.clone()).unwrap_or_default();
    let to: Option<Spanned<String>> = map.optional("to", cx);
    if to.as_ref().is_none_or(|to| to.is_empty()) {
        missing(map, "to is missing", "write the address to send to", cx);
    }
    let own_from: Option<Spanned<String>> = map.optional("from", cx);
    for written in [&to, &own_from].into_iter().flatten() {
        doubt_address(written, cx);
    }
    let from = own_from.map(|from| from.value).filter(|from| !from.is_empty()).or(default.from.clone());
    if from.is_none() && base.global.is_some() {
        missing(map, "no sender", "write from here, or smtp_from under global", cx);
    }
    let smarthost = smarthost(map, base, &default, cx);
    let auth = auth(map, &default, cx);
    let tls = match map.node("tls_config").filter(|n| !is_null(n)) {
        Some(node) => tls_config(node, cx),
        None => Some(default.tls),
    };
    let implicit_tls = map.optional("force_implicit_tls", cx).or(default.implicit_tls);
    let headers = headers(map.node("headers"), cx);
    let threading = threading(map.node("threading"), &headers, cx);
    let hello: Option<Spanned<String>> = map.optional("hello", cx);
    if let Some(hello) = hello.as_ref().filter(|h| h.contains(|c: char| c.is_whitespace() || c.is_control()))
    {
        cx.error_help(hello.span, "hello is no name of a host", "write one without spaces");
    }
    let hello = hello.map(|hello| hello.value).unwrap_or_default();
    let require_tls = map.optional("require_tls", cx).unwrap_or(default.require_tls);
    let html = text(map, "html", HTML_DEFAULT, cx);
    let text = text(map, "text", "", cx);
    let smarthost = smarthost?;
    Some(EmailConfig {
        to: to?.value,
        from: from?,
        hello: if hello.is_empty() { default.hello } else { hello },
        implicit_tls: implicit_tls.unwrap_or(smarthost.port == IMPLICIT_TLS_PORT),
        smarthost,
        auth,
        require_tls,
        tls: tls?,
        headers,
        html,
        text,
        threading: threading?,
    })
}

fn smarthost(
    map: &mut MapReader<'_>,
    base: &Base<'_>,
    default: &SmtpDefaults,
    cx: &mut Cx<'_>,
) -> Option<Smarthost> {
    let own: Option<Spanned<String>> = map.optional("smarthost", cx);
    let own = own.filter(|own| !own.is_empty());
    let global = default.smarthost.as_deref().filter(|text| !text.is_empty());
    let (written, span, field) = match (&own, global) {
        (Some(own), _) => (own.value.as_str(), own.span, "smarthost"),
        (None, Some(global)) => (global, map.span_first_line(cx), "smtp_smarthost"),
        (None, None) => {
            if base.global.is_some() {
                missing(map, "no mail server", "write smarthost here, or smtp_smarthost under global", cx);
            }
            return None;
        }
    };
    let found = host_and_port(written);
    if found.is_none() {
        let message = format!("{field} {written:?} is not a host and a port");
        cx.error_help(span, message, "write both, such as mail.example.org:587");
    }
    found
}

fn host_and_port(text: &str) -> Option<Smarthost> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(inside) => inside.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let port = match port {
        "smtp" => 25,
        "submission" => 587,
        "smtps" | "submissions" => IMPLICIT_TLS_PORT,
        number => number.parse().ok()?,
    };
    let host = if host.is_empty() { "localhost" } else { host };
    (!host.contains(char::is_whitespace)).then(|| Smarthost { host: host.to_owned(), port })
}

fn auth(map: &mut MapReader<'_>, default: &SmtpDefaults, cx: &mut Cx<'_>) -> Option<MailAuth> {
    let fields = AddressFields { url: "auth_password", file: "auth_password_file" };
    let password = secret_source(map, fields, cx).or_else(|| default.auth_password.clone());
    let fields = AddressFields { url: "auth_secret", file: "auth_secret_file" };
    let secret = secret_source(map, fields, cx).or_else(|| default.auth_secret.clone());
    let or = |own: Option<String>, default: &Option<String>| {
        own.filter(|own| !own.is_empty()).or_else(|| default.clone()).unwrap_or_default()
    };
    let username = or(map.optional("auth_username", cx), &default.auth_username);
    let identity = or(map.optional("auth_identity", cx), &default.auth_identity);
    (!username.is_empty()).then_some(MailAuth { username, identity, password, secret })
}

/// Alertmanager takes anything here and fails when it sends.
fn doubt_address(written: &Spanned<String>, cx: &mut Cx<'_>) {
    let is_address = |part: &str| part.contains('@') || part.trim().is_empty();
    if !written.contains("{{") && !written.split(',').all(is_address) {
        cx.warning(written.span, format!("{:?} is no mail address: it has no @", written.value));
    }
}

fn headers(node: Option<&Node>, cx: &mut Cx<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let Some(node) = node.filter(|n| !is_null(n)) else { return all };
    for (key, value) in bellwether_diag::entries(node, cx).unwrap_or_default() {
        let written = key.as_text().unwrap_or_default();
        if written.is_empty() || !written.chars().all(|c| c.is_ascii_graphic() && c != ':') {
            cx.error_help(
                key.span,
                format!("{written:?} is no name of a header"),
                "write one such as Reply-To",
            );
            continue;
        }
        let name = canonical(written);
        if HEADERS_OF_THE_FORM.contains(&name.as_str()) {
            let help = match name.as_str() {
                "Bcc" => "everyone could read it; write the address in to, and in headers a To without it",
                _ => "it follows from html and text; remove it",
            };
            cx.warning(key.span, format!("header {name} is left out: {help}"));
            continue;
        }
        let text = <String as bellwether_diag::Decode>::decode(value, cx).unwrap_or_default();
        if all.insert(name.clone(), text).is_some() {
            cx.error_help(key.span, format!("header {name} is written twice"), "remove one of them");
        }
    }
    all
}

/// `message-ID` is `Message-Id`: names of headers know no upper and lower case.
fn canonical(name: &str) -> String {
    let mut starts = true;
    let spelled = name.chars().map(|c| {
        let c = if starts { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        starts = c == '-';
        c
    });
    spelled.collect()
}

fn threading(node: Option<&Node>, headers: &BTreeMap<String, String>, cx: &mut Cx<'_>) -> Option<Threading> {
    let Some(node) = node.filter(|n| !is_null(n)) else { return Some(Threading::Off) };
    let mut map = MapReader::open(node, cx)?;
    let enabled = map.optional("enabled", cx).unwrap_or(false);
    let by_date: Option<Spanned<String>> = map.optional("thread_by_date", cx);
    let span = map.span_first_line(cx);
    map.finish(cx);
    if !enabled {
        return Some(Threading::Off);
    }
    for name in ["In-Reply-To", "References"].into_iter().filter(|name| headers.contains_key(*name)) {
        let message = format!("threading writes the header {name}, and so do the headers here");
        cx.error_help(span, message, "remove one of them");
    }
    by_date_of(by_date, span, cx)
}

fn by_date_of(written: Option<Spanned<String>>, span: Span, cx: &mut Cx<'_>) -> Option<Threading> {
    match written.as_ref().map(|w| w.value.as_str()) {
        Some("none") => Some(Threading::Group),
        Some("daily") => Some(Threading::GroupAndDay),
        Some(_) | None => {
            let span = written.as_ref().map_or(span, |w| w.span);
            cx.error_help(span, "thread_by_date must be none or daily", "write one of the two");
            None
        }
    }
}
