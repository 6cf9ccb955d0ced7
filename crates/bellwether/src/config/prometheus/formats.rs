//! In which formats a target is asked for its metrics, and which names they may have.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Span, Spanned, scalar, suggest};
use bellwether_ingest::relabel::NameScheme;

/// A format that a target may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScrapeProtocol {
    /// Protobuf messages, each behind its length: the only one with native histograms.
    PrometheusProto,
    /// OpenMetrics.
    OpenMetricsText1_0_0,
    /// A draft of it.
    OpenMetricsText0_0_1,
    /// Text with quoted names.
    PrometheusText1_0_0,
    /// The text every exporter speaks.
    PrometheusText0_0_4,
}

impl ScrapeProtocol {
    /// All of them, in the order in which a job asks that wants native histograms.
    pub const ALL: [Self; 5] = [
        Self::PrometheusProto,
        Self::OpenMetricsText1_0_0,
        Self::OpenMetricsText0_0_1,
        Self::PrometheusText1_0_0,
        Self::PrometheusText0_0_4,
    ];

    /// What a job asks for that does not say.
    pub const DEFAULT: [Self; 4] = [
        Self::OpenMetricsText1_0_0,
        Self::OpenMetricsText0_0_1,
        Self::PrometheusText1_0_0,
        Self::PrometheusText0_0_4,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::PrometheusText0_0_4 => "PrometheusText0.0.4",
            Self::PrometheusText1_0_0 => "PrometheusText1.0.0",
            Self::OpenMetricsText0_0_1 => "OpenMetricsText0.0.1",
            Self::OpenMetricsText1_0_0 => "OpenMetricsText1.0.0",
        }
    }
}

impl Decode for ScrapeProtocol {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = &scalar(node, "a protocol such as OpenMetricsText1.0.0", cx)?.text;
        let found = Self::ALL.into_iter().find(|protocol| protocol.as_str() == text);
        if found.is_none() {
            let names = || Self::ALL.iter().map(|protocol| protocol.as_str());
            let help = match suggest(text, names()) {
                Some(known) => format!("did you mean {known}?"),
                None => format!("write one of {}", names().collect::<Vec<_>>().join(", ")),
            };
            cx.error_help(node.span, format!("unknown scrape protocol {text:?}"), help);
        }
        found
    }
}

/// In which formats a target is asked, and what is made of its histograms.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrapeFormats {
    /// What is asked for, best first. Invariant: not empty, none twice.
    pub protocols: Vec<ScrapeProtocol>,
    /// What a body is that does not say.
    pub fallback: Option<ScrapeProtocol>,
    /// Whether native histograms are kept.
    pub native_histograms: bool,
    /// Whether the classic buckets of a histogram are kept beside the native ones.
    pub classic_beside_native: bool,
    /// Whether classic histograms become native ones with their bounds.
    pub classic_to_native: bool,
    /// Most buckets of a native histogram; more are merged. Zero is any number.
    pub native_buckets: u64,
    /// How much wider a bucket of a native histogram is than the one below it, at least.
    pub native_bucket_factor_min: f64,
}

impl Default for ScrapeFormats {
    fn default() -> Self {
        FormatsWritten::default().settle(&FormatsWritten::default())
    }
}

/// Formats as they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FormatsWritten {
    protocols: Option<Vec<ScrapeProtocol>>,
    fallback: Option<ScrapeProtocol>,
    native_histograms: Option<bool>,
    classic_beside_native: Option<bool>,
    classic_to_native: Option<bool>,
    native_buckets: u64,
    native_bucket_factor_min: f64,
}

impl FormatsWritten {
    /// The settings that `global:` and a job share.
    pub(super) fn decode(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Self {
        let protocols: Option<Spanned<Vec<Spanned<ScrapeProtocol>>>> = map.optional("scrape_protocols", cx);
        Self {
            protocols: protocols.and_then(|protocols| checked(protocols, cx)),
            native_histograms: map.optional("scrape_native_histograms", cx),
            classic_beside_native: map.optional("always_scrape_classic_histograms", cx),
            classic_to_native: map.optional("convert_classic_histograms_to_nhcb", cx),
            ..Self::default()
        }
    }

    /// Those that only a job has.
    pub(super) fn decode_own(&mut self, map: &mut MapReader<'_>, cx: &mut Cx<'_>) {
        self.fallback = map.optional("fallback_scrape_protocol", cx);
        self.native_buckets = map.optional("native_histogram_bucket_limit", cx).unwrap_or(0);
        self.native_bucket_factor_min = map.optional("native_histogram_min_bucket_factor", cx).unwrap_or(0.0);
    }

    /// With what is written globally.
    pub(super) fn settle(self, global: &Self) -> ScrapeFormats {
        let native_histograms = self.native_histograms.or(global.native_histograms);
        let protocols = self.protocols.or_else(|| global.protocols.clone());
        let usual = || match native_histograms {
            Some(true) => ScrapeProtocol::ALL.to_vec(),
            Some(false) | None => ScrapeProtocol::DEFAULT.to_vec(),
        };
        let either = |own: Option<bool>, global: Option<bool>| own.or(global).unwrap_or(false);
        ScrapeFormats {
            protocols: protocols.unwrap_or_else(usual),
            fallback: self.fallback,
            native_histograms: native_histograms.unwrap_or(false),
            classic_beside_native: either(self.classic_beside_native, global.classic_beside_native),
            classic_to_native: either(self.classic_to_native, global.classic_to_native),
            native_buckets: self.native_buckets,
            native_bucket_factor_min: self.native_bucket_factor_min,
        }
    }
}

fn checked(protocols: Spanned<Vec<Spanned<ScrapeProtocol>>>, cx: &mut Cx<'_>) -> Option<Vec<ScrapeProtocol>> {
    if protocols.value.is_empty() {
        cx.error_help(protocols.span, "scrape_protocols is empty", "name one, or remove the field");
        return None;
    }
    let mut all: Vec<ScrapeProtocol> = Vec::new();
    for protocol in protocols.value {
        if all.contains(&protocol.value) {
            cx.error_help(
                protocol.span,
                format!("{} is written twice", protocol.value.as_str()),
                "remove one of them",
            );
        }
        all.push(protocol.value);
    }
    Some(all)
}

/// How a target is asked to write names that are no classic ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameEscaping {
    /// As they are.
    #[default]
    AllowUtf8,
    /// With underscores in the place of what is not allowed.
    Underscores,
    /// With `_dot_` in the place of dots, and underscores in the place of the rest.
    Dots,
    /// In a way that can be undone.
    Values,
}

impl NameEscaping {
    const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// As it is written in configurations and in the header `Accept`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    const fn of(names: NameScheme) -> Self {
        match names {
            NameScheme::Utf8 => Self::AllowUtf8,
            NameScheme::Legacy => Self::Underscores,
        }
    }
}

/// Names as they are written.
pub(super) struct NamesWritten {
    names: Option<NameScheme>,
    escaping: Option<NameEscaping>,
    escaping_span: Span,
}

const SCHEME: &str = "metric_name_validation_scheme";
const ESCAPING: &str = "metric_name_escaping_scheme";

impl NamesWritten {
    pub(super) fn decode(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Self {
        let scheme: Option<Spanned<String>> = map.optional(SCHEME, cx);
        let escaping: Option<Spanned<String>> = map.optional(ESCAPING, cx);
        let names = scheme.filter(|scheme| !scheme.value.is_empty()).and_then(|scheme| {
            let found = match scheme.value.as_str() {
                "utf8" => Some(NameScheme::Utf8),
                "legacy" => Some(NameScheme::Legacy),
                _ => None,
            };
            if found.is_none() {
                let message = format!("unknown {SCHEME} {:?}", scheme.value);
                cx.error_help(scheme.span, message, "write utf8 or legacy");
            }
            found
        });
        let escaping = escaping.filter(|escaping| !escaping.value.is_empty()).and_then(|escaping| {
            let found = NameEscaping::ALL.into_iter().find(|known| known.as_str() == escaping.value);
            if found.is_none() {
                let message = format!("unknown {ESCAPING} {:?}", escaping.value);
                cx.error_help(escaping.span, message, "write allow-utf-8, underscores, dots or values");
            }
            found
        });
        let at = if escaping.is_some() { ESCAPING } else { SCHEME };
        Self { names, escaping, escaping_span: map.key_span(at) }
    }

    /// The global ones. Whether they go together is asked of each job.
    pub(super) fn settle_globally(self, cx: &mut Cx<'_>) -> (NameScheme, NameEscaping) {
        let names = self.names.unwrap_or_default();
        let escaping = self.escaping.unwrap_or(NameEscaping::of(names));
        self.refuse_conflict(names, escaping, cx);
        (names, escaping)
    }

    /// Those of a job. One that says which names it allows does not inherit how others are escaped.
    pub(super) fn settle(
        self,
        global: (NameScheme, NameEscaping),
        cx: &mut Cx<'_>,
    ) -> (NameScheme, NameEscaping) {
        let names = self.names.unwrap_or(global.0);
        let inherited = if self.names.is_some() { NameEscaping::of(names) } else { global.1 };
        let escaping = self.escaping.unwrap_or(inherited);
        self.refuse_conflict(names, escaping, cx);
        (names, escaping)
    }

    fn refuse_conflict(&self, names: NameScheme, escaping: NameEscaping, cx: &mut Cx<'_>) {
        let is_written = self.names.is_some() || self.escaping.is_some();
        if is_written && names == NameScheme::Legacy && escaping == NameEscaping::AllowUtf8 {
            let message = "names in UTF-8 are asked for, and only classic ones are allowed";
            let help = format!("write {ESCAPING}: underscores, or {SCHEME}: utf8");
            cx.error_help(self.escaping_span, message, help);
        }
    }
}
