//! A mail server that keeps what it is sent and forwards nothing: as much of SMTP (RFC 5321) as it takes to be handed a
//! message, without encryption and without passwords, for this machine only.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::receiver::{BODY_BYTES_MAX, Inbox, Kind, Message};

/// RFC 5321, 4.5.3.1.4 asks for 512 bytes; nobody here needs more than some of them.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// RFC 5321, 4.5.3.1.8.
const RECIPIENTS_MAX: usize = 100;

/// Listens until the process ends.
pub async fn serve(listener: TcpListener, inbox: Inbox) -> std::io::Result<()> {
    loop {
        let (connection, _) = listener.accept().await?;
        let inbox = inbox.clone();
        // Whoever hangs up in the middle has sent nothing.
        tokio::spawn(async move { talk(connection, &inbox).await.ok() });
    }
}

/// A message on its way.
#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

async fn talk(connection: TcpStream, inbox: &Inbox) -> std::io::Result<()> {
    let mut stream = BufReader::new(connection);
    stream.write_all(b"220 localhost takes mail and forwards none\r\n").await?;
    let mut envelope = Envelope::default();
    while let Some(line) = line(&mut stream).await? {
        let word: String = line.chars().take_while(char::is_ascii_alphabetic).collect();
        let answer = match word.to_ascii_uppercase().as_str() {
            "EHLO" => "250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned(),
            "HELO" | "NOOP" => "250 localhost".to_owned(),
            "RSET" => {
                envelope = Envelope::default();
                "250 forgotten".to_owned()
            }
            "MAIL" => match address(&line) {
                Some(from) => {
                    envelope = Envelope { from: Some(from), to: Vec::new() };
                    "250 sender ok".to_owned()
                }
                None => "501 write MAIL FROM:<address>".to_owned(),
            },
            "RCPT" => match address(&line).filter(|to| !to.is_empty()) {
                None => "501 write RCPT TO:<address>".to_owned(),
                Some(_) if envelope.from.is_none() => "503 MAIL comes first".to_owned(),
                Some(_) if envelope.to.len() >= RECIPIENTS_MAX => "452 too many recipients".to_owned(),
                Some(to) => {
                    envelope.to.push(to);
                    "250 recipient ok".to_owned()
                }
            },
            "DATA" if envelope.to.is_empty() => "503 RCPT comes first".to_owned(),
            "DATA" => {
                stream.write_all(b"354 end with a dot on a line of its own\r\n").await?;
                let Some(text) = data(&mut stream).await? else { return Ok(()) };
                match text {
                    Some(text) => {
                        inbox.push(message(std::mem::take(&mut envelope), &text));
                        "250 taken".to_owned()
                    }
                    None => "552 the message is too long".to_owned(),
                }
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 not known here".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// A line without its end; nothing when the other side is done or sends none that ends.
async fn line(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    stream.take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut bytes).await?;
    if bytes.last() != Some(&b'\n') {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()))
}

/// The text up to the dot, the dots before dots taken off (RFC 5321, 4.5.2); nothing in it when it is too long, nothing
/// at all when it does not end.
async fn data(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Option<String>>> {
    let (mut text, mut is_long) = (String::new(), false);
    while let Some(line) = line(stream).await? {
        if line == "." {
            return Ok(Some((!is_long).then_some(text)));
        }
        is_long |= text.len() + line.len() > BODY_BYTES_MAX;
        if !is_long {
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push('\n');
        }
    }
    Ok(None)
}

/// What stands in angle brackets.
fn address(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('<')?;
    Some(rest.split_once('>')?.0.to_owned())
}

fn message(envelope: Envelope, text: &str) -> Message {
    let path = envelope.to.join(", ");
    let body = json!({
        "from": envelope.from,
        "to": envelope.to,
        "subject": header(text, "subject").map_or(Value::Null, Value::String),
        "text": text,
    });
    Message::now(Kind::Mail, &path, None, body)
}

/// The value of a header, its folded lines joined.
fn header(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().take_while(|line| !line.is_empty());
    let is_it = |line: &str| line.split_once(':').is_some_and(|(word, _)| word.eq_ignore_ascii_case(name));
    let first = lines.by_ref().find(|line| is_it(line))?;
    let mut value = first.split_once(':')?.1.trim().to_owned();
    for line in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        value.push(' ');
        value.push_str(line.trim());
    }
    Some(value)
}
