//! What may be wrong with a file, and where.

/// A place in a file that cannot be read. Whoever knows the file's name puts it in front.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {problem}")]
pub struct Damage {
    /// Bytes from the beginning of the file.
    pub offset: u64,
    /// What is wrong there.
    pub problem: Problem,
}

impl Damage {
    pub(crate) const fn new(offset: u64, problem: Problem) -> Self {
        Self { offset, problem }
    }

    /// Whether the file ends inside a record: the last write of a process that was killed looks like that.
    pub fn is_torn(&self) -> bool {
        self.problem == Problem::CutOff
    }
}

/// What is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file ends too early.
    #[error("the file ends in the middle of something")]
    CutOff,
    /// Not the kind of file that its name says.
    #[error("this is no {expected}: it begins with {found:#010x} instead of {magic:#010x}")]
    Magic {
        /// The kind of file.
        expected: &'static str,
        /// How it begins.
        found: u32,
        /// How it should begin.
        magic: u32,
    },
    /// Written by a later version.
    #[error("{what} of version {found}, {known} can be read; a later Prometheus wrote it")]
    Version {
        /// What has a version.
        what: &'static str,
        /// It.
        found: u64,
        /// Those that can be read.
        known: &'static str,
    },
    /// A checksum that does not match.
    #[error("{0} does not pass its checksum, its bytes have changed since they were written")]
    Checksum(&'static str),
    /// A number, a length or a reference that makes no sense.
    #[error("{0}")]
    Nonsense(&'static str),
    /// A label that is no text.
    #[error("a label is not UTF-8")]
    NotUtf8,
    /// An encoding of chunks that is not read here.
    #[error(
        "a chunk encoded as {0}, which cannot be read here; read it from the running Prometheus with `bellwether \
         import remote-read`"
    )]
    Encoding(&'static str),
    /// A record of a kind that is not read here.
    #[error("a record of type {0} holds samples in a form that cannot be read here")]
    Record(u8),
    /// Buckets whose bounds are not known here.
    #[error("a histogram of schema {0}; -4 to 8 and -53 can be stored")]
    Schema(i64),
}
