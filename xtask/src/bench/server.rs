//! One server of a comparison: a real program on a free port of loopback, what it costs, and its end.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::http::Client;

/// How long a server may take to answer its first query.
const START_MAX: Duration = Duration::from_secs(120);

/// A running program; ends when dropped.
pub struct Server {
    /// As tables call it.
    pub name: &'static str,
    /// `host:port`.
    pub address: String,
    child: Child,
}

/// What a process has used so far.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    /// Processor time, user and system, of all threads.
    pub cpu: Duration,
    /// Memory resident now.
    pub resident_bytes: u64,
    /// The most that was ever resident.
    pub peak_bytes: u64,
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

impl Server {
    /// Starts a program that will listen on a port; what it prints goes to a file.
    pub fn start(name: &'static str, command: &mut Command, port: u16, log: &Path) -> Result<Self, String> {
        Self::start_at(name, command, port, "/api/v1/query?query=1", log)
    }

    /// As [`Server::start`], for one that answers elsewhere once it is ready.
    pub fn start_at(
        name: &'static str,
        command: &mut Command,
        port: u16,
        ready: &str,
        log: &Path,
    ) -> Result<Self, String> {
        let output = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let child = command.stdout(output).stderr(errors).spawn();
        let child = child.map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let mut server = Self { name, address: format!("127.0.0.1:{port}"), child };
        server.wait_until_it_answers(ready, log)?;
        Ok(server)
    }

    fn wait_until_it_answers(&mut self, ready: &str, log: &Path) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < START_MAX {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("{} ended at once ({status}); see {}", self.name, log.display()));
            }
            let reply = Client::new(self.address.as_str()).send("GET", ready, "", &[]);
            if reply.is_ok_and(|reply| reply.status == 200) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("{} does not answer; see {}", self.name, log.display()))
    }

    /// What it has used so far, as the kernel counts it.
    pub fn usage(&self) -> Result<Usage, String> {
        let file = |name: &str| {
            let path = format!("/proc/{}/{name}", self.child.id());
            fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
        };
        let stat = file("stat")?;
        // Fields are counted behind the name, which may hold anything.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let status = file("status")?;
        let kilobytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        Ok(Usage {
            cpu: Duration::from_millis((ticks(11) + ticks(12)) * TICK_MS),
            resident_bytes: kilobytes("VmRSS:") * 1024,
            peak_bytes: kilobytes("VmHWM:") * 1024,
        })
    }
}

/// Linux counts processor time in hundredths of a second for everyone outside.
const TICK_MS: u64 = 10;

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The middle of some figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => figures[n / 2],
        n => (figures[n / 2 - 1] + figures[n / 2]) / 2.0,
    }
}
