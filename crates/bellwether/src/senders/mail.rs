//! Mail: from what was recorded to an accepted message.
//!
//! Each recipient is asked for by itself: a full mailbox must not keep the others from hearing. Who has taken the
//! message is remembered, so that the next attempt tells only the rest. The message's identity is its delivery's key,
//! so that one sent twice (after a crash, or when the server's answer was lost) is recognised as the same.

use std::time::Duration;

use bellwether_alerts::{Content, EmailConfig, Mail, Part, Receipt, Thread};
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands;
use lettre::transport::smtp::extension::{Extension, MailParameter};

use super::answer::Reply;
use super::line::Line;
use super::mail_error::{Broken, code};
use super::{mail_connection, mail_message};
use crate::http::Unsendable;
use crate::http::redact::Hidden;

/// How long the whole conversation may take. Servers that look twice at whom they talk to are slow on purpose.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Which message `TAKEN` speaks of.
const TAKEN_OF: &str = "mail_taken_of";
/// Who has taken it, separated by spaces.
const TAKEN: &str = "mail_taken";

pub(super) async fn send(config: &EmailConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let Content::Mail(mail) = &part.content else {
        return Err(Unsendable("the recorded message is no mail".to_owned()).into());
    };
    let mut hidden = Hidden::default();
    let talk = talk(config, mail, line, &mut hidden);
    match tokio::time::timeout(TIMEOUT, talk).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(Broken::Unsendable(why))) => Err(why.into()),
        Ok(Err(Broken::Smtp(error))) => Err(receipt(&error, &hidden).into()),
        Err(_) => {
            let reason = format!("the mail server did not answer within {} s", TIMEOUT.as_secs());
            Err(Receipt::Unreachable { reason }.into())
        }
    }
}

async fn talk(
    config: &EmailConfig,
    mail: &Mail,
    line: &Line<'_>,
    hidden: &mut Hidden,
) -> Result<Reply, Broken> {
    let from = mail_message::sender(mail)?;
    let recipients = mail_message::recipients(mail)?;
    let bytes = mail_message::bytes(mail, &line.key())?;
    let taken = taken(line);
    let left: Vec<Address> = recipients.into_iter().filter(|r| !taken.contains(&r.to_string())).collect();
    if left.is_empty() {
        return Ok(taken_by_all(line));
    }
    let mut connection = mail_connection::open(config, hidden).await?;
    let spread = hand_over(&mut connection, from, left, &bytes, hidden).await;
    // Whatever follows the server's word on the message changes nothing.
    let _ = tokio::time::timeout(Duration::from_secs(1), connection.quit()).await;
    Ok(spread?.reply(line, taken))
}

/// What became of the recipients.
#[derive(Default)]
struct Spread {
    taken: Vec<String>,
    /// With the code and what was said.
    refused: Vec<(String, u16, String)>,
}

async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    from: Address,
    to: Vec<Address>,
    bytes: &[u8],
    hidden: &Hidden,
) -> Result<Spread, Broken> {
    let is_foreign = |address: &Address| !address.to_string().is_ascii();
    let mut parameters = Vec::new();
    if is_foreign(&from) || to.iter().any(is_foreign) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let why = "an address has letters beyond ASCII, and the mail server does not offer SMTPUTF8";
            return Err(Unsendable(why.to_owned()).into());
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    connection.command(commands::Mail::new(Some(from), parameters)).await.map_err(who_we_are)?;
    let mut spread = Spread::default();
    for address in to {
        let name = address.to_string();
        match connection.command(commands::Rcpt::new(address, Vec::new())).await {
            Ok(_) => spread.taken.push(name),
            Err(error) => match code(&error) {
                Some(code) => spread.refused.push((name, code, said(&error, hidden))),
                None => return Err(error.into()),
            },
        }
    }
    if !spread.taken.is_empty() {
        connection.command(commands::Data).await?;
        connection.message(bytes).await?;
    }
    Ok(spread)
}

/// A server that wants to know who we are may know it next time: the password's file has been mended by then, or the
/// account. The message itself is not at fault.
fn who_we_are(error: Error) -> Broken {
    match code(&error) {
        Some(530 | 534 | 535 | 538) => {
            let why = format!("the mail server refuses who we are: {error}");
            Unsendable(why.chars().filter(|c| !c.is_control()).take(300).collect()).into()
        }
        _ => error.into(),
    }
}

impl Spread {
    fn reply(self, line: &Line<'_>, mut taken: Vec<String>) -> Reply {
        let told = self.taken.len();
        taken.extend(self.taken);
        // One that may be taken later counts before one that never will: it is tried again.
        let later = self.refused.iter().find(|(_, code, _)| *code < 500);
        let Some((name, code, said)) = later.or(self.refused.first()) else {
            return taken_by_all(line);
        };
        if later.is_none() && !taken.is_empty() {
            // Not to be tried again, and no reason to tell all others again with the next look at the group.
            let left_out = left_out(&self.refused);
            tracing::warn!(integration = %line.delivery.integration, %left_out, "recipients are refused for good");
            return Reply {
                receipt: Receipt::AcceptedInPart { status: 250, left_out },
                ..taken_by_all(line)
            };
        }
        let thread = Thread::from([(TAKEN_OF.to_owned(), line.key()), (TAKEN.to_owned(), taken.join(" "))]);
        let also = match told {
            0 => String::new(),
            n => format!("; taken for {n} other{}", if n == 1 { "" } else { "s" }),
        };
        let answer = format!("{said} (for {name}{also})");
        Reply { receipt: Receipt::MailRefused { code: *code, answer }, thread }
    }
}

/// Recipients who are named with what was said of them.
const NAMED: usize = 3;

fn left_out(refused: &[(String, u16, String)]) -> String {
    let mut named: Vec<String> =
        refused.iter().take(NAMED).map(|(name, code, said)| format!("{name} ({code} {said})")).collect();
    if refused.len() > NAMED {
        named.push(format!("{} more", refused.len() - NAMED));
    }
    named.join(", ")
}

/// What was remembered for the next attempt is of no use any more.
fn taken_by_all(line: &Line<'_>) -> Reply {
    let had = [TAKEN_OF, TAKEN].into_iter().filter(|name| line.thread.contains_key(*name));
    let thread = had.map(|name| (name.to_owned(), String::new())).collect();
    Reply { receipt: Receipt::Accepted { status: 250 }, thread }
}

/// Who has taken this message at an earlier attempt.
fn taken(line: &Line<'_>) -> Vec<String> {
    let is_this = line.thread.get(TAKEN_OF).is_some_and(|key| *key == line.key());
    let taken = line.thread.get(TAKEN).filter(|_| is_this);
    taken
        .map(|taken| taken.split(' ').filter(|t| !t.is_empty()).map(str::to_owned).collect())
        .unwrap_or_default()
}

/// What the server said, in one line.
fn said(error: &Error, hidden: &Hidden) -> String {
    let source = std::error::Error::source(error);
    hidden.line(&source.map_or_else(|| error.to_string(), ToString::to_string))
}

fn receipt(error: &Error, hidden: &Hidden) -> Receipt {
    let said = said(error, hidden);
    match code(error) {
        Some(code) => Receipt::MailRefused { code, answer: said },
        None if error.is_tls() => {
            Receipt::Unreachable { reason: hidden.line(&format!("the encryption failed: {said}")) }
        }
        None => Receipt::Unreachable { reason: hidden.line(&format!("the mail server was lost: {said}")) },
    }
}
