//! How OTLP metrics become series: the settings of Prometheus' `otlp` section.

use std::collections::BTreeSet;

/// What becomes of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TranslationStrategy {
    /// Characters outside the classic set become underscores; units and `_total` are appended.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// Characters outside the classic set become underscores.
    UnderscoreEscapingWithoutSuffixes,
    /// Names stay; units and `_total` are appended.
    NoUtf8EscapingWithSuffixes,
    /// Names stay.
    NoTranslation,
}

impl TranslationStrategy {
    /// All of them, in the order in which documents list them.
    pub const ALL: [Self; 4] = [
        Self::UnderscoreEscapingWithSuffixes,
        Self::UnderscoreEscapingWithoutSuffixes,
        Self::NoUtf8EscapingWithSuffixes,
        Self::NoTranslation,
    ];

    /// As files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnderscoreEscapingWithSuffixes => "UnderscoreEscapingWithSuffixes",
            Self::UnderscoreEscapingWithoutSuffixes => "UnderscoreEscapingWithoutSuffixes",
            Self::NoUtf8EscapingWithSuffixes => "NoUTF8EscapingWithSuffixes",
            Self::NoTranslation => "NoTranslation",
        }
    }

    /// Whether names are brought into the classic character set.
    pub const fn escapes(self) -> bool {
        match self {
            Self::UnderscoreEscapingWithSuffixes | Self::UnderscoreEscapingWithoutSuffixes => true,
            Self::NoUtf8EscapingWithSuffixes | Self::NoTranslation => false,
        }
    }

    /// Whether unit and kind are appended to names.
    pub const fn adds_suffixes(self) -> bool {
        match self {
            Self::UnderscoreEscapingWithSuffixes | Self::NoUtf8EscapingWithSuffixes => true,
            Self::UnderscoreEscapingWithoutSuffixes | Self::NoTranslation => false,
        }
    }
}

/// Which attributes of the resource become labels of every series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promoted {
    /// These.
    Only(BTreeSet<String>),
    /// All but these.
    AllBut(BTreeSet<String>),
}

impl Default for Promoted {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Promoted {
    /// Whether an attribute is among them.
    pub fn has(&self, attribute: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(attribute),
            Self::AllBut(names) => !names.contains(attribute),
        }
    }
}

/// How OTLP metrics become series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpSettings {
    /// What becomes of names.
    pub strategy: TranslationStrategy,
    /// Which attributes of the resource become labels of every series.
    pub promoted: Promoted,
    /// Whether `target_info` keeps `service.name`, `service.namespace` and `service.instance.id`, too.
    pub keeps_identifying_attributes: bool,
    /// Whether histograms with listed bounds become native ones with custom buckets.
    pub converts_histograms_to_nhcb: bool,
    /// Whether the library that measured becomes labels.
    pub promotes_scope: bool,
    /// Whether `key` is put before label names that begin with one underscore.
    pub sanitizes_leading_underscore: bool,
    /// Whether underscores that follow each other in label names stay.
    pub preserves_multiple_underscores: bool,
}

impl Default for OtlpSettings {
    /// Prometheus' own.
    fn default() -> Self {
        Self {
            strategy: TranslationStrategy::default(),
            promoted: Promoted::default(),
            keeps_identifying_attributes: false,
            converts_histograms_to_nhcb: false,
            promotes_scope: false,
            sanitizes_leading_underscore: true,
            preserves_multiple_underscores: true,
        }
    }
}
