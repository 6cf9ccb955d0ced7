//! Scraping: many targets every second, each with all series of a service of the workload.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_model::METRIC_NAME;

use super::Bench;
use super::contender::Contender;
use super::workload::{SERIES, STEP_MS, Workload};
use crate::Outcome;

const TARGETS: usize = 40;
const WARM_UP: Duration = Duration::from_secs(8);
const MEASURED: Duration = Duration::from_secs(30);

/// Bodies that change from one scrape to the next; making them is not measured, so they are made beforehand.
const BODIES: usize = 24;

pub fn compare(bench: &Bench) -> Outcome {
    let address = serve(bodies())?;
    let config = bench.home.join("scraping.yml");
    let targets: String = (0..TARGETS)
        .map(|n| format!("        - {address}\n").replace("127.0.0.1", &format!("127.0.0.{}", n + 1)))
        .collect();
    let text = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  - job_name: services\n    \
         honor_labels: true\n    static_configs:\n      - targets:\n{targets}"
    );
    fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
    println!("\nScraping {TARGETS} targets of {SERIES} series every second\n");
    println!(
        "| | samples scraped in {} s | seconds of processor | M samples per core-second |",
        MEASURED.as_secs()
    );
    println!("|---|---|---|---|");
    for contender in [Contender::Bellwether, Contender::Prometheus] {
        let dir = bench.fresh(&format!("{}-scraping", contender.name()));
        let server = contender.start(&bench.programs, &dir, &config)?;
        std::thread::sleep(WARM_UP);
        let (before, scraped_before) = (server.usage()?.cpu, count_of_scrapes());
        std::thread::sleep(MEASURED);
        let (after, scraped_after) = (server.usage()?.cpu, count_of_scrapes());
        let samples = (scraped_after - scraped_before) as f64 * SERIES as f64;
        let spent = (after - before).as_secs_f64();
        println!("| {} | {samples:.0} | {spent:.2} | {:.2} |", contender.name(), samples / spent / 1e6);
    }
    Ok(())
}

static SCRAPES: Mutex<u64> = Mutex::new(0);

fn count_of_scrapes() -> u64 {
    *SCRAPES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bodies() -> Vec<String> {
    let labels = Workload::labels();
    // `instance` would be the same on all targets: the scraper gives each its own.
    let names: Vec<String> = labels
        .iter()
        .map(|labels| {
            let pairs: Vec<String> = labels
                .iter()
                .filter(|(name, _)| ![METRIC_NAME, "instance", "job"].contains(name))
                .map(|(name, value)| format!("{name}=\"{value}\""))
                .collect();
            let service = labels.value_or_empty("job");
            format!("{}{{{},service=\"{service}\"}}", labels.metric_name().unwrap_or(""), pairs.join(","))
        })
        .collect();
    let mut workload = Workload::new(11, 0);
    (0..BODIES as i64)
        .map(|step| {
            let mut body = String::new();
            workload.step(step * STEP_MS, &mut |series, _, value| {
                // Writing to a string cannot fail.
                let _ = writeln!(body, "{} {value}", names[series]);
            });
            body
        })
        .collect()
}

/// Serves the bodies in turn, each connection from the first on; gives the address.
fn serve(bodies: Vec<String>) -> Result<String, String> {
    let listener = TcpListener::bind("0.0.0.0:0").map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let bodies = Arc::new(bodies);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let bodies = bodies.clone();
            std::thread::spawn(move || answer(stream, &bodies));
        }
    });
    Ok(format!("127.0.0.1:{port}"))
}

fn answer(mut stream: TcpStream, bodies: &[String]) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    for body in bodies.iter().chain(bodies.iter().rev()).cycle() {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
        *SCRAPES.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
    None
}
