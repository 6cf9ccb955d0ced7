//! A mail server for tests: it offers what it is told to offer, answers what it is told to answer, and keeps what was
//! said and sent.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::forged::Forged;

#[derive(Clone, Default)]
pub(crate) struct FakeSmtp {
    /// Lines of the answer to EHLO; before encryption, where there is some.
    pub(crate) offers: Vec<&'static str>,
    /// Those after STARTTLS.
    pub(crate) offers_encrypted: Vec<&'static str>,
    /// Answers to commands that begin with this, in place of the usual ones; an empty one hangs up.
    pub(crate) answers: Vec<(&'static str, &'static str)>,
    pub(crate) starttls: Option<TlsAcceptor>,
    pub(crate) implicit: Option<TlsAcceptor>,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
pub(crate) struct Seen {
    /// Commands, with `(tls)` before those that came encrypted.
    pub(crate) commands: Vec<String>,
    pub(crate) messages: Vec<String>,
}

impl FakeSmtp {
    pub(crate) fn with_starttls(forged: &Forged) -> Self {
        Self {
            offers: vec!["STARTTLS"],
            offers_encrypted: vec!["AUTH PLAIN LOGIN"],
            starttls: Some(forged.acceptor(b"")),
            ..Self::default()
        }
    }

    /// Listens from now on; the address.
    pub(crate) async fn open(&self) -> String {
        bellwether::install_tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let fake = self.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let fake = fake.clone();
                tokio::spawn(async move {
                    match &fake.implicit {
                        None => fake.greet(connection).await,
                        Some(acceptor) => {
                            let Ok(connection) = acceptor.accept(connection).await else { return };
                            let mut talk = BufReader::new(connection);
                            talk.write_all(b"220 fake\r\n").await.unwrap();
                            fake.serve(&mut talk, true).await;
                        }
                    }
                });
            }
        });
        address
    }

    async fn greet(&self, connection: tokio::net::TcpStream) {
        let mut talk = BufReader::new(connection);
        if talk.write_all(b"220 fake\r\n").await.is_err() || !self.serve(&mut talk, false).await {
            return;
        }
        let Some(acceptor) = &self.starttls else { return };
        let Ok(connection) = acceptor.accept(talk.into_inner()).await else { return };
        self.serve(&mut BufReader::new(connection), true).await;
    }

    /// Whether encryption was asked for.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        talk: &mut BufReader<S>,
        is_encrypted: bool,
    ) -> bool {
        let offers =
            if is_encrypted && self.starttls.is_some() { &self.offers_encrypted } else { &self.offers };
        let mut line = String::new();
        loop {
            line.clear();
            if talk.read_line(&mut line).await.unwrap_or(0) == 0 {
                return false;
            }
            let command = line.trim_end().to_owned();
            let mark = if is_encrypted { "(tls) " } else { "" };
            self.seen.lock().unwrap().commands.push(format!("{mark}{command}"));
            let own = self.answers.iter().find(|(start, _)| command.starts_with(start)).map(|(_, a)| *a);
            let answer = match own {
                Some("") => return false,
                Some(answer) => format!("{answer}\r\n"),
                None if command.starts_with("EHLO") => {
                    let lines: String = offers.iter().map(|offer| format!("250-{offer}\r\n")).collect();
                    format!("250-fake\r\n{lines}250 HELP\r\n")
                }
                None if command == "STARTTLS" => "220 go on\r\n".to_owned(),
                None if command == "AUTH LOGIN" || command == "AUTH CRAM-MD5" => {
                    "334 PDEyMzQ+\r\n".to_owned()
                }
                None if command.starts_with("AUTH PLAIN") => "235 welcome\r\n".to_owned(),
                None if command == "DATA" => "354 go on\r\n".to_owned(),
                None => "250 ok\r\n".to_owned(),
            };
            if talk.write_all(answer.as_bytes()).await.is_err() {
                return false;
            }
            if command == "STARTTLS" && answer.starts_with("220") {
                return true;
            }
            if command == "DATA" && answer.starts_with("354") {
                let own = self.answers.iter().find(|(start, _)| *start == ".").map(|(_, a)| *a);
                if !self.message(talk, own.unwrap_or("250 taken")).await {
                    return false;
                }
            }
        }
    }

    async fn message<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        talk: &mut BufReader<S>,
        answer: &str,
    ) -> bool {
        let mut message = String::new();
        let mut line = String::new();
        while line.trim_end() != "." {
            message += &line;
            line.clear();
            if talk.read_line(&mut line).await.unwrap_or(0) == 0 {
                return false;
            }
        }
        self.seen.lock().unwrap().messages.push(message);
        !answer.is_empty() && talk.write_all(format!("{answer}\r\n").as_bytes()).await.is_ok()
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.seen.lock().unwrap().commands.clone()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.seen.lock().unwrap().messages.clone()
    }
}
