//! The two servers that are asked over HTTP: a real Prometheus, and `bellwether serve`. Both are child processes on
//! loopback with a folder of their own, killed when they go out of scope.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bellwether_model::{Batch, Origin, Timestamp};
use bellwether_tsdb::{Options, RealDisk, Store};

use super::answer::{self, Answer};
use super::ask::Ask;
use super::dataset::Dataset;
use super::remote_write;
use crate::http::{Client, Reply, form};

/// A machine with other work on it may take a while to start a process.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Everything of the language that is off by default.
const FEATURES: &str = "promql-experimental-functions,promql-duration-expr,native-histograms";

/// A server with Prometheus' API.
pub struct Server {
    client: Client,
    _process: Option<Process>,
}

struct Process {
    child: Child,
    folder: PathBuf,
    keep: bool,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.keep {
            println!("kept {}", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Server {
    /// A server that runs already and takes remote writes; the data is written to it.
    pub fn at(address: &str, data: &Dataset) -> Result<Self, String> {
        let mut server = Self { client: Client::new(address), _process: None };
        server.write(data)?;
        Ok(server)
    }

    /// Starts Prometheus in an empty folder and writes the data to it.
    pub fn prometheus(program: &Path, folder: &Path, keep: bool, data: &Dataset) -> Result<Self, String> {
        fresh(folder)?;
        let config = folder.join("prometheus.yml");
        fs::write(&config, "global: {}\n").map_err(|error| error.to_string())?;
        let address = free_address()?;
        let mut command = Command::new(program);
        command.args(["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y"]);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        command.arg(format!("--enable-feature={FEATURES}"));
        let mut server = Self::start(command, &address, folder, keep)?;
        server.write(data)?;
        Ok(server)
    }

    /// Fills a data folder through the store and starts `bellwether serve` on it.
    pub fn bellwether(program: &Path, folder: &Path, keep: bool, data: &Dataset) -> Result<Self, String> {
        fresh(folder)?;
        let config = folder.join("bellwether.yml");
        fs::write(&config, "storage: {retention: 36500d}\n").map_err(|error| error.to_string())?;
        let home = folder.join("data");
        fill_store(&home.join("metrics"), data)?;
        let address = free_address()?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(&config).arg("--data").arg(&home);
        command.args(["--listen", &address]);
        Self::start(command, &address, folder, keep)
    }

    fn start(mut command: Command, address: &str, folder: &Path, keep: bool) -> Result<Self, String> {
        let log = folder.join("log");
        let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let second = file.try_clone().map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(file).stderr(second);
        let child = command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let process = Process { child, folder: folder.to_owned(), keep };
        let mut server = Self { client: Client::new(address), _process: Some(process) };
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            let reply = server.client.send("GET", "/-/ready", "", &[]);
            if reply.is_ok_and(|reply| reply.status == 200) {
                return Ok(server);
            }
            let process = server._process.as_mut().expect("it was just started");
            let has_ended = process.child.try_wait().map_err(|error| error.to_string())?.is_some();
            if has_ended || Instant::now() > deadline {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("{command:?} does not serve; it says\n{log}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn write(&mut self, data: &Dataset) -> Result<(), String> {
        let headers = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\
                       X-Prometheus-Remote-Write-Version: 0.1.0\r\n";
        for slice in data.slices() {
            let body = remote_write::body(&slice);
            let reply = self.client.send("POST", "/api/v1/write", headers, &body)?;
            if reply.status >= 300 {
                let said = String::from_utf8_lossy(&reply.body).into_owned();
                return Err(format!("remote write was answered {}: {said}", reply.status));
            }
        }
        Ok(())
    }

    /// Asks a query.
    pub fn ask(&mut self, ask: &Ask) -> Result<Answer, String> {
        let (path, fields) = ask.request();
        answer::of_body(&self.post(path, &fields)?.body)
    }

    /// Gets a page with fields in its address.
    pub fn get(&mut self, path: &str, fields: &[(&str, String)]) -> Result<Reply, String> {
        self.client.send("GET", &format!("{path}?{}", form(fields)), "", &[])
    }

    /// Posts a form.
    pub fn post(&mut self, path: &str, fields: &[(&str, String)]) -> Result<Reply, String> {
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.client.send("POST", path, headers, form(fields).as_bytes())
    }
}

fn fresh(folder: &Path) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// A port that nobody listens at right now.
fn free_address() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.to_string())
}

fn fill_store(folder: &Path, data: &Dataset) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let (store, _) =
        Store::open(folder, Options::default(), Arc::new(RealDisk)).map_err(|e| e.to_string())?;
    for slice in data.slices() {
        let (mut samples, mut histograms) = (Vec::new(), Vec::new());
        for (labels, part) in &slice.samples {
            let id = store.series(labels).map_err(|error| error.to_string())?;
            samples.extend(part.iter().map(|sample| (id, *sample)));
        }
        for (labels, part) in &slice.histograms {
            let id = store.series(labels).map_err(|error| error.to_string())?;
            histograms.extend(part.iter().map(|sample| (id, sample.clone())));
        }
        samples.sort_by_key(|(_, sample)| sample.at);
        histograms.sort_by_key(|(_, sample)| sample.at);
        let at = samples.first().map_or(Timestamp(0), |(_, sample)| sample.at);
        let batch = Batch { histograms, ..Batch::floats(Origin::Backfill, at, samples) };
        let appended = store.append(&batch).map_err(|error| error.to_string())?;
        if let Some(refused) = appended.refused.first() {
            return Err(format!("the store refuses a sample: {refused:?}"));
        }
    }
    store.sync().map(|_| ()).map_err(|error| error.to_string())
}
