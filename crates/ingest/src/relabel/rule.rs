//! One rule of relabelling, and what it does to labels.

use std::num::NonZeroU64;

use bellwether_model::{LabelsBuilder, MatcherError, REGEX_BYTES_MAX, whole_value_regex};
use md5::{Digest, Md5};
use regex::Regex;

use super::{NameScheme, Template, Verdict};

/// Values of labels, joined: what a rule looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Names of the labels, in order.
    pub labels: Vec<String>,
    /// What stands between two values.
    pub separator: String,
}

impl Source {
    fn value(&self, labels: &LabelsBuilder) -> String {
        let values: Vec<&str> = self.labels.iter().map(|name| labels.get(name).unwrap_or("")).collect();
        values.join(&self.separator)
    }
}

/// A regular expression that has to match the whole text.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    pub(super) regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Reads it in Go's dialect.
    pub fn new(text: &str) -> Result<Self, MatcherError> {
        Ok(Self { text: text.to_owned(), regex: whole_value_regex(text, REGEX_BYTES_MAX)? })
    }

    fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// One rule: an action with what it needs, and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Where the source matches, writes a text with parts of it to a label.
    Replace {
        /// What is looked at.
        source: Source,
        /// What it has to match.
        pattern: Pattern,
        /// The label's name.
        target: Template,
        /// Its value; an empty one removes the label.
        replacement: Template,
    },
    /// Drops what does not match.
    Keep {
        /// What is looked at.
        source: Source,
        /// What it has to match.
        pattern: Pattern,
    },
    /// Drops what matches.
    Drop {
        /// What is looked at.
        source: Source,
        /// What it must not match.
        pattern: Pattern,
    },
    /// Drops what has another value in a label.
    KeepEqual {
        /// What is looked at.
        source: Source,
        /// The label.
        target: String,
    },
    /// Drops what has the same value in a label.
    DropEqual {
        /// What is looked at.
        source: Source,
        /// The label.
        target: String,
    },
    /// Writes the remainder of a hash to a label.
    HashMod {
        /// What is looked at.
        source: Source,
        /// The label.
        target: String,
        /// What is divided by.
        modulus: NonZeroU64,
    },
    /// Copies labels whose names match to other names.
    LabelMap {
        /// What a name has to match.
        pattern: Pattern,
        /// The other name.
        replacement: Template,
    },
    /// Removes labels whose names match.
    LabelDrop {
        /// What a name has to match.
        pattern: Pattern,
    },
    /// Removes labels whose names do not match.
    LabelKeep {
        /// What a name has to match.
        pattern: Pattern,
    },
    /// Writes the source in small letters to a label.
    Lowercase {
        /// What is looked at.
        source: Source,
        /// The label.
        target: String,
    },
    /// Writes the source in capital letters to a label.
    Uppercase {
        /// What is looked at.
        source: Source,
        /// The label.
        target: String,
    },
}

impl Rule {
    pub(super) fn apply(&self, labels: &mut LabelsBuilder, names: NameScheme) -> Verdict {
        let kept = |is_kept| if is_kept { Verdict::Kept } else { Verdict::Dropped };
        match self {
            Self::Keep { source, pattern } => return kept(pattern.is_match(&source.value(labels))),
            Self::Drop { source, pattern } => return kept(!pattern.is_match(&source.value(labels))),
            Self::KeepEqual { source, target } => {
                return kept(labels.get(target).unwrap_or("") == source.value(labels));
            }
            Self::DropEqual { source, target } => {
                return kept(labels.get(target).unwrap_or("") != source.value(labels));
            }
            Self::Replace { source, pattern, target, replacement } => {
                let value = source.value(labels);
                if let Some(captures) = pattern.regex.captures(&value) {
                    let target = target.expand(&captures);
                    // A name that cannot be is no error: the text it was made of is not known beforehand.
                    if names.is_label_name(&target) {
                        labels.set(target, replacement.expand(&captures));
                    }
                }
            }
            Self::HashMod { source, target, modulus } => {
                labels.set(target, hash_mod(&source.value(labels), *modulus).to_string());
            }
            Self::LabelMap { pattern, replacement } => map_labels(labels, pattern, replacement, names),
            Self::LabelDrop { pattern } => labels.retain(|name| !pattern.is_match(name)),
            Self::LabelKeep { pattern } => labels.retain(|name| pattern.is_match(name)),
            Self::Lowercase { source, target } => {
                let value = source.value(labels).chars().map(lower).collect::<String>();
                labels.set(target, value);
            }
            Self::Uppercase { source, target } => {
                let value = source.value(labels).chars().map(upper).collect::<String>();
                labels.set(target, value);
            }
        }
        Verdict::Kept
    }
}

fn map_labels(labels: &mut LabelsBuilder, pattern: &Pattern, replacement: &Template, names: NameScheme) {
    let mapped = labels.iter().filter_map(|(name, value)| {
        let captures = pattern.regex.captures(name)?;
        Some((replacement.expand(&captures), value.to_owned()))
    });
    let mapped: Vec<(String, String)> = mapped.filter(|(name, _)| names.is_label_name(name)).collect();
    for (name, value) in mapped {
        labels.set(name, value);
    }
}

/// The last eight bytes of MD5 as a number, as Prometheus has always taken them.
fn hash_mod(text: &str, modulus: NonZeroU64) -> u64 {
    let digest = Md5::digest(text.as_bytes());
    let number = digest[8..].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    number % modulus
}

/// Character by character, as Go does: no letter becomes two, and none is treated differently at a word's end.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        (_, _) => c,
    }
}
