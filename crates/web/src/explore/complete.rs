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
/// Words after which parentheses hold label names.
const LABEL_LISTS: [&str; 6] = ["by", "group_left", "group_right", "ignoring", "on", "without"];
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

fn place(before: &str) -> Place {
    let mut open = Open::default();
    for (at, c) in before.char_indices() {
        open.read(before, at, c);
    }
    let typed = before[open.token..].to_owned();
    if open.in_comment {
        return Place::Nowhere;
    }
    match (open.quote, open.braces) {
        (Some(_), Some(metric)) if !open.label.is_empty() => {
            return Place::Value { metric, label: open.label, others: open.matchers, typed };
        }
        (Some(_), _) => return Place::Nowhere,
        (None, Some(metric)) => return Place::Label { metric, typed },
        (None, None) => {}
    }
    match open.parentheses.last() {
        _ if open.in_brackets => Place::Duration { typed },
        Some(true) => Place::Label { metric: String::new(), typed },
        // Nobody needs help with a number.
        Some(false) | None if typed.starts_with(|c: char| c.is_ascii_digit()) => Place::Nowhere,
        Some(false) | None => Place::Expression { typed },
    }
}

/// What is open at the end of the text that was read so far.
#[derive(Clone, Debug, Default)]
struct Open {
    /// The metric of an open brace; empty where none is named.
    braces: Option<String>,
    /// Matchers by equality that are complete within it.
    matchers: Vec<(String, String)>,
    /// The label whose value comes next, and whether it is compared for equality.
    label: String,
    is_equal: bool,
    quote: Option<char>,
    /// Whether a backslash stands before what comes next.
    is_escaped: bool,
    in_brackets: bool,
    /// For every open parenthesis, whether it holds label names.
    parentheses: Vec<bool>,
    in_comment: bool,
    /// Where the last word, text or comment began.
    token: usize,
    in_word: bool,
    /// The last word that ended, until something follows that it does not belong to.
    last_word: String,
}

impl Open {
    fn read(&mut self, text: &str, at: usize, c: char) {
        let after = at + c.len_utf8();
        if self.in_comment {
            (self.in_comment, self.token) = (c != '\n', after);
        } else if let Some(quote) = self.quote {
            self.read_quoted(text, at, c, quote);
        } else if c.is_alphanumeric()
            || c == '_'
            || (c == ':' && !self.in_brackets)
            || (c == '.' && self.in_brackets)
        {
            if !self.in_word {
                (self.in_word, self.token) = (true, at);
            }
        } else {
            if self.in_word {
                self.last_word = text[self.token..at].to_owned();
            }
            (self.in_word, self.token) = (false, after);
            self.read_sign(c);
        }
    }

    fn read_quoted(&mut self, text: &str, at: usize, c: char, quote: char) {
        if self.is_escaped || c != quote {
            self.is_escaped = !self.is_escaped && c == '\\' && quote != '`';
            return;
        }
        let inner = text[self.token..at].to_owned();
        match &mut self.braces {
            // A text that no label takes is the metric's name.
            Some(metric) if self.label.is_empty() => *metric = inner,
            Some(_) if self.is_equal => self.matchers.push((std::mem::take(&mut self.label), inner)),
            Some(_) | None => self.label.clear(),
        }
        (self.quote, self.token) = (None, at + 1);
    }

    fn read_sign(&mut self, c: char) {
        match c {
            '#' => self.in_comment = true,
            '"' | '\'' | '`' => self.quote = Some(c),
            '{' => (self.braces, self.matchers) = (Some(std::mem::take(&mut self.last_word)), Vec::new()),
            '}' => (self.braces, self.last_word) = (None, String::new()),
            '[' => self.in_brackets = true,
            ']' => self.in_brackets = false,
            '=' | '!' | '~' if self.braces.is_some() => {
                if !self.last_word.is_empty() {
                    (self.label, self.is_equal) = (std::mem::take(&mut self.last_word), c == '=');
                }
                self.is_equal &= c != '~';
            }
            '(' => {
                let word = std::mem::take(&mut self.last_word).to_ascii_lowercase();
                self.parentheses.push(LABEL_LISTS.contains(&word.as_str()));
            }
            ')' => {
                self.parentheses.pop();
                self.last_word.clear();
            }
            c if c.is_whitespace() => {}
            _ => self.last_word.clear(),
        }
    }
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
        check("up * 10", Place::Nowhere);
        check("{\"http.requests\", ", label("http.requests", ""));
        check("a{b=\"\\\"", value("a", "b", &[], "\\\""));
    }
}
