//! Text with timestamps, read piece by piece: a month of it need not fit into memory.
//!
//! OpenMetrics gives times in seconds and ends with `# EOF`; the text format of Prometheus gives them in milliseconds.
//! Nothing in a text that is cut off says which of the two it is, so the second has to be asked for.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use bellwether_ingest::{
    Entry, Limits, MetricKind, ScanError, ScrapeSink, ScrapedSample, decode_series, scan_into,
    scan_openmetrics, with_bound_spelled,
};
use bellwether_model::{Sample, TimeRange};
use flate2::bufread::MultiGzDecoder;

use super::Stop;
use super::progress::Unit;
use super::session::{Session, Target, Wanted};
use super::sink::Handle;
use super::summary::counted;
use crate::cli::import::OpenmetricsImport;
use crate::failure::Failure;

/// Read, parsed and handed over at once.
const PIECE_BYTES: usize = 1 << 20;
/// After so many bytes what was read is written, and noted as done.
const PART_BYTES: u64 = 256 << 20;
/// Longer lines are no lines.
const LINE_BYTES_MAX: usize = 1 << 20;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const EOF_LINE: &[u8] = b"# EOF";
/// Noted behind the last part of a text.
const END: &str = "end";

/// Imports it.
pub fn run(arguments: &OpenmetricsImport, stop: &Stop) -> Result<(), Failure> {
    let wanted = Wanted::of(&arguments.destination)?;
    let input = Input::open(&arguments.file, arguments.text)?;
    let target = Target::open(&arguments.destination, stop)?;
    let progress = (Unit::Bytes, input.total);
    let mut session = target.begin(&arguments.destination, wanted, &input.source, progress, stop)?;
    let mut reading = Reading::new(input, arguments.text);
    reading.skip_done(&mut session)?;
    let read = reading.all(&mut session);
    if let Err(failure) = read {
        // What stands before the mistake is sound, and is kept.
        session.sink.flush()?;
        session.progress.finish();
        let imported = session.sink.report().samples;
        if imported > 0 && !arguments.destination.dry_run {
            let kept = counted(imported, "sample");
            session.progress.say(&format!("imported, and kept, of what stands before the mistake: {kept}"));
        }
        target.close(&arguments.destination)?;
        return Err(failure);
    }
    if reading.exemplars > 0 {
        let exemplars = counted(reading.exemplars, "exemplar");
        session.summary.left_out.push(format!("{exemplars} did not come along: only samples are imported."));
    }
    session.end(&arguments.destination)?;
    target.close(&arguments.destination)
}

/// The text, decompressed.
struct Input {
    name: String,
    /// How the journal knows it: another length or time of change is another text.
    source: String,
    /// Bytes of the file; 0 when nobody knows.
    total: u64,
    reader: Box<dyn BufRead>,
    /// Whether one can go to a place without reading up to it.
    file: Option<File>,
    is_compressed: bool,
}

impl Input {
    fn open(path: &Path, is_text: bool) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let reader = unpacked(Box::new(BufReader::with_capacity(PIECE_BYTES, io::stdin())));
            let (reader, is_compressed) = reader.map_err(|error| unreadable("standard input", &error))?;
            let (name, source) = ("standard input".to_owned(), "openmetrics -".to_owned());
            return Ok(Self { name, source, total: 0, reader, file: None, is_compressed });
        }
        let name = path.display().to_string();
        let failed = |error: io::Error| unreadable(&name, &error);
        let mut file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::wrong(format!("there is no file {name}")),
            _ => failed(error),
        })?;
        let about = file.metadata().map_err(failed)?;
        let changed = about.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |since| since.as_nanos());
        let place = path.canonicalize().map_err(failed)?;
        let source = format!("openmetrics {} {} {changed}", place.display(), about.len());
        let mut magic = [0; 2];
        let is_compressed = file.read_exact(&mut magic).is_ok() && magic == GZIP_MAGIC;
        if !is_text && !is_compressed && !ends_with_eof(&mut file).map_err(failed)? {
            return Err(Failure::wrong(format!(
                "{name} does not end with a line # EOF: it is cut off, or no OpenMetrics; if it is the text format of \
                 Prometheus, whose timestamps are milliseconds, add --text"
            )));
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let handle = file.try_clone().map_err(failed)?;
        let (reader, is_compressed) =
            unpacked(Box::new(BufReader::with_capacity(PIECE_BYTES, file))).map_err(failed)?;
        Ok(Self { total: about.len(), name, source, reader, file: Some(handle), is_compressed })
    }
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot read {name}: {error}"))
}

fn unpacked(mut reader: Box<dyn BufRead>) -> io::Result<(Box<dyn BufRead>, bool)> {
    if reader.fill_buf()?.starts_with(&GZIP_MAGIC) {
        let unpacked = BufReader::with_capacity(PIECE_BYTES, MultiGzDecoder::new(reader));
        return Ok((Box::new(unpacked), true));
    }
    Ok((reader, false))
}

/// Whether the last line says that it is the last.
fn ends_with_eof(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(EOF_LINE.len() as u64 + 1)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(end.trim_ascii_end().ends_with(EOF_LINE))
}

/// A text being read.
struct Reading {
    input: Input,
    is_text: bool,
    piece: Vec<u8>,
    /// Bytes and lines before the piece.
    bytes: u64,
    lines: usize,
    /// Where the last part ended.
    part_at: u64,
    /// What the last TYPE line said: it decides how bounds are spelled.
    kind: MetricKind,
    handles: HashMap<MetricKind, HashMap<Box<str>, Handle>>,
    exemplars: u64,
    has_eof: bool,
}

impl Reading {
    fn new(input: Input, is_text: bool) -> Self {
        Self {
            input,
            is_text,
            piece: Vec::new(),
            bytes: 0,
            lines: 0,
            part_at: 0,
            kind: MetricKind::Untyped,
            handles: HashMap::new(),
            exemplars: 0,
            has_eof: false,
        }
    }

    /// Goes to where the last import of the same text got.
    fn skip_done(&mut self, session: &mut Session<'_>) -> Result<(), Failure> {
        let done = session.done().into_iter().filter_map(read_part).max();
        let Some((bytes, lines, kind, is_end)) = done else { return Ok(()) };
        let failed = |error: io::Error| unreadable(&self.input.name, &error);
        match &mut self.input.file {
            Some(file) if !self.input.is_compressed => {
                file.seek(SeekFrom::Start(bytes)).map_err(failed)?;
                let file = file.try_clone().map_err(failed)?;
                self.input.reader = Box::new(BufReader::with_capacity(PIECE_BYTES, file));
            }
            Some(_) => {
                let skipped = io::copy(&mut self.input.reader.by_ref().take(bytes), &mut io::sink());
                skipped.map_err(failed)?;
            }
            // What comes from standard input may be another text each time.
            None => return Ok(()),
        }
        (self.bytes, self.lines, self.part_at) = (bytes, lines, bytes);
        self.has_eof = is_end;
        self.kind = MetricKind::from_openmetrics(kind).unwrap_or(MetricKind::Untyped);
        session.summary.done_before = Some((lines as u64, "line"));
        Ok(())
    }

    fn all(&mut self, session: &mut Session<'_>) -> Result<(), Failure> {
        while self.next_piece()? {
            let samples = self.take_piece(session)?;
            let to = if self.input.total == 0 { self.bytes } else { self.place()? };
            session.advance(samples, to)?;
            if self.bytes - self.part_at >= PART_BYTES {
                self.finish_part(session, "")?;
            }
        }
        if !self.is_text && !self.has_eof {
            return Err(Failure::wrong(format!(
                "{} ends after line {} without a line # EOF: it is cut off, or no OpenMetrics; if it is the text \
                 format of Prometheus, whose timestamps are milliseconds, add --text",
                self.input.name, self.lines
            )));
        }
        if self.input.file.is_some() { self.finish_part(session, END) } else { Ok(()) }
    }

    fn finish_part(&mut self, session: &mut Session<'_>, end: &str) -> Result<(), Failure> {
        self.part_at = self.bytes;
        session.finish_part(&format!(
            "{:020} {:020} {} {end}",
            self.bytes,
            self.lines,
            self.kind.openmetrics_str()
        ))
    }

    /// How far the file is read; of a compressed one that is less than what came out of it.
    fn place(&mut self) -> Result<u64, Failure> {
        match &mut self.input.file {
            Some(file) if self.input.is_compressed => {
                file.stream_position().map_err(|error| unreadable(&self.input.name, &error))
            }
            Some(_) | None => Ok(self.bytes),
        }
    }

    /// Reads whole lines; whether there were any.
    fn next_piece(&mut self) -> Result<bool, Failure> {
        self.piece.clear();
        let Input { name, reader, .. } = &mut self.input;
        let failed = |error: io::Error| unreadable(name, &error);
        reader.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut self.piece).map_err(failed)?;
        if !self.piece.is_empty() && !self.piece.ends_with(b"\n") {
            let rest = reader.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut self.piece);
            rest.map_err(failed)?;
        }
        Ok(!self.piece.is_empty())
    }

    /// Hands the piece's samples over; gives how many there were.
    fn take_piece(&mut self, session: &mut Session<'_>) -> Result<u64, Failure> {
        if self.has_eof {
            return Err(self.wrong(0, "there is more behind the line # EOF"));
        }
        let mut piece = std::mem::take(&mut self.piece);
        let (bytes, lines) = (piece.len() as u64, line_count(&piece));
        let limits = Limits { last_line_may_be_open: true, ..Limits::default() };
        let range = session.wanted.range;
        let mut taking = Taking { reading: self, session, range, samples: 0, failed: None, missing: None };
        let scanned = if taking.reading.is_text {
            scan_into(&piece, &limits, &mut taking)
        } else {
            let is_last = taking.reading.close(&mut piece);
            let scanned = scan_openmetrics(&piece, &limits, &mut taking);
            taking.reading.has_eof = is_last;
            scanned
        };
        let Taking { samples, failed, missing, .. } = taking;
        if let Some((series, address)) = missing {
            let before = address.saturating_sub(piece.as_ptr() as usize).min(piece.len());
            let line = 1 + line_count(&piece[..before]);
            let what = format!("{series} has no timestamp; history needs one behind each value");
            return Err(self.wrong(line, &what));
        }
        if let Some(failure) = failed {
            return Err(failure);
        }
        scanned.map_err(|error| self.mistake(&error))?;
        self.bytes += bytes;
        self.lines += lines;
        piece.clear();
        self.piece = piece;
        Ok(samples)
    }

    /// Gives a piece the end that a whole text has; whether it had it already.
    fn close(&self, piece: &mut Vec<u8>) -> bool {
        if piece.trim_ascii_end().ends_with(b"\n# EOF") || piece.trim_ascii_end() == EOF_LINE {
            return true;
        }
        piece.extend_from_slice(b"# EOF\n");
        false
    }

    fn mistake(&self, error: &ScanError) -> Failure {
        let line = self.lines + error.line;
        Failure::wrong(format!("{}:{line}:{}: {}", self.input.name, error.column, error.problem))
    }

    fn wrong(&self, line: usize, what: &str) -> Failure {
        Failure::wrong(format!("{}:{}: {what}", self.input.name, self.lines + line))
    }
}

fn line_count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Bytes, lines and kind of a part, and whether it is the last.
fn read_part(part: &str) -> Option<(u64, usize, &str, bool)> {
    let mut words = part.split(' ');
    let (bytes, lines) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((bytes, lines, words.next()?, words.next() == Some(END)))
}

/// Takes in the entries of a piece.
struct Taking<'r, 's, 'b> {
    reading: &'r mut Reading,
    session: &'s mut Session<'b>,
    range: TimeRange,
    samples: u64,
    failed: Option<Failure>,
    /// A series without a timestamp, and the address of its text.
    missing: Option<(String, usize)>,
}

impl Taking<'_, '_, '_> {
    fn sample(&mut self, sample: &ScrapedSample<'_>) -> Result<(), Failure> {
        let Some(at) = sample.timestamp else {
            self.missing = Some((sample.series.to_owned(), sample.series.as_ptr() as usize));
            return Ok(());
        };
        self.samples += 1;
        self.reading.exemplars += u64::from(sample.exemplar.is_some());
        if !self.range.contains(at) {
            return Ok(());
        }
        let handle = self.handle(sample.series)?;
        self.session.sink.push(handle, Sample::new(at, sample.value))
    }

    fn handle(&mut self, series: &str) -> Result<Handle, Failure> {
        let kind = self.reading.kind;
        let handles = self.reading.handles.entry(kind).or_default();
        if let Some(handle) = handles.get(series) {
            return Ok(*handle);
        }
        // It was read once already to find where it ends.
        let labels = decode_series(series).map_err(|error| Failure::wrong(error.to_string()))?.labels();
        let handle = self.session.series(&with_bound_spelled(labels, kind))?;
        handles.insert(series.into(), handle);
        Ok(handle)
    }
}

impl<'x> ScrapeSink<'x> for Taking<'_, '_, '_> {
    fn take(&mut self, entry: Entry<'x>) {
        if self.failed.is_some() || self.missing.is_some() {
            return;
        }
        match entry {
            Entry::Sample(sample) => self.failed = self.sample(&sample).err(),
            Entry::Type { kind, .. } => self.reading.kind = kind,
            Entry::Help { .. } | Entry::Unit { .. } | Entry::Histogram(_) => {}
        }
    }
}
