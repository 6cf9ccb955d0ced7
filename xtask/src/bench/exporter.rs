//! What the rule benchmark scrapes: a thousand services that count requests, a few of which fail.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

/// Services. Each has ten series: two instances with four codes and a gauge.
pub const SERVICES: usize = 1000;
/// The services are spread over so many pages, each a target of its own.
pub const PAGES: usize = 10;
/// Codes of answers, and their usual share in percent.
pub const CODES: [(&str, u64); 4] = [("200", 97), ("404", 2), ("500", 1), ("503", 0)];

/// The page a service is on.
pub fn page_of(service: usize) -> usize {
    service % PAGES
}

/// Whether a service fails: one in fifty.
pub fn is_failing(service: usize) -> bool {
    service % 50 == 7
}

/// Serves `/page/N` on a port of its own for as long as the program runs; gives the address.
pub fn start() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
    let started = Instant::now();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, started));
        }
    });
    Ok(address)
}

/// Answers requests until the other side has enough.
fn serve(mut stream: TcpStream, started: Instant) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request).ok()? == 0 {
            return None;
        }
        let mut header = String::new();
        while header != "\r\n" {
            header.clear();
            if reader.read_line(&mut header).ok()? == 0 {
                return None;
            }
        }
        let page = request.split(' ').nth(1)?.strip_prefix("/page/")?.parse().ok()?;
        // Whole seconds: the two who scrape a moment apart see the same.
        let body = text(page, started.elapsed().as_secs());
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
    }
}

/// The exposition of one page after so many seconds. Counters are whole, as counters are.
fn text(page: usize, seconds: u64) -> String {
    let mut out = String::from("# TYPE requests_total counter\n");
    let services = || (0..SERVICES).filter(|service| page_of(*service) == page);
    // Writing to a string cannot fail, here and below.
    for service in services() {
        for instance in 0..2 {
            for (code, share) in CODES {
                let share = if is_failing(service) && code == "503" { 30 } else { share };
                let count = (seconds * (10 + service as u64 % 90) * share).div_ceil(100);
                let _ = writeln!(
                    out,
                    "requests_total{{service=\"s{service}\",instance=\"i{instance}\",code=\"{code}\"}} {count}"
                );
            }
        }
    }
    out.push_str("# TYPE requests_in_flight gauge\n");
    for service in services() {
        for instance in 0..2 {
            let busy = if is_failing(service) { 80 } else { 0 };
            let value = (seconds / 5 * 7 + service as u64) % 40 + busy;
            let _ = writeln!(
                out,
                "requests_in_flight{{service=\"s{service}\",instance=\"i{instance}\"}} {value}"
            );
        }
    }
    out
}
