//! Temporary reader until promql's series notation lands.
use bellwether_diag::Cx;
use bellwether_diag::yaml::Node;
use bellwether_model::{Labels, STALE_NAN};
use bellwether_promql::{ExprKind, SampleValue};

pub(crate) fn labels(node: &Node, cx: &mut Cx<'_>) -> Option<Labels> {
    let text = node.as_text().unwrap_or_default();
    if text.trim().is_empty() || text.trim() == "{}" {
        return Some(Labels::empty());
    }
    match bellwether_promql::parse(text) {
        Ok(expr) => match &expr.kind {
            ExprKind::Selector(s) => {
                Some(Labels::from_pairs(s.matchers.iter().map(|m| (m.name.clone(), m.value.clone()))))
            }
            _ => None,
        },
        Err(errors) => {
            crate::query_text::report(errors, node, cx);
            None
        }
    }
}

pub(crate) fn values(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<Option<SampleValue>>> {
    let mut out = Vec::new();
    for word in node.as_text().unwrap_or_default().split_whitespace() {
        if word == "stale" {
            out.push(Some(SampleValue::Float(STALE_NAN)));
        } else if let Ok(value) = word.parse() {
            out.push(Some(SampleValue::Float(value)));
        } else if word.starts_with('_') {
            let times = word.strip_prefix("_x").and_then(|n| n.parse().ok()).unwrap_or(1);
            out.extend(std::iter::repeat_n(None, times));
        } else {
            let Some((head, times)) = word.rsplit_once('x') else {
                cx.error(node.span, format!("not a value: {word:?}"));
                return None;
            };
            let times: usize = times.parse().ok()?;
            let split = head
                .char_indices()
                .skip(1)
                .filter(|(i, c)| matches!(c, '+' | '-') && !head[..*i].ends_with(['e', 'E']));
            let (start, step) = match split.last() {
                Some((at, _)) => (&head[..at], head[at..].parse().ok()?),
                None => (head, 0.0),
            };
            let mut value: f64 = start.parse().ok()?;
            for _ in 0..=times {
                out.push(Some(SampleValue::Float(value)));
                value += step;
            }
        }
    }
    Some(out)
}

pub(crate) fn histogram(node: &Node, cx: &mut Cx<'_>) -> Option<SampleValue> {
    cx.error(node.span, "histograms later");
    None
}

/// A value as people write it.
pub(crate) fn text(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(value) if bellwether_model::is_stale(*value) => "stale".to_owned(),
        SampleValue::Float(value) if *value == f64::INFINITY => "+Inf".to_owned(),
        SampleValue::Float(value) if *value == f64::NEG_INFINITY => "-Inf".to_owned(),
        SampleValue::Float(value) => value.to_string(),
        SampleValue::Histogram(histogram) => format!("{histogram:?}"),
    }
}
