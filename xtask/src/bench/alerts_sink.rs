//! A webhook receiver that costs as little as possible: it says yes to everything, counts, and notes when the alerts
//! that are told apart by a label `probe` arrived.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether enough has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What has arrived.
#[derive(Default)]
pub struct Sink {
    messages: AtomicU64,
    arrivals: Mutex<Arrivals>,
}

#[derive(Default)]
struct Arrivals {
    first: Option<Instant>,
    last: Option<Instant>,
    probes: BTreeMap<u64, Instant>,
}

impl Sink {
    /// Serves for as long as the program runs; gives the address.
    pub fn start(self: Arc<Self>) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = self.clone();
                // A server may open a connection for every message.
                let _ = std::thread::Builder::new().stack_size(64 << 10).spawn(move || sink.serve(stream));
            }
        });
        Ok(address)
    }

    /// Forgets what arrived.
    pub fn reset(&self) {
        self.messages.store(0, Ordering::SeqCst);
        *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner) = Arrivals::default();
    }

    /// Waits for so many messages; gives how long it took from the first to the last.
    pub fn wait_for(&self, messages: u64, at_most: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        while self.messages.load(Ordering::SeqCst) < messages {
            if began.elapsed() > at_most {
                let heard = self.messages.load(Ordering::SeqCst);
                return Err(format!("{heard} of {messages} messages arrived within {at_most:?}"));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(arrivals.last.zip(arrivals.first).map_or(Duration::ZERO, |(last, first)| last - first))
    }

    /// When a probe arrived.
    pub fn arrival(&self, probe: u64) -> Option<Instant> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).probes.get(&probe).copied()
    }

    fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut connection = BufReader::new(stream);
        let mut body = Vec::new();
        while let Some(length) = head(&mut connection) {
            body.resize(length, 0);
            if connection.read_exact(&mut body).is_err() {
                return;
            }
            self.note(&body);
            if connection.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
                return;
            }
        }
    }

    fn note(&self, body: &[u8]) {
        let now = Instant::now();
        {
            let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            arrivals.first.get_or_insert(now);
            arrivals.last = Some(now);
            if let Some(probe) = probe(body) {
                arrivals.probes.entry(probe).or_insert(now);
            }
        }
        self.messages.fetch_add(1, Ordering::SeqCst);
    }
}

/// The length of the body behind the headers.
fn head(connection: &mut BufReader<TcpStream>) -> Option<usize> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if connection.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let header = line.trim_end();
        if header.is_empty() {
            return Some(length);
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
}

/// The number behind `"probe":"`.
fn probe(body: &[u8]) -> Option<u64> {
    let key = b"\"probe\":\"";
    let at = body.windows(key.len()).position(|window| window == key)? + key.len();
    let digits = body[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}
