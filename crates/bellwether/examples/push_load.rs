//! Pushes samples by remote write as fast as a server takes them, and says how much of a processor that cost it.
//!
//!     cargo run --release --example push_load -- 127.0.0.1:9090 PID SERIES SERIES_PER_REQUEST SAMPLES_PER_SERIES ROUNDS
//!
//! A round sends every series once. The first round makes the series and is reported apart.
#![allow(clippy::print_stdout)] // it speaks to whoever started it

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bellwether_testkit::remote_write::{Series, one};

/// Time between two samples of a series.
const STEP_MS: i64 = 1000;
/// Clock ticks in a second, as Linux counts the time of processes.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, pid, numbers @ ..] = arguments.as_slice() else {
        panic!("see the first lines of the source")
    };
    let numbers: Vec<usize> = numbers.iter().map(|number| number.parse().unwrap()).collect();
    let [series, per_request, samples, rounds] = numbers[..] else { panic!("four numbers are needed") };
    let mut requests: Vec<Template> = (0..series)
        .step_by(per_request)
        .map(|first| Template::new(first..(first + per_request).min(series), samples))
        .collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let mut at = now - (rounds as i64 + 1) * samples as i64 * STEP_MS;
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut connection = BufReader::new(stream);
    let mut encoder = snap::raw::Encoder::new();
    let mut report = |name: &str, rounds: usize| {
        let (began, cpu) = (Instant::now(), cpu_seconds(pid));
        let mut bytes = 0;
        for _ in 0..rounds {
            for request in &mut requests {
                request.set(at);
                let body = encoder.compress_vec(&request.body).unwrap();
                bytes += body.len();
                push(&mut connection, address, &body);
            }
            at += samples as i64 * STEP_MS;
        }
        let count = (rounds * series * samples) as f64;
        let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(pid) - cpu);
        println!(
            "{name}: {count} samples, {:.1} bytes each packed, {took:.2} s, {cpu:.2} s of processor: {:.2} M a second, \
             {:.2} M a core-second",
            bytes as f64 / count,
            count / took / 1e6,
            count / cpu / 1e6
        );
    };
    report("new series", 1);
    report("known series", rounds);
}

/// Time that a process has used.
fn cpu_seconds(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS_PER_SECOND
}

/// A body of which only moments and values change.
struct Template {
    body: Vec<u8>,
    /// Where values stand, the moment behind each.
    places: Vec<usize>,
    samples: usize,
    values: Vec<f64>,
}

/// A moment of six bytes, as those of our days are.
const MARK_AT: i64 = 1_700_000_000_000;
const MARK_VALUE: f64 = f64::from_bits(0x7ff9_1234_5678_9abc);

impl Template {
    fn new(series: std::ops::Range<usize>, samples: usize) -> Self {
        let count = series.len();
        let labels = |number: usize| {
            Series::new(
                &[
                    ("__name__", &format!("http_request_duration_seconds_count_{}", number % 100)),
                    ("cluster", "production-europe-west-1"),
                    ("code", ["200", "404", "500"][number % 3]),
                    ("container", "checkout"),
                    ("instance", &format!("10.0.{}.{}:8080", number / 256 % 256, number % 256)),
                    ("job", "shop/checkout"),
                    ("method", ["GET", "POST"][number % 2]),
                    ("namespace", "shop"),
                    ("pod", &format!("checkout-7d9f8c6b5-{number:07}")),
                    ("route", &format!("/api/v1/orders/{}", number % 10)),
                ],
                &vec![(MARK_AT, MARK_VALUE); samples],
            )
        };
        let series: Vec<Series> = series.map(labels).collect();
        let body = one(&series);
        let mark = MARK_VALUE.to_le_bytes();
        let mut places: Vec<usize> = Vec::new();
        let mut from = 0;
        while let Some(found) = body[from..].windows(8).position(|window| window == mark) {
            places.push(from + found);
            from += found + 8;
        }
        Self { body, places, samples, values: vec![0.0; count] }
    }

    fn set(&mut self, at: i64) {
        for (number, place) in self.places.iter().enumerate() {
            let (series, sample) = (number / self.samples, number % self.samples);
            // Counters that grow unevenly.
            self.values[series] += ((series * 7 + number * 13) % 17) as f64;
            self.body[*place..place + 8].copy_from_slice(&self.values[series].to_le_bytes());
            let mut at = (at + sample as i64 * STEP_MS) as u64;
            for byte in &mut self.body[place + 9..place + 15] {
                *byte = (at & 0x7f) as u8 | 0x80;
                at >>= 7;
            }
            self.body[place + 14] &= 0x7f;
        }
    }
}

fn push(connection: &mut BufReader<TcpStream>, address: &str, body: &[u8]) {
    let head = format!(
        "POST /api/v1/write HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-protobuf\r\n\
         Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.get_mut().write_all(head.as_bytes()).unwrap();
    connection.get_mut().write_all(body).unwrap();
    let (mut status, mut length) = (String::new(), 0);
    connection.read_line(&mut status).unwrap();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut answer = vec![0; length];
    connection.read_exact(&mut answer).unwrap();
    assert!(status.contains(" 204 "), "{status} {}", String::from_utf8_lossy(&answer));
}
