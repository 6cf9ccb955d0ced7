//! `bench tsdb`: taking samples in, keeping them, and coming back, beside VictoriaMetrics and Prometheus, each with its
//! own idea of durability: ours writes and syncs before it answers, theirs does so some time later.
//!
//! All three get the same bodies, one after the other, and are charged what they spend until they have nothing left to do.

mod contender;
mod push;
mod scale;
mod scraping;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::contender::{ALL, Contender, bytes_of, settle};
use self::push::{Request, series_prefix};
use self::workload::{SERIES, STEP_MS, Workload};
use crate::http::Client;
use crate::{Outcome, cargo, peers, run, target_dir};

/// Samples of each series in a batched request.
const BATCHED: usize = 60;
const SETTLE_MAX: Duration = Duration::from_secs(240);
/// How far off the grid moments are at most, where they are.
const JITTER_MS: i64 = 40;

/// How samples lie in requests.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Sixty samples of each series.
    Batched,
    /// One sample of each series, with all labels.
    Single,
}

/// Three days in both shapes, scrapes, a million series.
pub fn run_all() -> Outcome {
    let bench = Bench::prepare("bench-tsdb")?;
    bench.batched(0)?;
    bench.single()?;
    bench.batched(JITTER_MS)?;
    scraping::compare(&bench)?;
    scale::compare(&bench)
}

/// Sixty samples of each series in a request.
pub fn run_batched() -> Outcome {
    Bench::prepare("bench-tsdb-batched")?.batched(0)
}

/// The same, with moments as scrapers have them.
pub fn run_jittered() -> Outcome {
    Bench::prepare("bench-tsdb-jittered")?.batched(JITTER_MS)
}

/// One sample of each series in a request.
pub fn run_single() -> Outcome {
    Bench::prepare("bench-tsdb-single")?.single()
}

/// Pages read from targets.
pub fn run_scraping() -> Outcome {
    scraping::compare(&Bench::prepare("bench-tsdb-scrape")?)
}

/// A million series, an hour of them.
pub fn run_hour() -> Outcome {
    scale::compare_hour(&Bench::prepare("bench-tsdb-hour")?)
}

/// A million series.
pub fn run_scale() -> Outcome {
    scale::compare(&Bench::prepare("bench-tsdb-scale")?)
}

/// Thirty days, batched: 294 million samples.
pub fn run_month() -> Outcome {
    Bench::prepare("bench-tsdb-30d")?.remote_write(Shape::Batched, 30, 0)
}

struct Bench {
    home: PathBuf,
    programs: PathBuf,
}

impl Bench {
    fn prepare(name: &str) -> Result<Self, String> {
        let programs = peers::unpack()?;
        run(cargo().args(["build", "--quiet", "--release", "--package", "bellwether"]))?;
        let home = target_dir().join(name);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        let bench = Self { home, programs };
        fs::write(bench.nothing(), "global: {scrape_interval: 15s}\n").map_err(|error| error.to_string())?;
        Ok(bench)
    }

    /// A configuration that scrapes nothing.
    fn nothing(&self) -> PathBuf {
        self.home.join("nothing.yml")
    }

    fn fresh(&self, name: &str) -> PathBuf {
        let dir = self.home.join(name);
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn batched(&self, jitter_ms: i64) -> Outcome {
        self.remote_write(Shape::Batched, 3, jitter_ms)
    }

    fn single(&self) -> Outcome {
        self.remote_write(Shape::Single, 1, 0)
    }

    fn remote_write(&self, shape: Shape, days: i64, jitter_ms: i64) -> Outcome {
        let steps = days * 86_400_000 / STEP_MS;
        let samples = steps as f64 * SERIES as f64;
        println!(
            "\nRemote write, {shape:?}, {days} days of {SERIES} series ({:.1} M samples), moments up to {jitter_ms} ms \
             off the grid\n",
            samples / 1e6
        );
        println!(
            "| | M samples per core-second | seconds of processor | resident MiB, peak | bytes per sample in final files | all files, MiB |"
        );
        println!("|---|---|---|---|---|---|");
        for contender in ALL {
            let dir = self.fresh(contender.name());
            let server = contender.start(&self.programs, &dir, &self.nothing())?;
            let before = server.usage()?.cpu;
            feed(shape, steps, jitter_ms, &mut |request| {
                request.send(contender.write_path(), &mut Client::new(server.address.as_str()))
            })?;
            let sent = server.usage()?;
            let spent = settle(&server, SETTLE_MAX)? - before;
            contender.flush(&server)?;
            settle(&server, SETTLE_MAX)?;
            let final_bytes = bytes_of(&dir, &|path| contender.is_final(path));
            let all_bytes = bytes_of(&dir, &|_| true);
            let in_final = samples_in_final(contender, &server, &dir, samples)?;
            println!(
                "| {} | {:.2} ({:.2} until the last answer) | {:.1} | {} | {:.3} of {:.1} M | {:.1} |",
                contender.name(),
                samples / spent.as_secs_f64() / 1e6,
                samples / (sent.cpu - before).as_secs_f64() / 1e6,
                spent.as_secs_f64(),
                sent.peak_bytes >> 20,
                final_bytes as f64 / in_final,
                in_final / 1e6,
                all_bytes as f64 / f64::from(1 << 20),
            );
        }
        Ok(())
    }
}

/// Makes all requests of a run and hands them out, one at a time.
fn feed(shape: Shape, steps: i64, jitter_ms: i64, send: &mut dyn FnMut(&mut Request) -> Outcome) -> Outcome {
    let prefixes: Vec<Vec<u8>> = Workload::labels().iter().map(series_prefix).collect();
    let mut workload = Workload::new(7, jitter_ms);
    let per_request = match shape {
        Shape::Batched => BATCHED,
        Shape::Single => 1,
    };
    let mut waiting: Vec<Vec<(i64, f64)>> = (0..SERIES).map(|_| Vec::with_capacity(per_request)).collect();
    let mut request = Request::default();
    // The newest sample is an hour old: nobody's clock is asked whether it lies in the future.
    let end = now_ms()? / STEP_MS * STEP_MS - 3_600_000;
    for step in 0..steps {
        let at = end - (steps - step) * STEP_MS;
        workload.step(at, &mut |series, at, value| waiting[series].push((at, value)));
        if waiting[0].len() == per_request || step + 1 == steps {
            for (prefix, samples) in prefixes.iter().zip(&mut waiting) {
                request.series(prefix, samples);
                samples.clear();
            }
            send(&mut request)?;
        }
    }
    Ok(())
}

/// How many samples the final files hold: the newest hours are in the logs of some.
fn samples_in_final(
    contender: Contender,
    server: &crate::bench::server::Server,
    dir: &Path,
    samples: f64,
) -> Result<f64, String> {
    match contender {
        Contender::VictoriaMetrics => Ok(samples),
        Contender::Prometheus => {
            let mut held = 0.0;
            for entry in fs::read_dir(dir).map_err(|error| error.to_string())?.flatten() {
                if let Ok(meta) = fs::read_to_string(entry.path().join("meta.json")) {
                    let meta: serde_json::Value =
                        serde_json::from_str(&meta).map_err(|error| error.to_string())?;
                    held += meta["stats"]["numSamples"].as_f64().unwrap_or(0.0);
                }
            }
            Ok(held)
        }
        Contender::Bellwether => {
            let reply = Client::new(server.address.as_str()).send("GET", "/metrics", "", &[])?;
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            let value = |name: &str| {
                let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
                line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            };
            value("bellwether_store_segment_samples")
                .ok_or_else(|| "our metrics do not say how many samples are in segments".to_owned())
        }
    }
}

fn now_ms() -> Result<i64, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    Ok(now.as_millis() as i64)
}
