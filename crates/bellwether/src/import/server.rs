//! Into a server that runs: samples are gathered per series and handed over as frames of chunks, request by request.
//! What a request brings is stored when it is answered, and a request that is sent again doubles nothing: so a server
//! that goes away for a while is waited for, and the same request is sent again.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bellwether_ingest::prometheus_block::Samples;
use bellwether_ingest::remote_read::write_frames;
use bellwether_model::{HistogramSample, Labels, Sample, TimeRange};
use bellwether_tsdb::ImportReport;
use bellwether_web::url::encode;
use bellwether_web::view::{ImportBegun, ImportTaken};
use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle as Runtime;

use super::Stop;
use super::sink::Handle;
use crate::client::ADMIN_DISABLED;
use crate::failure::Failure;
use crate::output::warn;
use crate::server_view::host_name;

const PATH: &str = "/api/bellwether/v1/import";
/// A request goes when so many numbers wait, ...
const WAITING_MAX: u64 = 2 << 20;
/// ... or when it has so many bytes; a server takes twice as many.
const BODY_BYTES: usize = 16 << 20;
/// In memory a histogram takes the room of so many numbers, and that of one more for each bucket.
const HISTOGRAM_WEIGHT: u64 = 10;
/// How long one request may take: the server writes segments of it.
const TIMEOUT: Duration = Duration::from_secs(300);
/// A server that does not answer is waited for so long, ...
const PATIENCE: Duration = Duration::from_secs(60);
/// ... and asked again so often.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// A running server, and the source that is imported into it.
#[derive(Clone)]
pub(super) struct Link {
    http: reqwest::Client,
    base: String,
    source: String,
    runtime: Runtime,
    stop: Stop,
}

impl Link {
    /// To the server at an address.
    pub(super) fn new(server: &str, stop: &Stop) -> Result<Self, Failure> {
        crate::install_tls();
        let base = server.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Failure::wrong(format!(
                "--server {server:?} is not a URL; write it like http://{server}"
            )));
        }
        let http = reqwest::Client::builder().timeout(TIMEOUT).build();
        let http = http.map_err(|error| Failure::failed(format!("cannot set up HTTP: {error}")))?;
        Ok(Self { http, base, source: String::new(), runtime: Runtime::current(), stop: stop.clone() })
    }

    /// The same for one source. It is known by the machine as well: each has a `localhost` of its own.
    pub(super) fn of_source(&self, source: &str) -> Self {
        Self { source: format!("{source} of {}", host_name()), ..self.clone() }
    }

    /// What the server keeps, and which parts are done.
    pub(super) fn begin(&self) -> Result<ImportBegun, Failure> {
        self.ask(&Method::GET, None, Bytes::new())
    }

    /// Hands frames over; with them a part may be done.
    fn send(&self, frames: Vec<u8>, part: Option<&str>) -> Result<ImportTaken, Failure> {
        self.ask(&Method::POST, part, frames.into())
    }

    /// Notes that a part is done.
    pub(super) fn done(&self, part: &str) -> Result<(), Failure> {
        self.send(Vec::new(), Some(part)).map(|_| ())
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        part: Option<&str>,
        body: Bytes,
    ) -> Result<T, Failure> {
        let part = part.map_or_else(String::new, |part| format!("&part={}", encode(part, "")));
        let url = format!("{}{PATH}?source={}{part}", self.base, encode(&self.source, ""));
        let begun = Instant::now();
        let mut is_said = false;
        loop {
            let request = self.http.request(method.clone(), &url).body(body.clone());
            let why = match self.runtime.block_on(once(request)) {
                Once::Answered(text) => {
                    return serde_json::from_str(&text).map_err(|_| self.stranger());
                }
                Once::Refused(failure) => return Err(failure),
                Once::Missing => return Err(self.stranger()),
                Once::Away(why) => why,
            };
            if self.stop.is_asked() || begun.elapsed() > PATIENCE || *method == Method::GET {
                return Err(Failure::failed(format!(
                    "{} does not take samples: {why}; the same command goes on from there",
                    self.base
                )));
            }
            if !is_said {
                warn(&format!("{} does not take samples: {why}; waiting for it", self.base));
                is_said = true;
            }
            self.runtime.block_on(tokio::time::sleep(AGAIN_AFTER));
        }
    }

    fn stranger(&self) -> Failure {
        Failure::failed(format!(
            "{} answers, but not as a Bellwether does that takes imports; is another program, or an older one, \
             listening there?",
            self.base
        ))
    }
}

/// How one attempt ended.
enum Once {
    Answered(String),
    Refused(Failure),
    Missing,
    /// It may do better later.
    Away(String),
}

async fn once(request: reqwest::RequestBuilder) -> Once {
    let sent = async {
        let response = request.send().await?;
        Ok::<_, reqwest::Error>((response.status(), response.text().await?))
    };
    let (status, text) = match sent.await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => return Once::Away("nothing listens there".to_owned()),
        Err(error) if error.is_timeout() => return Once::Away("it did not answer in time".to_owned()),
        Err(_) => return Once::Away("the answer broke off".to_owned()),
    };
    let said = serde_json::from_str::<serde_json::Value>(&text).ok();
    let said = said.and_then(|body| body["error"].as_str().map(str::to_owned));
    let why = said.unwrap_or_else(|| text.trim().to_owned());
    match status {
        StatusCode::OK => Once::Answered(text),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Once::Missing,
        StatusCode::SERVICE_UNAVAILABLE if why.contains(ADMIN_DISABLED) => Once::Refused(Failure::failed(
            "the server takes no imports; start it with --enable-admin-api, or import into its data directory while \
             it does not run",
        )),
        status if status.is_server_error() => Once::Away(why),
        _ => Once::Refused(Failure::wrong(why)),
    }
}

/// Gathers samples for a server.
pub(super) struct ServerSink {
    link: Link,
    handles: HashMap<Labels, Handle>,
    /// By handle.
    series: Vec<(Labels, Samples)>,
    /// Those that have something.
    touched: BTreeSet<u32>,
    waiting: u64,
    report: ImportReport,
}

impl ServerSink {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            handles: HashMap::new(),
            series: Vec::new(),
            touched: BTreeSet::new(),
            waiting: 0,
            report: ImportReport::default(),
        }
    }

    pub(super) fn series(&mut self, labels: &Labels) -> Handle {
        if let Some(handle) = self.handles.get(labels) {
            return *handle;
        }
        let handle = Handle(self.series.len() as u32);
        self.handles.insert(labels.clone(), handle);
        self.series.push((labels.clone(), Samples::default()));
        handle
    }

    pub(super) fn push(&mut self, series: Handle, sample: Sample) -> Result<(), Failure> {
        self.samples(series).floats.push(sample);
        self.waiting += 1;
        self.send_if_full()
    }

    pub(super) fn push_histogram(&mut self, series: Handle, sample: HistogramSample) -> Result<(), Failure> {
        self.waiting += weight(&sample);
        self.samples(series).histograms.push(sample);
        self.send_if_full()
    }

    pub(super) fn extend(&mut self, series: Handle, samples: &mut Samples) -> Result<(), Failure> {
        self.waiting += samples.floats.len() as u64 + samples.histograms.iter().map(weight).sum::<u64>();
        let gathered = self.samples(series);
        gathered.floats.append(&mut samples.floats);
        gathered.histograms.append(&mut samples.histograms);
        self.send_if_full()
    }

    fn samples(&mut self, series: Handle) -> &mut Samples {
        self.touched.insert(series.0);
        &mut self.series[series.0 as usize].1
    }

    fn send_if_full(&mut self) -> Result<(), Failure> {
        if self.waiting < WAITING_MAX { Ok(()) } else { self.flush() }
    }

    /// Returns once everything is stored there.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let mut body = Vec::new();
        for place in std::mem::take(&mut self.touched) {
            let (labels, samples) = &mut self.series[place as usize];
            let mut samples = std::mem::take(samples);
            samples.floats.sort_by_key(|sample| sample.at);
            samples.histograms.sort_by_key(|sample| sample.at);
            write_frames(0, labels, &samples, &mut body);
            if body.len() >= BODY_BYTES {
                take(&self.link, &mut self.report, &mut body)?;
            }
        }
        self.waiting = 0;
        if body.is_empty() { Ok(()) } else { take(&self.link, &mut self.report, &mut body) }
    }

    pub(super) const fn report(&self) -> &ImportReport {
        &self.report
    }

    pub(super) fn series_count(&self) -> usize {
        self.series.len()
    }
}

fn take(link: &Link, report: &mut ImportReport, body: &mut Vec<u8>) -> Result<(), Failure> {
    let taken = link.send(std::mem::take(body), None)?;
    let ImportTaken { samples, known, conflicting, too_old, too_new, malformed, segments, bytes, range } =
        taken;
    let range = range.map(|(start, end)| TimeRange::new(start, end));
    report.add(&ImportReport {
        samples,
        known,
        conflicting,
        too_old,
        too_new,
        malformed,
        segments,
        bytes,
        range,
    });
    Ok(())
}

fn weight(sample: &HistogramSample) -> u64 {
    HISTOGRAM_WEIGHT + (sample.histogram.positive.len() + sample.histogram.negative.len()) as u64
}
