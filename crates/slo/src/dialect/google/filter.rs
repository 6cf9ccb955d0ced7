//! Monitoring filters, from their words to the selector of the same series in Prometheus.
//!
//! `prometheus.googleapis.com/NAME/counter` is NAME; any other metric has the name that Google gives it in PromQL.

use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Diagnostic};
use bellwether_model::{MatchOp, Matcher};

use super::filter_text::{Mistake, Word, words};
use crate::selector::Selector;

/// What a filter selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filtered {
    pub(super) selector: Selector,
    pub(super) kind: MetricKind,
}

/// What sort of numbers a metric holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricKind {
    Counter,
    Histogram,
    /// A gauge, or nobody knows.
    Value,
}

/// Reads a filter that stands in a scalar; its mistakes are underlined in there.
pub(super) fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Filtered> {
    let Some(text) = node.as_text() else {
        cx.error_help(node.span, "expected a filter", HELP);
        return None;
    };
    match parse(text) {
        Ok(filtered) => Some(filtered),
        Err(Mistake { place, message, help }) => {
            let span = yaml::span_within(cx.sources, node, place);
            cx.push(Diagnostic::error("monitoring-filter", span, message).with_help(help));
            None
        }
    }
}

const HELP: &str = "write metric.type=\"prometheus.googleapis.com/NAME/counter\" and what narrows it";

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Filtered, Mistake> {
    let mut reader = Reader { end: text.len(), words: words(text)?.into_iter().peekable(), depth: 0 };
    let terms = reader.all_of(false)?;
    let mut found: Option<(String, MetricKind)> = None;
    let mut matchers = Vec::new();
    for (term, place) in terms {
        match term {
            Term::Metric(text) => {
                if found.replace(metric(&text)).is_some() {
                    return Err(mistake(place, "the metric is named twice", "keep one metric.type"));
                }
            }
            Term::Resource(resource) if resource == "prometheus_target" => {}
            Term::Resource(resource) => matchers.push(Matcher::equal("monitored_resource", resource)),
            Term::Label(matcher) => matchers.push(matcher),
        }
    }
    let Some((name, kind)) = found else {
        return Err(mistake(0..text.len(), "the filter names no metric", HELP));
    };
    matchers.sort();
    matchers.dedup();
    Ok(Filtered { selector: Selector { name: Some(name), matchers }, kind })
}

fn mistake(place: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Mistake {
    Mistake { place, message: message.into(), help: help.into() }
}

/// The name in PromQL, and what sort of numbers it holds.
fn metric(text: &str) -> (String, MetricKind) {
    if let Some(rest) = text.strip_prefix("prometheus.googleapis.com/") {
        let (name, kind) = rest.rsplit_once('/').unwrap_or((rest, ""));
        let kind = match kind {
            "counter" | "unknown:counter" | "summary" => MetricKind::Counter,
            "histogram" => MetricKind::Histogram,
            _ => MetricKind::Value,
        };
        return (name.to_owned(), kind);
    }
    // Google's own rule: the first slash becomes a colon, everything else that is not allowed an underscore.
    let (domain, path) = text.split_once('/').unwrap_or((text, ""));
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
    };
    let kind = match path.rsplit('/').next().unwrap_or_default() {
        last if last.ends_with("latencies") || last.ends_with("latency") => MetricKind::Histogram,
        last if last.ends_with("count") => MetricKind::Counter,
        _ => MetricKind::Value,
    };
    let name = if path.is_empty() { plain(domain) } else { format!("{}:{}", plain(domain), plain(path)) };
    (name, kind)
}

enum Term {
    Metric(String),
    Resource(String),
    Label(Matcher),
}

/// What a comparison asks of a field.
enum Wanted {
    Is(String),
    Pattern(String),
}

/// Deeper parentheses are not written by people.
const DEPTH_MAX: u32 = 20;

struct Reader {
    words: Peekable<IntoIter<(Word, Range<usize>)>>,
    end: usize,
    depth: u32,
}

impl Reader {
    fn here(&mut self) -> Range<usize> {
        self.words.peek().map_or(self.end..self.end, |(_, place)| place.clone())
    }

    fn takes(&mut self, wanted: &Word) -> bool {
        self.words.next_if(|(word, _)| word == wanted).is_some()
    }

    fn is_name(&mut self, name: &str) -> bool {
        matches!(self.words.peek(), Some((Word::Name(word), _)) if word == name)
    }

    /// Terms side by side or joined by AND, up to the end or to a parenthesis.
    fn all_of(&mut self, is_inside: bool) -> Result<Vec<(Term, Range<usize>)>, Mistake> {
        let mut terms = Vec::new();
        loop {
            let place = self.here();
            match self.words.peek() {
                None if is_inside => return Err(mistake(place, "a parenthesis is never closed", "write )")),
                None => return Ok(terms),
                Some((Word::Close, _)) if is_inside => return Ok(terms),
                Some((Word::Name(name), _)) if name == "AND" => drop(self.words.next()),
                Some((Word::Name(name), _)) if name == "OR" => {
                    self.words.next();
                    let Some(before) = terms.pop() else {
                        return Err(mistake(place, "OR has nothing before it", "write a comparison there"));
                    };
                    let more = self.one()?;
                    terms.push(either(before, more, place)?);
                }
                Some(_) => terms.extend(self.group()?),
            }
        }
    }

    /// Terms in parentheses, or one.
    fn group(&mut self) -> Result<Vec<(Term, Range<usize>)>, Mistake> {
        if !self.takes(&Word::Open) {
            return self.one().map(|term| vec![term]);
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(mistake(self.here(), "the filter is nested too deeply", "write it flatter"));
        }
        let terms = self.all_of(true)?;
        self.takes(&Word::Close);
        self.depth -= 1;
        Ok(terms)
    }

    /// One comparison, perhaps negated.
    fn one(&mut self) -> Result<(Term, Range<usize>), Mistake> {
        let start = self.here();
        let is_negated = self.is_name("NOT") || matches!(self.words.peek(), Some((Word::Minus, _)));
        if is_negated {
            self.words.next();
        }
        let place = self.here();
        let Some((Word::Name(field), _)) = self.words.next() else {
            return Err(mistake(
                place,
                "expected a field",
                "write metric.type, or metric.labels. and a name",
            ));
        };
        let sign = self.here();
        let is_equal = match self.words.next() {
            Some((Word::Equal, _)) => true,
            Some((Word::NotEqual, _)) => false,
            Some(_) | None => {
                let help = "write = or !=, and for patterns monitoring.regex.full_match(\"...\")";
                return Err(mistake(sign, "series can be chosen by = and != only", help));
            }
        };
        let wanted = self.wanted()?;
        let place = start.start..self.here().start.max(place.end);
        term(&field, is_equal != is_negated, wanted, place.clone()).map(|term| (term, place))
    }

    fn wanted(&mut self) -> Result<Wanted, Mistake> {
        let place = self.here();
        match self.words.next() {
            Some((Word::Text(text), _)) => Ok(Wanted::Is(text)),
            Some((Word::Name(name), _)) if matches!(self.words.peek(), Some((Word::Open, _))) => {
                self.function(&name, place)
            }
            Some((Word::Name(name), _)) => Ok(Wanted::Is(name)),
            Some(_) | None => Err(mistake(place, "expected a value", "write it in double quotes")),
        }
    }

    fn function(&mut self, name: &str, place: Range<usize>) -> Result<Wanted, Mistake> {
        self.words.next();
        let mut arguments = Vec::new();
        loop {
            let here = self.here();
            match self.words.next() {
                Some((Word::Text(text) | Word::Name(text), _)) => arguments.push(text),
                Some((Word::Comma, _)) => {}
                Some((Word::Close, _)) => break,
                Some(_) | None => {
                    return Err(mistake(here, "expected a value or )", "write values in double quotes"));
                }
            }
        }
        let escaped = |text: &String| escape(text);
        match (name, arguments.as_slice()) {
            ("monitoring.regex.full_match", [pattern]) => Ok(Wanted::Pattern(pattern.clone())),
            ("one_of", [_, ..]) => {
                Ok(Wanted::Pattern(arguments.iter().map(escaped).collect::<Vec<_>>().join("|")))
            }
            ("starts_with", [text]) => Ok(Wanted::Pattern(format!("{}.*", escape(text)))),
            ("ends_with", [text]) => Ok(Wanted::Pattern(format!(".*{}", escape(text)))),
            ("has_substring", [text]) => Ok(Wanted::Pattern(format!(".*{}.*", escape(text)))),
            (_, _) => {
                let help =
                    "write monitoring.regex.full_match, one_of, starts_with, ends_with or has_substring";
                Err(mistake(place, format!("{name} with {} values is not known", arguments.len()), help))
            }
        }
    }
}

/// A text as a regular expression that matches nothing else.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn term(field: &str, is_equal: bool, wanted: Wanted, place: Range<usize>) -> Result<Term, Mistake> {
    let label =
        ["metric.labels.", "metric.label.", "resource.labels.", "resource.label.", "metadata.user_labels."]
            .iter()
            .find_map(|prefix| field.strip_prefix(prefix))
            .map(|label| label.trim_matches('"').to_owned());
    match (field, label, wanted) {
        ("metric.type", _, Wanted::Is(text)) if is_equal => Ok(Term::Metric(text)),
        ("resource.type", _, Wanted::Is(text)) if is_equal => Ok(Term::Resource(text)),
        ("project", _, Wanted::Is(text)) => labelled("project_id", is_equal, Wanted::Is(text), place),
        ("metric.type" | "resource.type", _, _) => Err(mistake(
            place,
            format!("{field} can only be one thing"),
            "write = and one text in double quotes",
        )),
        (_, Some(label), wanted) => labelled(&label, is_equal, wanted, place),
        (_, None, _) => {
            let help = "write metric.type, resource.type, metric.labels.NAME or resource.labels.NAME";
            Err(mistake(place, format!("{field} is no field that series can be chosen by"), help))
        }
    }
}

fn labelled(label: &str, is_equal: bool, wanted: Wanted, place: Range<usize>) -> Result<Term, Mistake> {
    let (op, value) = match (wanted, is_equal) {
        (Wanted::Is(value), true) => (MatchOp::Equal, value),
        (Wanted::Is(value), false) => (MatchOp::NotEqual, value),
        (Wanted::Pattern(value), true) => (MatchOp::Regex, value),
        (Wanted::Pattern(value), false) => (MatchOp::NotRegex, value),
    };
    Matcher::new(op, label, value)
        .map(Term::Label)
        .map_err(|error| mistake(place, error.to_string(), "write a pattern of RE2"))
}

/// Two values of one label; anything else on both sides of OR is two selections, not one.
fn either(
    (first, start): (Term, Range<usize>),
    (second, end): (Term, Range<usize>),
    or: Range<usize>,
) -> Result<(Term, Range<usize>), Mistake> {
    let pattern = |matcher: &Matcher| match matcher.op {
        MatchOp::Equal => Some(escape(&matcher.value)),
        MatchOp::Regex => Some(matcher.value.clone()),
        MatchOp::NotEqual | MatchOp::NotRegex => None,
    };
    if let (Term::Label(a), Term::Label(b)) = (&first, &second)
        && a.name == b.name
        && let (Some(left), Some(right)) = (pattern(a), pattern(b))
    {
        let place = start.start..end.end;
        let both =
            labelled(&a.name.clone(), true, Wanted::Pattern(format!("{left}|{right}")), place.clone())?;
        return Ok((both, place));
    }
    let help = "write OR between values of one label only";
    Err(mistake(or, "these alternatives cannot be one selection of series", help))
}
