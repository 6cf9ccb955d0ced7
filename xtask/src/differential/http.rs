//! The least of HTTP/1.1 that talking to a server on loopback takes: POST on one connection, bodies with a length or
//! in chunks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than any query may take.
const PATIENCE: Duration = Duration::from_secs(150);

/// One connection to a server, made anew when the server closes it.
pub struct Client {
    address: String,
    connection: Option<BufReader<TcpStream>>,
}

/// What a server answered.
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Client {
    /// Speaks to `host:port`; connects when first asked.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), connection: None }
    }

    /// Sends a request and reads the whole answer. A connection that was closed between two requests is made anew.
    pub fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Result<Reply, String> {
        let is_reused = self.connection.is_some();
        match self.try_send(method, path, headers, body) {
            Ok(reply) => Ok(reply),
            Err(_) if is_reused => {
                self.connection = None;
                self.try_send(method, path, headers, body)
            }
            Err(error) => Err(error),
        }
        .map_err(|error| format!("{method} http://{}{path}: {error}", self.address))
    }

    fn try_send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Result<Reply, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(&self.address).map_err(text)?;
                stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
                stream.set_nodelay(true).map_err(text)?;
                BufReader::new(stream)
            }
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n{headers}\r\n",
            self.address,
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        connection.get_mut().write_all(&request).map_err(text)?;
        let (reply, is_last) = read_reply(&mut connection)?;
        if !is_last {
            self.connection = Some(connection);
        }
        Ok(reply)
    }
}

fn read_reply(connection: &mut BufReader<TcpStream>) -> Result<(Reply, bool), String> {
    let status_line = line(connection)?;
    let status = status_line.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| format!("not an HTTP answer: {status_line:?}"))?;
    let (mut length, mut is_chunked, mut is_last) = (0, false, false);
    loop {
        let header = line(connection)?.to_ascii_lowercase();
        let Some((name, value)) = header.split_once(':') else { break };
        match (name, value.trim()) {
            ("content-length", value) => {
                length = value.parse().map_err(|_| format!("unreadable length {value:?}"))?
            }
            ("transfer-encoding", "chunked") => is_chunked = true,
            ("connection", "close") => is_last = true,
            _ => {}
        }
    }
    let mut body = Vec::new();
    if !is_chunked {
        take(connection, length, &mut body)?;
        return Ok((Reply { status, body }, is_last));
    }
    loop {
        let size = line(connection)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| format!("unreadable chunk {size:?}"))?;
        take(connection, size, &mut body)?;
        line(connection)?;
        if size == 0 {
            return Ok((Reply { status, body }, is_last));
        }
    }
}

fn line(connection: &mut BufReader<TcpStream>) -> Result<String, String> {
    let mut line = String::new();
    match connection.read_line(&mut line) {
        Ok(0) => Err("the server closed the connection".to_owned()),
        Ok(_) => Ok(line.trim_end().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn take(connection: &mut BufReader<TcpStream>, length: usize, body: &mut Vec<u8>) -> Result<(), String> {
    let start = body.len();
    body.resize(start + length, 0);
    connection.read_exact(&mut body[start..]).map_err(|error| error.to_string())
}

/// A form's body.
pub fn form(fields: &[(&str, String)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    pairs.join("&")
}

/// Percent-encoded, everything but letters and digits.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(byte).collect()
}
