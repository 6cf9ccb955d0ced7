//! Services that break at known moments, and the webhook that hears of it: one server, so that one clock says when.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests that each service answers in a second.
const REQUESTS_PER_S: u64 = 100;
/// Requests that fail at the moment it breaks; from then on all do.
const ERRORS_AT_ONCE: u64 = 50;

/// Who watches and which service.
type Watched = (String, usize);

/// When what happened.
pub struct Breaking {
    started: Instant,
    breaks: Vec<Instant>,
    watchers: Vec<&'static str>,
    /// When the first answer that shows it had been sent.
    shown: Mutex<BTreeMap<Watched, Instant>>,
    /// When the first message about it had arrived.
    heard: Mutex<BTreeMap<Watched, Instant>>,
}

/// How long it took until a broken service was heard of.
pub struct Heard {
    pub from_sample: Duration,
    pub from_change: Duration,
}

impl Breaking {
    /// Services that break at these moments.
    pub fn new(breaks: Vec<Instant>, watchers: Vec<&'static str>) -> Self {
        Self { started: Instant::now(), breaks, watchers, shown: Mutex::default(), heard: Mutex::default() }
    }

    /// Serves `/metrics/WATCHER` and `/hook/WATCHER` for as long as the program runs; gives the address.
    pub fn start(self: Arc<Self>) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let breaking = self.clone();
                std::thread::spawn(move || breaking.serve(stream));
            }
        });
        Ok(address)
    }

    /// What a watcher told of, service by service.
    pub fn heard(&self, watcher: &str) -> Vec<Heard> {
        let (shown, heard) = (lock(&self.shown), lock(&self.heard));
        let mut all = Vec::new();
        for (service, broke) in self.breaks.iter().enumerate() {
            let watched = (watcher.to_owned(), service);
            if let (Some(shown), Some(heard)) = (shown.get(&watched), heard.get(&watched)) {
                all.push(Heard {
                    from_sample: heard.saturating_duration_since(*shown),
                    from_change: heard.saturating_duration_since(*broke),
                });
            }
        }
        all
    }

    /// Answers requests until the other side has enough.
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let mut request = String::new();
            if reader.read_line(&mut request).ok()? == 0 {
                return None;
            }
            let (mut header, mut length) = (String::new(), 0);
            while header != "\r\n" {
                header.clear();
                if reader.read_line(&mut header).ok()? == 0 {
                    return None;
                }
                let (name, value) = header.split_once(':').unwrap_or_default();
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().ok()?;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let (what, watcher) = request.split(' ').nth(1)?.strip_prefix('/')?.split_once('/')?;
            let watcher = self.watchers.iter().find(|known| **known == watcher)?;
            match what {
                "metrics" => self.show(watcher, &mut stream)?,
                _ => {
                    self.hear(watcher, &body, Instant::now());
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
                }
            }
        }
    }

    fn show(&self, watcher: &str, stream: &mut TcpStream) -> Option<()> {
        let now = Instant::now();
        let body = self.text(now);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
        let (sent, mut shown) = (Instant::now(), lock(&self.shown));
        for (service, broke) in self.breaks.iter().enumerate() {
            if *broke <= now {
                shown.entry((watcher.to_owned(), service)).or_insert(sent);
            }
        }
        Some(())
    }

    fn text(&self, now: Instant) -> String {
        let events = |since: Instant| {
            (now.saturating_duration_since(since).as_secs_f64() * REQUESTS_PER_S as f64) as u64
        };
        let mut out = String::from("# TYPE requests_total counter\n");
        // Writing to a string cannot fail.
        for service in 0..self.breaks.len() {
            let requests = events(self.started) + ERRORS_AT_ONCE;
            let _ = writeln!(out, "requests_total{{service=\"s{service}\"}} {requests}");
        }
        out.push_str("# TYPE errors_total counter\n");
        for (service, broke) in self.breaks.iter().enumerate() {
            let errors = if *broke <= now { ERRORS_AT_ONCE + events(*broke) } else { 0 };
            let _ = writeln!(out, "errors_total{{service=\"s{service}\"}} {errors}");
        }
        out
    }

    fn hear(&self, watcher: &str, body: &[u8], at: Instant) {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let mut heard = lock(&self.heard);
        for alert in body["alerts"].as_array().into_iter().flatten() {
            let service =
                alert["labels"]["slo"].as_str().and_then(|name| name.strip_prefix('s')?.parse().ok());
            if let (Some(service), "firing") = (service, alert["status"].as_str().unwrap_or_default()) {
                heard.entry((watcher.to_owned(), service)).or_insert(at);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
