//! Reads what is expected of a run.

use bellwether_alerts::Reason;
use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Span, Spanned};
use bellwether_model::TimeDelta;

use super::definition_decode::{nearest, take};
use super::event_decode::alert;
use super::model::{AlertIs, Amount, Expectation, Expected, Measured, When};
use super::quantity::Moment;

const KINDS: [&str; 7] = ["alert", "notified", "budget", "burn", "sli", "query", "config"];

impl Decode for When {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        match node.as_text() {
            Some("never") => Some(Self::Never),
            _ => Moment::decode(node, cx).map(Self::At),
        }
    }
}

impl Expected {
    /// The latest moment that it speaks of.
    pub fn moment(&self) -> Option<Moment> {
        let of = |when: &Option<When>| match when {
            Some(When::At(moment)) => Some(*moment),
            Some(When::Never) | None => None,
        };
        match self {
            Self::Alert { pending, fires, resolves, .. } => {
                [pending, fires, resolves].into_iter().filter_map(of).max()
            }
            Self::State { at, .. } | Self::Value { at, .. } => Some(*at),
            Self::Notified { at, until, .. } => of(at).max(*until),
            Self::Refused { .. } => None,
        }
    }
}

/// One expectation.
pub(super) fn expectation(node: &Node, cx: &mut Cx<'_>) -> Option<Expectation> {
    let mut map = MapReader::open(node, cx)?;
    let span = map.span_first_line(cx);
    let given: Vec<(&'static str, &Node, &Node)> =
        KINDS.into_iter().filter_map(|kind| map.entry(kind).map(|(key, value)| (kind, key, value))).collect();
    let (kind, value) = match given.as_slice() {
        [(kind, _, value)] => (*kind, *value),
        [] => {
            cx.error_help(span, "nothing says what is expected", nearest(node, &KINDS));
            return None;
        }
        [_, second, ..] => {
            cx.error_help(second.1.span, "one expectation is about one thing", "make it an item of its own");
            return None;
        }
    };
    let what = match kind {
        "alert" => self::alert_expected(value, &mut map, cx),
        "notified" => notified(value, &mut map, cx),
        "config" => refused(value, &mut map, cx),
        "query" => query(value, &mut map, cx),
        _ => objective(kind, value, &mut map, cx),
    };
    map.finish(cx);
    Some(Expectation { span, what: what? })
}

fn alert_expected(node: &Node, map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Expected> {
    let alert = alert(node, cx);
    let after = map.optional("after", cx).unwrap_or_default();
    let pending: Option<When> = map.optional("pending", cx);
    let fires: Option<When> = map.optional("fires", cx);
    let resolves: Option<When> = map.optional("resolves", cx);
    let (at, is): (Option<Moment>, Option<Spanned<String>>) =
        (map.optional("at", cx), map.optional("is", cx));
    let is_life = pending.is_some() || fires.is_some() || resolves.is_some();
    match (is_life, at, is) {
        (true, None, None) => Some(Expected::Alert { alert: alert?, after, pending, fires, resolves }),
        (false, at, Some(is)) => {
            let is = take(state(&is.value), is.span, cx)?;
            Some(Expected::State { alert: alert?, at: at.unwrap_or_default(), is })
        }
        (_, _, _) => {
            let help =
                "write fires: +5m (or never), resolves: +9m, pending: +15s; or at: +5m with is: firing";
            cx.error_help(node.span, "what is expected of the alert is not said", help);
            None
        }
    }
}

fn state(text: &str) -> Result<AlertIs, String> {
    match text {
        "inactive" => Ok(AlertIs::Inactive),
        "pending" => Ok(AlertIs::Pending),
        "firing" => Ok(AlertIs::Firing),
        "suppressed" => Ok(AlertIs::Suppressed),
        other => Err(format!("{other:?} is no state; write inactive, pending, firing or suppressed")),
    }
}

/// A text or a list of them.
fn texts(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Vec<String> {
    let Some(node) = map.node(name) else { return Vec::new() };
    match node.as_text() {
        Some(text) => vec![text.to_owned()],
        None => Vec::decode(node, cx).unwrap_or_default(),
    }
}

fn notified(node: &Node, map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Expected> {
    let receiver = String::decode(node, cx);
    let at: Option<When> = map.optional("at", cx);
    let times: Option<usize> = map.optional("times", cx);
    let from = map.optional("from", cx).unwrap_or_default();
    let until = map.optional("until", cx);
    let title = map.optional("title", cx);
    let contains = texts(map, "contains", cx);
    let reason: Option<Spanned<String>> = map.optional("reason", cx);
    let reason = reason.and_then(|text| {
        let found = Reason::of_word(&text.value);
        let words = Reason::ALL.map(Reason::as_str).join(", ");
        take(
            found.ok_or_else(|| format!("{:?} is no reason; write one of {words}", text.value)),
            text.span,
            cx,
        )
    });
    if at.is_none() && times.is_none() {
        cx.error_help(
            node.span,
            "when the message arrives is not said",
            "write at: +5m, at: never, or times: 1",
        );
        return None;
    }
    Some(Expected::Notified { receiver: receiver?, at, times, from, until, title, contains, reason })
}

fn refused(node: &Node, map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Expected> {
    let contains = texts(map, "contains", cx);
    if node.as_text() != Some("refused") {
        cx.error_help(
            node.span,
            "a configuration that is good needs no expectation",
            "write config: refused",
        );
        return None;
    }
    Some(Expected::Refused { contains })
}

fn query(node: &Node, map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Expected> {
    let text = String::decode(node, cx)?;
    let parsed = bellwether_promql::parse(&text).map_err(|errors| {
        let first = errors.first().map_or_else(String::new, |error| error.message.clone());
        format!("not PromQL: {first}")
    });
    let expr = take(parsed, node.span, cx);
    let (at, is) = value(map, node.span, cx)?;
    Some(Expected::Value { of: Measured::Query { text, expr: Box::new(expr?) }, at, is })
}

fn objective(kind: &str, node: &Node, map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Expected> {
    let slo = String::decode(node, cx)?;
    let of = match kind {
        "budget" => {
            let from: Option<Moment> = map.optional("from", cx);
            if let Some((_, costs)) = map.entry("costs") {
                let at = map.optional("at", cx).unwrap_or_default();
                let within = map.optional("within", cx);
                let is = amount(costs, within, cx)?;
                let of = Measured::Costs { slo, from: from.unwrap_or_default() };
                return Some(Expected::Value { of, at, is });
            }
            Measured::Budget { slo }
        }
        "burn" => Measured::Burn {
            slo,
            window: map.optional("window", cx).unwrap_or(TimeDelta(5 * TimeDelta::MINUTE.0)),
        },
        _ => Measured::Sli { slo, window: map.optional("window", cx) },
    };
    let (at, is) = value(map, node.span, cx)?;
    Some(Expected::Value { of, at, is })
}

/// When, and what.
fn value(map: &mut MapReader<'_>, span: Span, cx: &mut Cx<'_>) -> Option<(Moment, Amount)> {
    let at = map.optional("at", cx).unwrap_or_default();
    let is = map.entry("is");
    let within: Option<f64> = map.optional("within", cx);
    match is {
        Some((_, node)) => Some((at, amount(node, within, cx)?)),
        None => {
            cx.error_help(span, "what the value is is missing", "write is: 0.8, and at: +5m");
            None
        }
    }
}

/// A number as exact as it is written: half a unit of its last digit, unless it is said otherwise.
fn amount(node: &Node, within: Option<f64>, cx: &mut Cx<'_>) -> Option<Amount> {
    let text = String::decode(node, cx)?;
    if text == "none" {
        return Some(Amount::Nothing);
    }
    let (digits, scale) = text.strip_suffix('%').map_or((text.as_str(), 1.0), |digits| (digits, 0.01));
    let Ok(value) = digits.trim().parse::<f64>() else {
        cx.error(node.span, format!("{text:?} is not a number; write one, or none"));
        return None;
    };
    let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half = 0.5 * 10f64.powi(-(decimals as i32)) * scale;
    // A hair more, since a value at the very edge of rounding is right as well.
    Some(Amount::About { value: value * scale, within: within.unwrap_or(half) + 1e-9 })
}
