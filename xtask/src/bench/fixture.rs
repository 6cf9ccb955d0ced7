//! Puts the benchmark's data into the three stores, once: the directories are kept for the next run.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bellwether_model::{Batch, Labels, Origin, Sample, TimeDelta, Timestamp};
use bellwether_tsdb::{Options, RealDisk, Store};

use super::dataset::{self, END_MS, START_MS};
use super::prometheus_block;
use super::server::{Server, free_port};
use crate::http::Client;

/// Where the data of each lies.
pub struct Homes {
    pub root: PathBuf,
    pub bellwether: PathBuf,
    pub bellwether_config: PathBuf,
    pub prometheus: PathBuf,
    pub prometheus_config: PathBuf,
    pub victoria: PathBuf,
}

/// The store's housekeeping writes a segment for every two hours.
const SEGMENT_MS: i64 = 2 * 3_600_000;
/// Samples in one batch at most.
const BATCH_SAMPLES: usize = 100_000;

/// Makes what is not there yet.
pub fn prepare(root: &Path, programs: &Path) -> Result<Homes, String> {
    let homes = Homes {
        root: root.to_owned(),
        bellwether: root.join("bellwether"),
        bellwether_config: root.join("bellwether.yml"),
        prometheus: root.join("prometheus"),
        prometheus_config: root.join("prometheus.yml"),
        victoria: root.join("victoria-metrics"),
    };
    let text = |error: std::io::Error| format!("{}: {error}", root.display());
    fs::create_dir_all(root).map_err(text)?;
    fs::write(&homes.bellwether_config, "storage:\n  retention: 100y\n").map_err(text)?;
    fs::write(&homes.prometheus_config, "{}\n").map_err(text)?;
    once(&homes.bellwether, |dir| fill_bellwether(&dir.join("metrics")))?;
    once(&homes.prometheus, |dir| {
        prometheus_block::write(
            dir,
            dataset::series().into_iter().map(|series| (series.labels.clone(), series.samples().collect())),
        )
    })?;
    once(&homes.victoria, |dir| fill_victoria(programs, dir, &root.join("import.log")))?;
    Ok(homes)
}

/// Fills a directory beside its place, so that what was interrupted is not taken for finished.
fn once(dir: &Path, fill: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), String> {
    if dir.exists() {
        return Ok(());
    }
    eprintln!("making {}", dir.display());
    let draft = dir.with_extension("draft");
    let _ = fs::remove_dir_all(&draft);
    fs::create_dir_all(&draft).map_err(|error| format!("{}: {error}", draft.display()))?;
    fill(&draft)?;
    fs::rename(&draft, dir).map_err(|error| format!("{}: {error}", dir.display()))
}

/// As the server would have written it: a segment for every two hours.
fn fill_bellwether(dir: &Path) -> Result<(), String> {
    let (store, _) =
        Store::open(dir, Options::default(), Arc::new(RealDisk)).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for series in dataset::series() {
        let id = store.series(&series.labels).map_err(|error| error.to_string())?;
        all.push((id, series.samples().peekable()));
    }
    let mut end = START_MS + SEGMENT_MS;
    while end <= END_MS {
        let mut samples = Vec::with_capacity(BATCH_SAMPLES);
        for (id, series) in &mut all {
            while let Some(sample) = series.next_if(|sample| sample.at.0 < end) {
                samples.push((*id, sample));
                if samples.len() == BATCH_SAMPLES {
                    append(&store, std::mem::take(&mut samples))?;
                }
            }
        }
        append(&store, samples)?;
        store.release(store.sync().map_err(|error| error.to_string())?);
        store.seal(Timestamp(end)).map_err(|error| error.to_string())?;
        end += SEGMENT_MS;
    }
    Ok(())
}

fn append(store: &Store, samples: Vec<(bellwether_model::SeriesId, Sample)>) -> Result<(), String> {
    let Some((_, last)) = samples.last() else { return Ok(()) };
    let (at, count) = (last.at, samples.len());
    let done =
        store.append(&Batch::floats(Origin::Backfill, at, samples)).map_err(|error| error.to_string())?;
    if done.taken == count {
        Ok(())
    } else {
        Err(format!("only {} of {count} samples were taken", done.taken))
    }
}

fn fill_victoria(programs: &Path, dir: &Path, log: &Path) -> Result<(), String> {
    let server = victoria(programs, dir, free_port()?, log)?;
    let mut client = Client::new(server.address.as_str());
    for series in dataset::series() {
        import(&mut client, &series.labels, &series.samples().collect::<Vec<_>>())?;
    }
    // What was imported is searchable, and on its way to the disk, a little later; a flush asks for it now.
    client.send("GET", "/internal/force_flush", "", &[])?;
    client.send("GET", "/internal/force_merge", "", &[])?;
    std::thread::sleep(TimeDelta(20_000).to_std());
    client.send("GET", "/internal/force_flush", "", &[])?;
    std::thread::sleep(TimeDelta(10_000).to_std());
    Ok(())
}

/// Hands samples of a series to VictoriaMetrics' importer.
pub fn import(client: &mut Client, labels: &Labels, samples: &[Sample]) -> Result<(), String> {
    let metric: serde_json::Map<String, serde_json::Value> =
        labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    // A line of the importer may not be longer than 10 MB.
    for part in samples.chunks(100_000) {
        let mut line = format!("{{\"metric\":{},\"values\":[", serde_json::Value::from(metric.clone()));
        put_list(&mut line, part.iter().map(|sample| sample.value));
        line.push_str("],\"timestamps\":[");
        put_list(&mut line, part.iter().map(|sample| sample.at.0));
        line.push_str("]}\n");
        let reply = client.send("POST", "/api/v1/import", "", line.as_bytes())?;
        if reply.status != 204 {
            return Err(format!(
                "VictoriaMetrics refuses the data: {}",
                String::from_utf8_lossy(&reply.body)
            ));
        }
    }
    Ok(())
}

fn put_list<T: std::fmt::Display>(out: &mut String, items: impl Iterator<Item = T>) {
    let mut bytes = std::mem::take(out).into_bytes();
    for (index, item) in items.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to memory cannot fail.
        let _ = write!(bytes, "{comma}{item}");
    }
    *out = String::from_utf8(bytes).unwrap_or_default();
}

/// VictoriaMetrics over a directory.
pub fn victoria(programs: &Path, dir: &Path, port: u16, log: &Path) -> Result<Server, String> {
    Server::start(
        "VictoriaMetrics",
        Command::new(programs.join("victoria-metrics"))
            .arg(format!("-storageDataPath={}", dir.display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .args([
                "-retentionPeriod=100y",
                "-search.latencyOffset=0s",
                "-search.maxPointsPerTimeseries=50000",
            ]),
        port,
        log,
    )
}
