//! What could stand at a place in a query: metrics, functions and keywords, label names, label values, durations.
//! Decided from the text before the place, which need not be a whole query.

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bellwether_model::{METRIC_NAME, Matcher, SeriesSource, SourceError, TimeRange, is_valid_legacy_name};
use bellwether_promql::{AggregateOp, Function};
use serde::Serialize;

use crate::Shared;
use crate::api_error::ApiError;
use crate::api_params::Params;
use crate::view::TargetMetadata;

/// Suggestions of one answer.
const SUGGESTIONS_MAX: usize = 40;
/// Text that is looked at; a query longer than this is not being typed.
const BEFORE_BYTES_MAX: usize = 64 << 10;

const KEYWORDS: [&str; 14] = [
    "and",
    "atan2",
    "bool",
    "by",
    "end()",
    "group_left",
    "group_right",
    "ignoring",
    "offset",
    "on",
    "or",
    "start()",
    "unless",
    "without",
];
const DURATIONS: [&str; 9] = ["1m", "2m", "5m", "15m", "30m", "1h", "6h", "1d", "7d"];

/// What could stand there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Suggestion {
    /// What is written.
    text: String,
    /// `metric`, `function`, `aggregation`, `keyword`, `label`, `value`, `duration`.
    kind: &'static str,
    /// What it is about; may be empty.
    detail: String,
}

/// The answer: how many UTF-16 units before the place are replaced, which is how scripts count, and by what.
#[derive(Debug, Serialize)]
struct Suggestions {
    replaces: usize,
    suggestions: Vec<Suggestion>,
}

/// `before` is the text before the place.
pub(super) async fn complete(State(app): State<Shared>, request: Request) -> Result<Response, ApiError> {
    let params = Params::of(request).await?;
    let before = params.get("before").unwrap_or_default().to_owned();
    if before.len() > BEFORE_BYTES_MAX {
        return Err(ApiError::bad_data("the text before the place is too long to be completed"));
    }
    let place = place(&before);
    let (source, metadata) = (app.source(), app.metadata());
    let asked = place.clone();
    let found = tokio::task::spawn_blocking(move || candidates(&asked, source.as_ref(), &metadata)).await;
    let found = found.map_err(|error| ApiError::internal(error.to_string()))??;
    let answer = Suggestions {
        replaces: place.typed().encode_utf16().count(),
        suggestions: best(found, place.typed()),
    };
    let body = serde_json::to_string(&answer).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// What kind of place it is, and what has been typed of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A metric, a function or a keyword.
    Expression { typed: String },
    /// A label's name in the braces of a metric, or in the list of a grouping (then of no certain metric).
    Label { metric: String, typed: String },
    /// A label's value in quotes.
    Value { metric: String, label: String, others: Vec<(String, String)>, typed: String },
    /// A length of time in brackets.
    Duration { typed: String },
    /// Nothing can be said, such as in a comment.
    Nowhere,
}

impl Place {
    fn typed(&self) -> &str {
        match self {
            Self::Expression { typed }
            | Self::Label { typed, .. }
            | Self::Value { typed, .. }
            | Self::Duration { typed } => typed,
            Self::Nowhere => "",
        }
    }
}

/// What is open at the end of a text.
#[derive(Clone, Debug, Default)]
struct Open {
    /// The metric before an open brace.
    braces: Option<String>,
    /// Matchers by equality that are complete within it.
    matchers: Vec<(String, String)>,
    /// The label before an open quote, and the quote.
    quote: Option<(char, String)>,
    in_brackets: bool,
    /// For every open parenthesis, whether it holds label names.
    parentheses: Vec<bool>,
    in_comment: bool,
    /// Where the last word, text or comment began.
    token: usize,
    /// The last word or operator that ended.
    last_word: String,
}

fn place(before: &str) -> Place {
    let open = open_at_end(before);
    let typed = before[open.token..].to_owned();
    if open.in_comment {
        return Place::Nowhere;
    }
    match (&open.quote, &open.braces) {
        (Some((_, label)), Some(metric)) if !label.is_empty() => {
            let (metric, label) = (metric.clone(), label.clone());
            return Place::Value { metric, label, others: open.matchers, typed };
        }
        (Some(_), _) => return Place::Nowhere,
        (None, Some(metric)) => return Place::Label { metric: metric.clone(), typed },
        (None, None) => {}
    }
    if open.in_brackets {
        return Place::Duration { typed };
    }
    match open.parentheses.last() {
        Some(true) => Place::Label { metric: String::new(), typed },
        Some(false) | None => Place::Expression { typed },
    }
}

fn open_at_end(before: &str) -> Open {
    let mut open = Open::default();
    // The label whose value comes next, and whether it is compared for equality.
    let (mut label, mut is_equal, mut escaped) = (String::new(), false, false);
    let mut word_start: Option<usize> = None;
    for (at, c) in before.char_indices() {
        if open.in_comment {
            open.in_comment = c != '\n';
            open.token = at + c.len_utf8();
            continue;
        }
        if let Some((quote, _)) = open.quote {
            if escaped {
                escaped = false;
            } else if c == '\\' && quote != '`' {
                escaped = true;
            } else if c == quote {
                if is_equal && !label.is_empty() {
                    open.matchers.push((label.clone(), before[open.token..at].to_owned()));
                }
                open.quote = None;
                open.token = at + 1;
                label.clear();
            }
            continue;
        }
        let is_word = c.is_alphanumeric()
            || c == '_'
            || (c == ':' && !open.in_brackets)
            || (c == '.' && open.in_brackets);
        if is_word {
            word_start.get_or_insert(at);
            open.token = word_start.unwrap_or(at);
            continue;
        }
        if let Some(start) = word_start.take() {
            open.last_word = before[start..at].to_owned();
        }
        open.token = at + c.len_utf8();
        match c {
            '#' => open.in_comment = true,
            '"' | '\'' | '`' => open.quote = Some((c, label.clone())),
            '{' => {
                open.braces = Some(std::mem::take(&mut open.last_word));
                open.matchers.clear();
            }
            '}' => (open.braces, open.last_word) = (None, String::new()),
            '[' => open.in_brackets = true,
            ']' => open.in_brackets = false,
            '=' | '!' | '~' if open.braces.is_some() => {
                if !open.last_word.is_empty() {
                    label = std::mem::take(&mut open.last_word);
                    is_equal = c == '=';
                }
                is_equal &= c != '~';
            }
            '(' => {
                let holds_labels = matches!(
                    open.last_word.to_ascii_lowercase().as_str(),
                    "by" | "without" | "on" | "ignoring" | "group_left" | "group_right"
                );
                open.parentheses.push(holds_labels);
                open.last_word.clear();
            }
            ')' => {
                open.parentheses.pop();
                open.last_word.clear();
            }
            c if c.is_whitespace() => {}
            _ => open.last_word.clear(),
        }
    }
    open
}

fn candidates(
    place: &Place,
    source: &dyn SeriesSource,
    metadata: &[TargetMetadata],
) -> Result<Vec<Suggestion>, SourceError> {
    let suggestion = |text: &str, kind, detail: String| Suggestion { text: text.to_owned(), kind, detail };
    let of = |metric: &str| match metric {
        "" => Vec::new(),
        metric => vec![Matcher::equal(METRIC_NAME, metric)],
    };
    Ok(match place {
        Place::Nowhere => Vec::new(),
        Place::Duration { .. } => {
            DURATIONS.iter().map(|text| suggestion(text, "duration", String::new())).collect()
        }
        Place::Label { metric, .. } => {
            let names = source.label_names(&of(metric), TimeRange::ALL)?;
            let names = names.iter().filter(|name| *name != METRIC_NAME);
            names.map(|name| suggestion(&written_label(name), "label", String::new())).collect()
        }
        Place::Value { metric, label, others, .. } => {
            let mut matchers = of(metric);
            let others = others.iter().filter(|(name, _)| name != label);
            matchers.extend(others.map(|(name, value)| Matcher::equal(name.as_str(), value.as_str())));
            let values = source.label_values(label, &matchers, TimeRange::ALL)?;
            values.iter().map(|value| suggestion(&escaped(value), "value", String::new())).collect()
        }
        Place::Expression { .. } => {
            let names = source.label_values(METRIC_NAME, &[], TimeRange::ALL)?;
            let metrics = names.iter().map(|name| {
                let text = if is_valid_legacy_name(name, true) {
                    name.clone()
                } else {
                    format!("{{\"{}\"}}", escaped(name))
                };
                Suggestion { text, kind: "metric", detail: described(name, metadata) }
            });
            let functions = Function::ALL.iter().map(|function| {
                suggestion(&format!("{}(", function.spec().name), "function", signature(*function))
            });
            let aggregations = AggregateOp::ALL.into_iter().map(|op| {
                suggestion(&format!("{}(", op.as_str()), "aggregation", "over groups of series".to_owned())
            });
            let keywords = KEYWORDS.iter().map(|word| suggestion(word, "keyword", String::new()));
            metrics.chain(aggregations).chain(functions).chain(keywords).collect()
        }
    })
}

/// As it stands in braces or in a list.
fn written_label(name: &str) -> String {
    if is_valid_legacy_name(name, false) { name.to_owned() } else { format!("\"{}\"", escaped(name)) }
}

/// As it stands between double quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// `(range vector) → instant vector`
fn signature(function: Function) -> String {
    let spec = function.spec();
    let kinds: Vec<&str> = spec.arguments.iter().map(|kind| kind.as_str()).collect();
    format!("({}) → {}", kinds.join(", "), spec.returns.as_str())
}

/// Type and help, as the first target says that exposes it. The parts of a histogram are described by the whole.
fn described(name: &str, metadata: &[TargetMetadata]) -> String {
    let find = |name: &str| {
        metadata.iter().find_map(|target| {
            let at = target.metrics.binary_search_by(|metric| metric.name.as_str().cmp(name)).ok()?;
            target.metrics.get(at)
        })
    };
    let whole = ["_bucket", "_sum", "_count", "_total"].iter().find_map(|suffix| name.strip_suffix(suffix));
    let Some(metric) = find(name).or_else(|| find(whole?)) else { return String::new() };
    match metric.help.as_str() {
        "" => metric.kind.clone(),
        help => format!("{}: {help}", metric.kind),
    }
}

/// What begins with the typed text first, then what contains it; short before long, then by name.
fn best(found: Vec<Suggestion>, typed: &str) -> Vec<Suggestion> {
    let typed = typed.trim_start_matches('"').to_lowercase();
    let rank = |suggestion: &Suggestion| {
        let text = suggestion.text.to_lowercase();
        let bare = text.trim_start_matches(['"', '{']).trim_end_matches('(').to_owned();
        match bare.find(&typed) {
            Some(0) => Some((u8::from(bare.len() > typed.len()), bare.len(), text)),
            Some(_) => Some((2, bare.len(), text)),
            None => None,
        }
    };
    let mut ranked: Vec<_> = found.into_iter().filter_map(|s| Some((rank(&s)?, s))).collect();
    // Without anything typed, the order of the table is better than that of length.
    if !typed.is_empty() {
        ranked.sort_by(|a, b| a.0.cmp(&b.0));
    }
    ranked.into_iter().take(SUGGESTIONS_MAX).map(|(_, suggestion)| suggestion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_stand_at_a_place_follows_from_the_text_before_it() {
        let expression = |typed: &str| Place::Expression { typed: typed.to_owned() };
        let label =
            |metric: &str, typed: &str| Place::Label { metric: metric.to_owned(), typed: typed.to_owned() };
        let value = |metric: &str, label: &str, others: &[(&str, &str)], typed: &str| Place::Value {
            metric: metric.to_owned(),
            label: label.to_owned(),
            others: others.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            typed: typed.to_owned(),
        };
        let duration = |typed: &str| Place::Duration { typed: typed.to_owned() };
        let check = |before: &str, expected: Place| assert_eq!(place(before), expected, "{before}");
        check("", expression(""));
        check("ra", expression("ra"));
        check("sum(ra", expression("ra"));
        check("sum by (", label("", ""));
        check("sum by (job, in", label("", "in"));
        check("sum by (job) (", expression(""));
        check("a / on(", label("", ""));
        check("a{", label("a", ""));
        check("a{jo", label("a", "jo"));
        check("a{job=\"x\", in", label("a", "in"));
        check("a{job=\"", value("a", "job", &[], ""));
        check("a{job=~\"x|", value("a", "job", &[], "x|"));
        check("a{job=\"x\",instance!=\"y", value("a", "instance", &[("job", "x")], "y"));
        check("a{job=~\"x\",instance=\"", value("a", "instance", &[], ""));
        check("{job=\"", value("", "job", &[], ""));
        check("rate(a{b=\"c\"}[", duration(""));
        check("rate(a[1", duration("1"));
        check("rate(a[5m]) + b", expression("b"));
        check("a # comm", Place::Nowhere);
        check("a # comment\n+ b", expression("b"));
        check("label_replace(a, \"", Place::Nowhere);
        check("größe", expression("größe"));
        check("a{b=\"\\\"", value("a", "b", &[], "\\\""));
    }
}
