//! The three stores that are compared: how each is started, flushed, and looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bench::server::{Server, free_port};
use crate::http::Client;
use crate::target_dir;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    Bellwether,
    VictoriaMetrics,
    Prometheus,
}

pub const ALL: [Contender; 3] = [Contender::Bellwether, Contender::VictoriaMetrics, Contender::Prometheus];

impl Contender {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bellwether => "Bellwether",
            Self::VictoriaMetrics => "VictoriaMetrics",
            Self::Prometheus => "Prometheus",
        }
    }

    /// Starts it on a directory, which keeps its data. `scrape` is a `prometheus.yml`.
    pub fn start(self, programs: &Path, dir: &Path, scrape: &Path) -> Result<Server, String> {
        let port = free_port()?;
        let listen = format!("127.0.0.1:{port}");
        fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let (mut command, ready) = match self {
            Self::Bellwether => {
                let config = dir.with_extension("yml");
                let text = format!("prometheus: {}\nstorage:\n  retention: 10000d\n", scrape.display());
                fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
                let mut command = Command::new(target_dir().join("release/bellwether"));
                command.arg("serve").arg("--config").arg(config).arg("--data").arg(dir);
                command.arg(format!("--listen={listen}"));
                (command, "/-/ready")
            }
            Self::Prometheus => {
                let mut command = Command::new(programs.join("prometheus"));
                command
                    .arg(format!("--config.file={}", scrape.display()))
                    .arg(format!("--storage.tsdb.path={}", dir.display()))
                    .arg("--storage.tsdb.retention.time=10000d")
                    .arg("--web.enable-remote-write-receiver")
                    .arg(format!("--web.listen-address={listen}"));
                (command, "/-/ready")
            }
            Self::VictoriaMetrics => {
                let mut command = Command::new(programs.join("victoria-metrics"));
                command
                    .arg(format!("-storageDataPath={}", dir.display()))
                    .arg(format!("-promscrape.config={}", scrape.display()))
                    .arg(format!("-httpListenAddr={listen}"))
                    .arg("-retentionPeriod=100y")
                    .arg("-search.maxUniqueTimeseries=10000000");
                (command, "/health")
            }
        };
        Server::start_at(self.name(), &mut command, port, ready, &dir.with_extension("log"))
    }

    pub const fn write_path(self) -> &'static str {
        "/api/v1/write"
    }

    /// Asks it to bring its files into their final form, as far as it can be asked.
    pub fn flush(self, server: &Server) -> Result<(), String> {
        match self {
            Self::VictoriaMetrics => {
                for path in ["/internal/force_flush", "/internal/force_merge"] {
                    Client::new(server.address.as_str()).send("GET", path, "", &[])?;
                }
                Ok(())
            }
            // Both do it by themselves, as samples age.
            Self::Bellwether | Self::Prometheus => Ok(()),
        }
    }

    /// Files that hold what is in its final form: whole blocks or segments with their indexes, not the log.
    pub fn is_final(self, path: &Path) -> bool {
        let text = path.to_string_lossy();
        match self {
            Self::Bellwether => text.ends_with(".bwg") || text.ends_with(".bws"),
            Self::VictoriaMetrics => text.contains("/data/") || text.contains("/indexdb/"),
            Self::Prometheus => !text.contains("/wal/") && !text.contains("/chunks_head/"),
        }
    }
}

/// Waits until a server has nothing more to do; gives the processor time it has used by then.
pub fn settle(server: &Server, at_most: Duration) -> Result<Duration, String> {
    const LOOK: Duration = Duration::from_secs(5);
    let started = Instant::now();
    let mut before = server.usage()?.cpu;
    loop {
        std::thread::sleep(LOOK);
        let now = server.usage()?.cpu;
        if now - before < LOOK / 25 || started.elapsed() > at_most {
            return Ok(now);
        }
        before = now;
    }
}

/// Bytes of some of the files below a directory.
pub fn bytes_of(dir: &Path, wanted: &dyn Fn(&Path) -> bool) -> u64 {
    let mut open: Vec<PathBuf> = vec![dir.to_owned()];
    let mut bytes = 0;
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => open.push(path),
                Ok(metadata) if wanted(&path) => bytes += metadata.len(),
                Ok(_) | Err(_) => {}
            }
        }
    }
    bytes
}
