//! The file that exemplars survive a restart in: one series or one exemplar per record, each with a checksum, appended to
//! and written anew when it holds much that gave way.
//!
//! Header: `BWEX`, u16 version, u16 zero. Record: u32 length, u32 CRC-32 of the payload, payload; little-endian. Payload: 1,
//! u32 number, labels of a series; or 2, u32 number of its series, i64 time, 8 bytes of value, labels. Labels: a JSON
//! object. Numbers mean something in this file only, since those of the store may be given anew after a crash.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use bellwether_model::{Exemplar, Labels, SeriesId, Timestamp};

/// In the data directory.
pub(super) const FILE: &str = "exemplars.log";
const MAGIC: [u8; 4] = *b"BWEX";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 8;
/// Label sets are at most a mebibyte; quotes and such make them longer.
const RECORD_BYTES_MAX: usize = 8 << 20;
const SERIES: u8 = 1;
const EXEMPLAR: u8 = 2;

/// What a file held.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order in which they came.
    pub(super) exemplars: Vec<(Labels, Exemplar)>,
    /// Whether the rest cannot be read: cut off by a crash, damaged, or of a later version.
    pub(super) is_cut: bool,
    /// Where that begins.
    whole_bytes: u64,
}

/// Reads a file; none is an empty one.
pub(super) fn read(path: &Path) -> io::Result<Found> {
    match File::open(path) {
        Ok(file) => read_open(&file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::default()),
        Err(error) => Err(error),
    }
}

/// Copies the file of a data directory, if there is one, durably into another data directory: all of it that can be
/// read. It may be appended to and be replaced meanwhile.
pub fn copy(data: &Path, target: &Path) -> io::Result<()> {
    let mut file = match File::open(data.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let whole_bytes = read_open(&file)?.whole_bytes;
    if whole_bytes == 0 {
        return Ok(()); // not even its header can be read
    }
    file.rewind()?;
    let mut copy = File::create(target.join(FILE))?;
    io::copy(&mut file.take(whole_bytes), &mut copy)?;
    copy.sync_all()
}

/// How many exemplars the file of a data directory holds; `None` if it cannot be read to its end.
pub fn whole_count(data: &Path) -> io::Result<Option<usize>> {
    let found = read(&data.join(FILE))?;
    Ok((!found.is_cut).then_some(found.exemplars.len()))
}

fn read_open(file: &File) -> io::Result<Found> {
    let mut reader = BufReader::new(file);
    let mut found = Found { is_cut: true, ..Found::default() };
    let mut header = [0; HEADER_BYTES];
    if !fill(&mut reader, &mut header)? || header != written_header() {
        return Ok(found);
    }
    found.whole_bytes = HEADER_BYTES as u64;
    let mut names: HashMap<u32, Labels> = HashMap::new();
    loop {
        let mut head = [0; 8];
        match reader.read(&mut head[..1])? {
            0 => break,
            _ if !fill(&mut reader, &mut head[1..])? => return Ok(found),
            _ => {}
        }
        let Some(payload) = payload(&mut reader, head)? else { return Ok(found) };
        if take(&payload, &mut names, &mut found.exemplars).is_none() {
            return Ok(found);
        }
        found.whole_bytes += (head.len() + payload.len()) as u64;
    }
    found.is_cut = false;
    Ok(found)
}

/// Whether there were so many bytes.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A record's payload, if it is there and passes its checksum.
fn payload(reader: &mut impl Read, head: [u8; 8]) -> io::Result<Option<Vec<u8>>> {
    let [a, b, c, d, sum @ ..] = head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > RECORD_BYTES_MAX {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    let is_whole = fill(reader, &mut payload)? && crc32fast::hash(&payload) == u32::from_le_bytes(sum);
    Ok(is_whole.then_some(payload))
}

/// `None` if a record says nothing that can be.
fn take(
    payload: &[u8],
    names: &mut HashMap<u32, Labels>,
    exemplars: &mut Vec<(Labels, Exemplar)>,
) -> Option<()> {
    let (kind, rest) = payload.split_first()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let number = u32::from_le_bytes(*number);
    match *kind {
        SERIES => _ = names.insert(number, serde_json::from_slice(rest).ok()?),
        EXEMPLAR => {
            let (at, rest) = rest.split_first_chunk::<8>()?;
            let (value, rest) = rest.split_first_chunk::<8>()?;
            let exemplar = Exemplar {
                labels: serde_json::from_slice(rest).ok()?,
                value: f64::from_le_bytes(*value),
                at: Some(Timestamp(i64::from_le_bytes(*at))),
            };
            exemplars.push((names.get(&number)?.clone(), exemplar));
        }
        _ => return None,
    }
    Some(())
}

fn written_header() -> [u8; HEADER_BYTES] {
    let [low, high] = VERSION.to_le_bytes();
    let [a, b, c, d] = MAGIC;
    [a, b, c, d, low, high, 0, 0]
}

/// A file that is appended to.
#[derive(Debug)]
pub(super) struct ExemplarFile {
    path: PathBuf,
    file: Option<File>,
    /// Series that are named in it.
    named: HashSet<SeriesId>,
    /// Exemplars in it.
    pub(super) count: usize,
}

impl ExemplarFile {
    /// At a place; nothing is written before [`write_anew`](Self::write_anew).
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, named: HashSet::new(), count: 0 }
    }

    /// Whether it can be appended to: it was written by this process, and nothing failed since.
    pub(super) const fn is_sound(&self) -> bool {
        self.file.is_some()
    }

    /// Appends, durably. After an error the file has to be written anew.
    pub(super) fn append(
        &mut self,
        exemplars: &[(SeriesId, Exemplar)],
        labels: &dyn Fn(SeriesId) -> Option<Labels>,
    ) -> io::Result<()> {
        let Some(mut file) = self.file.take() else {
            return Err(io::Error::other("the file has to be written anew"));
        };
        let bytes = self.records(exemplars, labels);
        file.write_all(&bytes)?;
        file.sync_data()?;
        self.file = Some(file);
        Ok(())
    }

    /// Writes a file with these and no others in its place, durably.
    pub(super) fn write_anew(
        &mut self,
        exemplars: &[(SeriesId, Exemplar)],
        labels: &dyn Fn(SeriesId) -> Option<Labels>,
    ) -> io::Result<()> {
        self.file = None;
        self.named.clear();
        self.count = 0;
        let bytes = self.records(exemplars, labels);
        let beside = self.path.with_extension("tmp");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&beside)?;
        file.write_all(&written_header())?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.file = Some(file);
        Ok(())
    }

    fn records(
        &mut self,
        exemplars: &[(SeriesId, Exemplar)],
        labels: &dyn Fn(SeriesId) -> Option<Labels>,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        for (series, exemplar) in exemplars {
            if !self.named.contains(series) {
                // One that was forgotten meanwhile takes its exemplars with it.
                let Some(labels) = labels(*series) else { continue };
                put_record(&mut out, &[&[SERIES], &series.0.to_le_bytes()], &labels);
                self.named.insert(*series);
            }
            let at = exemplar.at.unwrap_or_default().0;
            let parts: [&[u8]; 4] =
                [&[EXEMPLAR], &series.0.to_le_bytes(), &at.to_le_bytes(), &exemplar.value.to_le_bytes()];
            put_record(&mut out, &parts, &exemplar.labels);
            self.count += 1;
        }
        out
    }
}

fn put_record(out: &mut Vec<u8>, parts: &[&[u8]], labels: &Labels) {
    let mut payload = parts.concat();
    // A map of texts always has a form as JSON.
    payload.extend(serde_json::to_vec(labels).unwrap_or_default());
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    out.extend_from_slice(&payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(at: i64, trace: &str) -> Exemplar {
        let labels = Labels::from_pairs([("trace_id", trace)]);
        Exemplar { labels, value: at as f64 / 7.0, at: Some(Timestamp(at)) }
    }

    fn name(id: SeriesId) -> Option<Labels> {
        (id.0 < 9).then(|| Labels::from_pairs([("__name__", format!("s{}\"ü", id.0))]))
    }

    #[test]
    fn what_was_written_is_read_again_and_a_cut_anywhere_loses_only_the_rest() {
        let folder = std::env::temp_dir().join(format!("bellwether-exemplars-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("exemplars.log");
        assert!(!read(&path).unwrap().is_cut);
        let mut file = ExemplarFile::new(path.clone());
        assert!(file.append(&[], &name).is_err());
        let given: Vec<(SeriesId, Exemplar)> =
            (0..12).map(|n| (SeriesId(n % 4 + 6), exemplar(i64::from(n) * 10, &format!("t{n}")))).collect();
        file.write_anew(&given[..5], &name).unwrap();
        file.append(&given[5..9], &name).unwrap();
        file.append(&given[9..], &name).unwrap();
        let expected: Vec<(Labels, Exemplar)> =
            given.iter().filter_map(|(id, one)| Some((name(*id)?, one.clone()))).collect();
        assert_eq!((expected.len(), file.count), (9, 9), "a series without a name has none");
        let bytes = std::fs::read(&path).unwrap();
        let check = |bytes: &[u8], is_cut: Option<bool>| {
            std::fs::write(&path, bytes).unwrap();
            let found = read(&path).unwrap();
            assert!(expected.starts_with(&found.exemplars), "{:?}", found.exemplars);
            if let Some(is_cut) = is_cut {
                assert_eq!(found.is_cut, is_cut, "{} bytes", bytes.len());
            }
            found.exemplars.len()
        };
        assert_eq!(check(&bytes, Some(false)), 9);
        let mut most = 0;
        for end in 0..bytes.len() {
            let found = check(&bytes[..end], None);
            assert!(found >= most, "{end} bytes");
            most = found;
            let mut changed = bytes.clone();
            changed[end] ^= 1 << (end % 8);
            check(&changed, Some(true));
        }
        // A copy has what can be read, and is whole.
        let beside = folder.join("copy");
        std::fs::create_dir_all(&beside).unwrap();
        let copied = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            copy(&folder, &beside).unwrap();
            whole_count(&beside).unwrap()
        };
        assert_eq!(copied(&bytes[..5]), Some(0), "without a header there is nothing to copy");
        assert!(!beside.join(FILE).exists());
        assert_eq!((copied(&bytes), copied(&bytes[..bytes.len() - 1])), (Some(9), Some(8)));
        assert_eq!(whole_count(&folder).unwrap(), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
