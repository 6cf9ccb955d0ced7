//! The `otlp` section of `prometheus.yml`: how metrics that are pushed by OpenTelemetry's protocol become series. Fields
//! and what excludes what are Prometheus'.

use std::collections::BTreeSet;

use bellwether_diag::{Cx, Decode, MapReader, Span, Spanned, yaml::Node};
use bellwether_ingest::otlp::{OtlpSettings, Promoted, TranslationStrategy};

/// A read section.
pub(super) struct OtlpSection(pub(super) OtlpSettings);

impl Decode for OtlpSection {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let default = OtlpSettings::default();
        let strategy = map.optional("translation_strategy", cx).and_then(|name| strategy(&name, cx));
        let mut flag = |name, default| map.optional(name, cx).unwrap_or(default);
        let settings = OtlpSettings {
            strategy: strategy.unwrap_or(default.strategy),
            promoted: Promoted::default(),
            keeps_identifying_attributes: flag("keep_identifying_resource_attributes", false),
            converts_histograms_to_nhcb: flag("convert_histograms_to_nhcb", false),
            promotes_scope: flag("promote_scope_metadata", false),
            sanitizes_leading_underscore: flag(
                "label_name_underscore_sanitization",
                default.sanitizes_leading_underscore,
            ),
            preserves_multiple_underscores: flag(
                "label_name_preserve_multiple_underscores",
                default.preserves_multiple_underscores,
            ),
        };
        let promoted = promoted(&mut map, cx);
        map.finish(cx);
        Some(Self(OtlpSettings { promoted, ..settings }))
    }
}

fn strategy(name: &Spanned<String>, cx: &mut Cx<'_>) -> Option<TranslationStrategy> {
    let found = TranslationStrategy::ALL.into_iter().find(|strategy| strategy.as_str() == name.value);
    if found.is_none() {
        let names = TranslationStrategy::ALL.map(TranslationStrategy::as_str).join(", ");
        cx.error_help(
            name.span,
            format!("unknown translation strategy {:?}", name.value),
            format!("write one of {names}"),
        );
    }
    found
}

/// Attributes are either named or all but those named.
fn promoted(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Promoted {
    let named = map.key_span("promote_resource_attributes");
    let ignored = map.key_span("ignore_resource_attributes");
    let is_all = map.optional("promote_all_resource_attributes", cx).unwrap_or(false);
    let only = attributes(map, "promote_resource_attributes", cx);
    let but = attributes(map, "ignore_resource_attributes", cx);
    if is_all && !only.is_empty() {
        let message = "promote_resource_attributes says nothing beside promote_all_resource_attributes";
        cx.error_help(named, message, "remove one of the two");
    }
    if !is_all && !but.is_empty() {
        let message = "ignore_resource_attributes says nothing without promote_all_resource_attributes";
        cx.error_help(ignored, message, "add promote_all_resource_attributes: true, or remove it");
    }
    if is_all { Promoted::AllBut(but) } else { Promoted::Only(only) }
}

fn attributes(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> BTreeSet<String> {
    let names: Vec<Spanned<String>> = map.optional(name, cx).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for Spanned { value, span } in names {
        let attribute = value.trim();
        let problem: Option<(Span, String)> = if attribute.is_empty() {
            Some((span, "an attribute needs a name".to_owned()))
        } else if !seen.insert(attribute.to_owned()) {
            Some((span, format!("{attribute:?} is there twice")))
        } else {
            None
        };
        if let Some((span, message)) = problem {
            cx.error_help(span, message, "remove it");
        }
    }
    seen
}
