//! What all sources share: where samples go and which of them, how far it is, what is done, and the end.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bellwether_model::{Labels, LabelsBuilder, TimeDelta, TimeRange, Timestamp};
use bellwether_tsdb::{OpenError, Options, RealDisk, Store};

use super::Stop;
use super::journal::Journal;
use super::progress::{Progress, Unit};
use super::server::{Link, ServerSink};
use super::sink::{DrySink, Handle, Sink, StoreSink};
use super::summary::Summary;
use crate::cli::import::Destination;
use crate::failure::Failure;
use crate::output::warn;
use crate::{clock, config};

/// The configuration's own default, for when there is no configuration.
const RETENTION_DEFAULT: TimeDelta = config::RETENTION_DEFAULT;
/// Where the configuration is when nobody says.
const CONFIG_USUAL: &str = "bellwether.yml";
/// A sample may be so much ahead of this machine's clock. One that is further ahead would keep those out that are
/// measured until then.
pub(crate) const AHEAD_MAX: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);

/// Noted before the first part.
pub(crate) const BEGUN: &str = "begun";

/// What of a source is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Moments that are asked for.
    pub(super) range: TimeRange,
    /// Labels that every series gets; those with empty values are taken away.
    pub(super) labels: Vec<(String, String)>,
}

/// Where samples go, opened.
pub(super) struct Target {
    place: Place,
    /// What of it can be kept.
    kept: TimeRange,
    retention: TimeDelta,
}

enum Place {
    Store(Box<Store>),
    Server(Link),
    /// A dry run.
    Nowhere,
}

/// Who knows which parts are done.
enum Done {
    Folder(Journal),
    Server(Link, BTreeSet<String>),
    Nobody,
}

/// An import under way.
pub(super) struct Session<'a> {
    pub(super) sink: Sink<'a>,
    pub(super) wanted: Wanted,
    pub(super) progress: Progress,
    pub(super) summary: Summary,
    labels: Vec<(String, String)>,
    done: Done,
    stop: Stop,
    read: u64,
}

impl Wanted {
    /// As the flags have it.
    pub(super) fn of(flags: &Destination) -> Result<Self, Failure> {
        let moment =
            |flag: &str, text: &Option<String>| text.as_deref().map(|text| moment(flag, text)).transpose();
        let (from, to) = (moment("--from", &flags.from)?, moment("--to", &flags.to)?);
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Failure::wrong(format!("--from {from} is not before --to {to}")));
        }
        let start = from.unwrap_or(Timestamp::MIN);
        let end = to.map_or(Timestamp::MAX, |to| Timestamp(to.0 - 1));
        let mut labels = Vec::new();
        for text in &flags.labels {
            match text.split_once('=') {
                Some((name, value)) if !name.is_empty() => {
                    labels.push((name.to_owned(), value.trim_matches('"').to_owned()));
                }
                Some(_) | None => {
                    return Err(Failure::wrong(format!("--label {text:?} is not a label; write name=value")));
                }
            }
        }
        labels.extend(flags.drop_labels.iter().map(|name| (name.clone(), String::new())));
        Ok(Self { range: TimeRange::new(start, end), labels })
    }

    /// The same source with other filters is another source.
    fn describe(&self, source: &str) -> String {
        let mut text = source.to_owned();
        for (name, value) in &self.labels {
            text.push_str(&format!(" {name}={value}"));
        }
        for (word, at, bound) in
            [("from", self.range.start, Timestamp::MIN), ("to", self.range.end, Timestamp::MAX)]
        {
            if at != bound {
                text.push_str(&format!(" {word} {}", at.0));
            }
        }
        text
    }
}

/// RFC 3339 or Unix seconds.
pub(super) fn moment(flag: &str, text: &str) -> Result<Timestamp, Failure> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e12);
    let written = || text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
    seconds.map(Timestamp::from_secs_f64).or_else(|| written().map(Timestamp::from_millis)).ok_or_else(|| {
        Failure::wrong(format!(
            "{flag} {text:?} is not a time; write it like 2026-11-21T03:04:05Z, or as seconds since 1970"
        ))
    })
}

/// How long samples are kept, as the configuration says.
fn retention(named: Option<&Path>) -> Result<TimeDelta, Failure> {
    let usual = Path::new(CONFIG_USUAL);
    if named.is_none() && !usual.exists() {
        return Ok(RETENTION_DEFAULT);
    }
    let path = named.unwrap_or(usual);
    let loaded = config::load(path);
    match loaded.config {
        Some(config) => Ok(config.retention),
        None => {
            let style = crate::terminal::style(&std::io::stderr());
            warn(loaded.diagnostics.render(&loaded.sources, style).trim_end());
            Err(Failure::Reported)
        }
    }
}

impl Target {
    /// The oldest moment that is kept.
    pub(super) const fn kept_from(&self) -> Timestamp {
        self.kept.start
    }

    /// Opens the store, or asks the server, unless this is a dry run.
    pub(super) fn open(flags: &Destination, stop: &Stop) -> Result<Self, Failure> {
        if let Some(server) = &flags.server {
            let link = Link::new(server, stop)?;
            let begun = link.begin()?;
            let place = if flags.dry_run { Place::Nowhere } else { Place::Server(link) };
            let kept = TimeRange::new(begun.kept_from, begun.kept_until);
            return Ok(Self { place, kept, retention: begun.retention });
        }
        let retention = retention(flags.config.as_deref())?;
        let now = clock::now();
        let kept = TimeRange::new(now - retention, now + AHEAD_MAX);
        if flags.dry_run {
            return Ok(Self { place: Place::Nowhere, kept, retention });
        }
        let folder = flags.data.join("metrics");
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::failed(format!("cannot use the data directory {}: {error}", flags.data.display()))
        })?;
        let opened = Store::open(&folder, Options::default(), Arc::new(RealDisk));
        let (store, recovery) = opened.map_err(|error| match error {
            OpenError::Locked { .. } => Failure::failed(format!(
                "another process has {}, perhaps a running server; stop it for the time of the import, or name it \
                 with --server URL",
                flags.data.display()
            )),
            OpenError::Version { .. } | OpenError::Disk(_) => Failure::failed(error.to_string()),
        })?;
        for file in &recovery.quarantined {
            warn(&format!("damaged and put aside: {} ({})", file.path.display(), file.reason));
        }
        let floor = store.stats().floor.unwrap_or(Timestamp::MIN);
        let kept = TimeRange::new(kept.start.max(floor), kept.end);
        Ok(Self { place: Place::Store(Box::new(store)), kept, retention })
    }

    /// Begins. `source` names the source in the journal.
    pub(super) fn begin(
        &self,
        flags: &Destination,
        wanted: Wanted,
        source: &str,
        progress: (Unit, u64),
        stop: &Stop,
    ) -> Result<Session<'_>, Failure> {
        let done = match &self.place {
            Place::Store(_) => {
                let opened = Journal::open(&flags.data, &wanted.describe(source));
                let mut journal = opened.map_err(|error| {
                    let path = flags.data.display();
                    Failure::failed(format!("cannot read the journal of imports in {path}: {error}"))
                })?;
                if flags.again {
                    journal.forget();
                }
                // From now on the log is not all that ever was, even if nothing gets to its end.
                add(&mut journal, BEGUN)?;
                Done::Folder(journal)
            }
            Place::Server(link) => {
                let link = link.of_source(&wanted.describe(source));
                let done = link.begin()?.done.into_iter().filter(|_| !flags.again).collect();
                Done::Server(link, done)
            }
            Place::Nowhere => Done::Nobody,
        };
        let sink = match (&self.place, &done) {
            (Place::Store(store), _) => Sink::Store(StoreSink::new(store, self.kept)?),
            (Place::Server(_), Done::Server(link, _)) => Sink::Server(ServerSink::new(link.clone())),
            _ => Sink::DryRun(DrySink::new(self.kept)),
        };
        let labels = wanted.labels.clone();
        Ok(Session {
            sink,
            progress: Progress::new(progress.0, progress.1),
            summary: Summary::new(self.kept.start, self.retention),
            labels,
            wanted,
            done,
            stop: stop.clone(),
            read: 0,
        })
    }

    /// Makes what the log was told of new series durable, and puts the ledger aside where that is asked for.
    pub(super) fn close(self, flags: &Destination) -> Result<(), Failure> {
        let Place::Store(store) = self.place else { return Ok(()) };
        store.sync().map_err(|error| Failure::failed(error.to_string()))?;
        if flags.recount { put_ledger_aside(&flags.data) } else { Ok(()) }
    }
}

fn add(journal: &mut Journal, part: &str) -> Result<(), Failure> {
    journal
        .add(part)
        .map_err(|error| Failure::failed(format!("cannot write the journal of imports: {error}")))
}

/// The next start finds none, and counts what is stored. It is kept: of what is no longer stored it is all there is.
fn put_ledger_aside(data: &Path) -> Result<(), Failure> {
    let ledger = data.join("ledger");
    let aside = data.join(format!("ledger-until-{}", clock::now().0));
    match std::fs::rename(&ledger, &aside) {
        Ok(()) => {
            warn(&format!(
                "the ledger is put aside as {}; what it knew of times before the oldest sample is counted no more",
                aside.display()
            ));
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::failed(format!("cannot put {} aside: {error}", ledger.display()))),
    }
}

impl Session<'_> {
    /// The series that labels become here.
    pub(super) fn series(&mut self, labels: &Labels) -> Result<Handle, Failure> {
        if self.labels.is_empty() {
            return self.sink.series(labels);
        }
        let mut builder = LabelsBuilder::from(labels);
        for (name, value) in &self.labels {
            builder.set(name.as_str(), value.as_str());
        }
        self.sink.series(&builder.build())
    }

    /// Whether a part is done already; then it is counted as such.
    pub(super) fn is_done(&mut self, part: &str) -> bool {
        match &self.done {
            Done::Folder(journal) => journal.has(part),
            Done::Server(_, done) => done.contains(part),
            Done::Nobody => false,
        }
    }

    /// Parts that are done already.
    pub(super) fn done(&self) -> Vec<&str> {
        match &self.done {
            Done::Folder(journal) => journal.done().collect(),
            Done::Server(_, done) => done.iter().map(String::as_str).collect(),
            Done::Nobody => Vec::new(),
        }
    }

    /// Everything of a part has been handed over.
    pub(super) fn finish_part(&mut self, part: &str) -> Result<(), Failure> {
        self.sink.flush()?;
        match &mut self.done {
            Done::Folder(journal) => add(journal, part),
            Done::Server(_, done) if done.contains(part) => Ok(()),
            Done::Server(link, done) => {
                link.done(part)?;
                done.insert(part.to_owned());
                Ok(())
            }
            Done::Nobody => Ok(()),
        }
    }

    /// So many more samples were read, and this is how far it is. Fails when the user wants to stop.
    pub(super) fn advance(&mut self, samples: u64, to: u64) -> Result<(), Failure> {
        self.read += samples;
        self.progress.to(to, self.read);
        if self.stop.is_asked() {
            self.progress.finish();
            return Err(Failure::failed(
                "stopped; what is written stays, and the same command goes on from there",
            ));
        }
        Ok(())
    }

    /// Says what became of it all.
    pub(super) fn end(mut self, flags: &Destination) -> Result<(), Failure> {
        self.sink.flush()?;
        let seconds = self.progress.finish();
        self.summary.print(flags, self.sink.report(), self.sink.series_count(), seconds);
        Ok(())
    }
}
