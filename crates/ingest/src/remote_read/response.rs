//! The answer: frames with chunks, or one message with samples.

use bellwether_model::{Labels, LabelsBuilder, Sample, Timestamp};

use crate::prometheus_block::{ChunkKind, Problem, Samples, crc32c, decode_chunk};
use crate::protobuf::wire::{Fields, Value, WireError};
use crate::remote_write::histogram;

/// A frame says how long it is in at most so many bytes, and a longer one is not believed.
const LENGTH_BYTES_MAX: usize = 5;
const FRAME_BYTES_MAX: u64 = 256 << 20;
const SUM_BYTES: usize = 4;

/// Why an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No protobuf, or not of this message.
    #[error("the answer is no message of remote read: {0}")]
    Message(String),
    /// Bytes changed on the way.
    #[error("a frame of the answer does not pass its checksum")]
    Checksum,
    /// A length that makes no sense.
    #[error("the length of a frame of the answer makes no sense")]
    Length,
    /// A native histogram that is none.
    #[error("a native histogram of the answer is none: its buckets, bounds and counts do not fit together")]
    Histogram,
    /// A label that is no text.
    #[error("a label of the answer is not UTF-8")]
    NotUtf8,
    /// A chunk that cannot be read.
    #[error("{0}")]
    Chunk(#[from] Problem),
}

impl From<WireError> for FrameError {
    fn from(error: WireError) -> Self {
        Self::Message(error.to_string())
    }
}

/// A frame that was cut out of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The message in it.
    pub message: &'a [u8],
    /// Bytes of the stream that it took.
    pub length: usize,
}

/// The frame that some bytes begin with; `None` when it is not there as a whole yet.
pub fn next_frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let mut length = 0u64;
    for place in 0..=LENGTH_BYTES_MAX {
        let Some(byte) = bytes.get(place) else { return Ok(None) };
        if place == LENGTH_BYTES_MAX {
            break;
        }
        length |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            if length > FRAME_BYTES_MAX {
                return Err(FrameError::Length);
            }
            let start = place + 1 + SUM_BYTES;
            let end = start + length as usize;
            let Some(message) = bytes.get(start..end) else { return Ok(None) };
            let sum = bytes.get(place + 1..).and_then(|rest| rest.first_chunk::<SUM_BYTES>());
            let is_whole = sum.is_some_and(|sum| u32::from_be_bytes(*sum) == crc32c(message));
            return if is_whole {
                Ok(Some(Frame { message, length: end }))
            } else {
                Err(FrameError::Checksum)
            };
        }
    }
    Err(FrameError::Length)
}

/// Some of the samples of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadSeries {
    /// Its name and labels.
    pub labels: Labels,
    /// Some of what it has; chunks reach beyond what was asked for.
    pub samples: Samples,
}

/// Reads a frame's message.
pub fn read_frame(message: &[u8]) -> Result<Vec<ReadSeries>, FrameError> {
    let mut series = Vec::new();
    let mut fields = Fields::new(message);
    while let Some((field, value)) = fields.next()? {
        if field == 1 {
            series.push(read_series(value.message("chunked_series")?)?);
        }
    }
    Ok(series)
}

fn read_series(fields: Fields<'_>) -> Result<ReadSeries, FrameError> {
    read_labelled(fields, |field, value, samples| match field {
        2 => read_chunk(value.message("chunks")?, samples),
        _ => Ok(()),
    })
}

/// A message that has its labels in the first field; `rest` is given all others.
fn read_labelled<'a>(
    mut fields: Fields<'a>,
    rest: impl Fn(u32, Value<'a>, &mut Samples) -> Result<(), FrameError>,
) -> Result<ReadSeries, FrameError> {
    let mut labels = LabelsBuilder::default();
    let mut samples = Samples::default();
    while let Some((field, value)) = fields.next()? {
        if field == 1 {
            let (name, value) = read_label(value.message("labels")?)?;
            labels.set(name, value);
        } else {
            rest(field, value, &mut samples)?;
        }
    }
    Ok(ReadSeries { labels: labels.build(), samples })
}

/// Reads the one message of a server that has no frames, once it is decompressed.
pub fn read_samples(message: &[u8]) -> Result<Vec<ReadSeries>, FrameError> {
    let mut series = Vec::new();
    let mut results = Fields::new(message);
    while let Some((field, value)) = results.next()? {
        if field != 1 {
            continue;
        }
        let mut result = value.message("results")?;
        while let Some((field, value)) = result.next()? {
            if field == 1 {
                series.push(read_sampled(value.message("timeseries")?)?);
            }
        }
    }
    Ok(series)
}

fn read_sampled(fields: Fields<'_>) -> Result<ReadSeries, FrameError> {
    read_labelled(fields, |field, value, samples| match field {
        2 => {
            samples.floats.push(read_sample(value.message("samples")?)?);
            Ok(())
        }
        4 => {
            let message = value.bytes("histograms")?;
            let read = histogram::read(message).map_err(|error| FrameError::Message(error.to_string()))?;
            samples.histograms.push(read.ok_or(FrameError::Histogram)?.0);
            Ok(())
        }
        _ => Ok(()),
    })
}

fn read_sample(mut fields: Fields<'_>) -> Result<Sample, FrameError> {
    let (mut number, mut at) = (0.0, 0);
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => number = value.double("value")?,
            2 => at = value.number("timestamp")? as i64,
            _ => {}
        }
    }
    Ok(Sample::new(Timestamp(at), number))
}

fn read_label(mut fields: Fields<'_>) -> Result<(&str, &str), FrameError> {
    let (mut name, mut text) = ("", "");
    while let Some((field, value)) = fields.next()? {
        let read = |name| {
            let bytes = value.bytes(name)?;
            std::str::from_utf8(bytes).map_err(|_| FrameError::NotUtf8)
        };
        match field {
            1 => name = read("name")?,
            2 => text = read("value")?,
            _ => {}
        }
    }
    Ok((name, text))
}

fn read_chunk(mut fields: Fields<'_>, samples: &mut Samples) -> Result<(), FrameError> {
    let (mut kind, mut data) = (0, &[][..]);
    while let Some((field, value)) = fields.next()? {
        match field {
            3 => kind = value.number("type")?,
            4 => data = value.bytes("data")?,
            _ => {}
        }
    }
    let kind =
        u8::try_from(kind).map_err(|_| Problem::Nonsense("a chunk of an encoding that does not exist"))?;
    Ok(decode_chunk(ChunkKind::of(kind)?, data, samples)?)
}
