//! `/federate`: the newest sample of each selected series in the text format, for another server to scrape.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bellwether_model::{
    ChunkKind, Labels, METRIC_NAME, Sample, SeriesView, SourceError, TimeRange, is_valid_legacy_name,
};

use super::{Answer, look_up};
use crate::api_params::Params;
use crate::{Shared, api_json};

/// How names that are not letters, digits and `_` are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// In quotes, for a client that says it reads them.
    Quoted,
    /// With `_` for what is not allowed.
    Underscores,
}

impl Names {
    fn of(request: &Request) -> Self {
        let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
        match accepts {
            Some(text) if text.contains("escaping=allow-utf-8") => Self::Quoted,
            Some(_) | None => Self::Underscores,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Quoted => "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
            Self::Underscores => "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
        }
    }
}

pub(super) async fn federate(State(app): State<Shared>, request: Request) -> Result<Response, Response> {
    answer(app, request).await.map_err(|error| error.plain())
}

async fn answer(app: Shared, request: Request) -> Answer {
    let names = Names::of(&request);
    let params = Params::of(request).await?;
    let selectors = params.selectors("match[]")?;
    let now = app.now();
    let range = TimeRange::new(now - app.queries().settings().lookback, now);
    let external = app.server().external_labels;
    let mut ours: BTreeMap<String, String> =
        external.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    // A series without an instance must not be given that of this server by whoever scrapes it.
    ours.entry("instance".to_owned()).or_default();
    let body = look_up(&app, move |source| {
        let mut newest = BTreeMap::new();
        for matchers in &selectors {
            for view in source.select(matchers, range)? {
                if let Some(sample) = newest_of(&view, range)? {
                    newest.insert(view.labels.clone(), sample);
                }
            }
        }
        Ok(text(&newest, &ours, names))
    });
    Ok(([(header::CONTENT_TYPE, names.content_type())], body.await?).into_response())
}

/// The newest sample in the range; none when it says that the series has ended, or is a histogram, for which the text
/// format has no words.
fn newest_of(view: &SeriesView, range: TimeRange) -> Result<Option<Sample>, SourceError> {
    let mut samples = Vec::new();
    for chunk in view.chunks.iter().rev().filter(|chunk| chunk.summary().range.overlaps(&range)) {
        if chunk.kind() == ChunkKind::Histograms {
            return Ok(None);
        }
        samples.clear();
        chunk.decode(&mut samples)?;
        if let Some(sample) = samples.iter().rev().find(|sample| range.contains(sample.at)) {
            return Ok((!sample.is_stale()).then_some(*sample));
        }
    }
    Ok(None)
}

/// Families in the order of their names; what a metric is, is not stored with it.
fn text(newest: &BTreeMap<Labels, Sample>, ours: &BTreeMap<String, String>, names: Names) -> String {
    let mut families: BTreeMap<&str, Vec<(&Labels, &Sample)>> = BTreeMap::new();
    for (labels, sample) in newest {
        if let Some(name) = labels.metric_name() {
            families.entry(name).or_default().push((labels, sample));
        }
    }
    let mut out = String::new();
    for (name, series) in families {
        out.push_str("# TYPE ");
        write_name(&mut out, name, true, names);
        out.push_str(" untyped\n");
        for (labels, sample) in series {
            write_series(&mut out, name, (labels, ours), names);
            out.push(' ');
            api_json::number(&mut out, sample.value);
            // Writing to a string cannot fail.
            let _ = writeln!(out, " {}", sample.at.as_millis());
        }
    }
    out
}

/// The series' own labels first, then those of ours that it does not have.
fn write_series(
    out: &mut String,
    name: &str,
    (labels, ours): (&Labels, &BTreeMap<String, String>),
    names: Names,
) {
    let is_inside = names == Names::Quoted && !is_valid_legacy_name(name, true);
    if !is_inside {
        write_name(out, name, true, names);
    }
    out.push('{');
    if is_inside {
        write_quoted(out, name);
        out.push(',');
    }
    let own = labels.iter().filter(|(label, _)| *label != METRIC_NAME);
    let added = ours.iter().filter(|(label, _)| labels.get(label).is_none());
    for (label, value) in own.chain(added.map(|(label, value)| (label.as_str(), value.as_str()))) {
        write_name(out, label, false, names);
        out.push('=');
        write_quoted(out, value);
        out.push(',');
    }
    if out.ends_with(',') {
        out.pop();
    }
    out.push('}');
}

fn write_name(out: &mut String, name: &str, is_metric: bool, names: Names) {
    if is_valid_legacy_name(name, is_metric) {
        out.push_str(name);
        return;
    }
    match names {
        Names::Quoted => write_quoted(out, name),
        Names::Underscores => {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || (is_metric && c == ':');
            if name.starts_with(|c: char| c.is_ascii_digit()) {
                out.push('_');
            }
            out.extend(name.chars().map(|c| if is_allowed(c) { c } else { '_' }));
        }
    }
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
}
