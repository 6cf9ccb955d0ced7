//! A recorded mail as the bytes of a message: RFC 5322 and MIME, text first, the page last, because programs show the
//! last form they understand (RFC 2046, 5.1.4).

use std::time::SystemTime;

use bellwether_alerts::Mail;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{self, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, Message, MultiPart, SinglePart};

use crate::http::Unsendable;

/// The address of the only sender.
pub(super) fn sender(mail: &Mail) -> Result<Address, Unsendable> {
    match &addresses("from", &mail.from)?[..] {
        [one] => Ok(one.email.clone()),
        many => Err(Unsendable(format!("from must be one address, and is {}", many.len()))),
    }
}

/// Everyone who is to get it.
pub(super) fn recipients(mail: &Mail) -> Result<Vec<Address>, Unsendable> {
    let mut all: Vec<Address> = addresses("to", &mail.to)?.into_iter().map(|mailbox| mailbox.email).collect();
    all.dedup();
    match all.is_empty() {
        true => Err(Unsendable("to names nobody".to_owned())),
        false => Ok(all),
    }
}

/// The message, with the delivery's key as its identity.
pub(super) fn bytes(mail: &Mail, key: &str) -> Result<Vec<u8>, Unsendable> {
    let from = sender(mail)?;
    let id = format!("<{key}@{}>", from.domain());
    let mut builder = Message::builder();
    let own =
        |name: &str| mail.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let written_from = addresses("the header From", own("From").unwrap_or(&mail.from))?;
    builder = builder.mailbox(header::From::from(Mailboxes::from(written_from)));
    let to = own("To").unwrap_or(&mail.to);
    builder = match addresses("the header To", to) {
        Ok(to) if !to.is_empty() => builder.mailbox(header::To::from(Mailboxes::from(to))),
        // A group without members, for instance: "undisclosed-recipients:;".
        Ok(_) | Err(_) => builder.raw_header(raw("To", to)?),
    };
    builder = builder.raw_header(raw("Subject", &mail.subject)?);
    builder = builder.raw_header(raw("Message-ID", own("Message-Id").unwrap_or(&id))?);
    for (name, value) in &mail.headers {
        builder = match name.as_str() {
            "From" | "To" | "Message-Id" => builder,
            "Date" => builder.date(date(value)?),
            _ => builder.raw_header(raw(name, value)?),
        };
    }
    // Nobody is told by what stands in the message.
    let envelope = Envelope::new(Some(from.clone()), vec![from]);
    builder = builder.envelope(envelope.map_err(|error| Unsendable(error.to_string()))?);
    let text = SinglePart::plain(lines(&mail.text));
    let built = match mail.html.is_empty() {
        true => builder.singlepart(text),
        false => {
            let both =
                MultiPart::alternative().singlepart(text).singlepart(SinglePart::html(lines(&mail.html)));
            builder.multipart(both)
        }
    };
    Ok(built.map_err(|error| Unsendable(format!("the mail cannot be built: {error}")))?.formatted())
}

fn date(text: &str) -> Result<SystemTime, Unsendable> {
    let read = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    let read = read.map_err(|error| Unsendable(format!("the header Date is no date: {error}")))?;
    Ok(SystemTime::from(read))
}

/// A header is one line, whatever was recorded.
fn raw(name: &str, value: &str) -> Result<HeaderValue, Unsendable> {
    let header = HeaderName::new_from_ascii(name.to_owned());
    let header = header.map_err(|_| Unsendable(format!("{name:?} is no name of a header")))?;
    let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Ok(HeaderValue::new(header, value))
}

/// Lines end with both characters in mail: RFC 5322, 2.3.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// The addresses of a list. One that cannot be read is an error: left out, somebody would never hear.
fn addresses(what: &str, text: &str) -> Result<Vec<Mailbox>, Unsendable> {
    let pieces = pieces(text);
    let pieces = pieces.iter().map(|piece| piece.trim()).filter(|piece| !piece.is_empty());
    let read = |piece: &str| {
        let mailbox: Option<Mailbox> = piece.parse().ok();
        // What follows an address must be nothing.
        let ends = |m: &Mailbox| piece.trim_end_matches('>').trim_end().ends_with(m.email.domain());
        mailbox.filter(ends).ok_or_else(|| Unsendable(format!("{what}: {piece:?} is no mail address")))
    };
    pieces.map(read).collect()
}

/// Cuts a list at its commas, not at those in quotes or angle brackets.
fn pieces(text: &str) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let (mut in_quotes, mut in_brackets, mut is_escaped) = (false, false, false);
    for c in text.chars() {
        match c {
            '"' if !is_escaped => in_quotes = !in_quotes,
            '<' if !in_quotes => in_brackets = true,
            '>' if !in_quotes => in_brackets = false,
            ',' if !in_quotes && !in_brackets => {
                pieces.push(std::mem::take(&mut piece));
                continue;
            }
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
        piece.push(c);
    }
    pieces.push(piece);
    pieces
}
