//! Changes texts at random, but the same way for the same seed: what a coverage-guided fuzzer does, without the guide.

/// Longest text that is made.
const LENGTH_MAX: usize = 4096;

/// Pieces that mean something in one of the languages read here.
const WORDS: [&str; 60] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    "\"",
    "'",
    "`",
    "\\",
    "#",
    ",",
    ":",
    "=",
    "==",
    "=~",
    "!~",
    "!=",
    "<",
    ">",
    "</",
    ">/",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "@",
    "\n",
    "\t",
    " ",
    "\0",
    "\u{feff}",
    "é",
    "世",
    "\u{1F600}",
    "0",
    "1e308",
    "0x",
    "-0",
    "NaN",
    "Inf",
    "9223372036854775807",
    "5m",
    "1ms",
    "292y",
    "by",
    "on",
    "offset",
    "bool",
    "start()",
    "step()",
    "|",
    "?",
    "...",
    "\r\n",
    "_",
];

/// A stream of mutations.
pub struct Mutator {
    rng: fastrand::Rng,
}

impl Mutator {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed) }
    }

    /// A text made from one of the seeds by some changes.
    pub fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut text = self.seed(seeds).to_vec();
        for _ in 0..1 + self.rng.usize(..6) {
            self.change(&mut text, seeds);
            text.truncate(LENGTH_MAX);
        }
        text
    }

    fn seed<'a>(&mut self, seeds: &'a [Vec<u8>]) -> &'a [u8] {
        if seeds.is_empty() { &[] } else { &seeds[self.rng.usize(..seeds.len())] }
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.rng.usize(..WORDS.len())]
    }

    fn change(&mut self, text: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let range = self.range(text.len());
        match self.rng.u8(..9) {
            0 => {
                text.drain(range);
            }
            1 => {
                let piece = text[range.clone()].to_vec();
                text.splice(range.end..range.end, piece);
            }
            2 => {
                // Depth and length: the same piece many times.
                let piece = text[range.start..range.end.min(range.start + 12)].to_vec();
                let times = 1 << self.rng.usize(..10);
                text.splice(range.start..range.start, piece.repeat(times).into_iter().take(LENGTH_MAX));
            }
            3 | 4 => {
                let word = self.word().bytes();
                text.splice(range.start..range.start, word);
            }
            5 => {
                let word = self.word().bytes();
                text.splice(range, word);
            }
            6 => {
                let other = self.seed(seeds);
                let part = &other[self.range(other.len())];
                text.splice(range, part.iter().copied());
            }
            7 => {
                if let Some(byte) = text.get_mut(range.start) {
                    *byte = self.rng.u8(..);
                }
            }
            _ => {
                let times = self.rng.usize(1..200);
                let word = self.word().as_bytes().repeat(times);
                text.splice(range.start..range.start, word);
            }
        }
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.rng.usize(..=length);
        let end = start + self.rng.usize(..=(length - start).min(40));
        start..end
    }
}
