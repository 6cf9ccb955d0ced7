//! Which series, labels and values there are, asked of both servers.
//!
//! Without a range both must say the same. With one, Prometheus answers by the block or chunk that the range touches, so
//! it may name more than lies in the range; we may name less, but nothing that Prometheus does not name, and everything
//! that has a sample in the range.

use std::collections::BTreeSet;
use std::fmt;

use bellwether_model::{Labels, Matcher, matches_all};
use bellwether_promql::ExprKind;
use fastrand::Rng;
use serde_json::Value as Json;

use super::ask::seconds;
use super::dataset::Dataset;
use super::extent::{LENGTH, START};
use super::server::Server;
use super::vocabulary::{chance, metric, pick};

/// What is asked.
struct Inquiry {
    subject: Subject,
    selectors: Vec<String>,
    range: Option<(i64, i64)>,
}

#[derive(Clone, Copy, Debug)]
enum Subject {
    Series,
    LabelNames,
    ValuesOf(&'static str),
}

/// What was answered: the refusal's kind, or each element as text.
type Answer = Result<BTreeSet<String>, String>;

/// What is answered otherwise, shown; and how many inquiries were made.
pub fn differences(
    seed: u64,
    inquiries: usize,
    data: &Dataset,
    ours: &mut Server,
    theirs: &mut Server,
) -> Result<Vec<String>, String> {
    let mut rng = Rng::with_seed(seed);
    let mut differences = Vec::new();
    for _ in 0..inquiries {
        let inquiry = Inquiry::drawn(&mut rng);
        let (mine, other) = (inquiry.ask(ours)?, inquiry.ask(theirs)?);
        if !inquiry.is_agreed(&mine, &other, data) {
            differences.push(format!("{inquiry}\n  ours   {mine:?}\n  theirs {other:?}"));
        }
    }
    Ok(differences)
}

impl Inquiry {
    fn drawn(rng: &mut Rng) -> Self {
        const SUBJECTS: [Subject; 12] = [
            Subject::Series,
            Subject::Series,
            Subject::Series,
            Subject::LabelNames,
            Subject::LabelNames,
            Subject::ValuesOf("__name__"),
            Subject::ValuesOf("__name__"),
            Subject::ValuesOf("job"),
            Subject::ValuesOf("instance"),
            Subject::ValuesOf("kind"),
            Subject::ValuesOf("U__service_2e_name"),
            Subject::ValuesOf("nope"),
        ];
        const WRONG: [&str; 7] = ["{}", "up[5m]", "sum(up)", "(", "{job=~\".*\"}", "up offset 5m", "1"];
        let subject = pick(rng, &SUBJECTS);
        let selectors = (0..pick(rng, &[0, 1, 1, 1, 2])).map(|_| match chance(rng, 5) {
            true => pick(rng, &WRONG).to_owned(),
            false => metric(rng),
        });
        let selectors = selectors.collect();
        let range = chance(rng, 50).then(|| {
            let start = START + rng.i64(-20..LENGTH / 60_000 + 20) * 60_000;
            (start, start + pick(rng, &[0, 1, 60_000, 600_000, 3_600_000, -1]))
        });
        Self { subject, selectors, range }
    }

    fn path(&self) -> String {
        match self.subject {
            Subject::Series => "/api/v1/series".to_owned(),
            Subject::LabelNames => "/api/v1/labels".to_owned(),
            Subject::ValuesOf(label) => format!("/api/v1/label/{label}/values"),
        }
    }

    fn ask(&self, server: &mut Server) -> Result<Answer, String> {
        let mut fields: Vec<_> = self.selectors.iter().map(|one| ("match[]", one.clone())).collect();
        if let Some((start, end)) = self.range {
            fields.extend([("start", seconds(start)), ("end", seconds(end))]);
        }
        let body = server.get(&self.path(), &fields)?.body;
        let json: Json = serde_json::from_slice(&body)
            .map_err(|_| format!("unreadable answer: {}", String::from_utf8_lossy(&body)))?;
        if json["status"] != "success" {
            return Ok(Err(json["errorType"].to_string()));
        }
        let elements = json["data"].as_array().into_iter().flatten();
        Ok(Ok(elements.map(Json::to_string).collect()))
    }

    fn is_agreed(&self, ours: &Answer, theirs: &Answer, data: &Dataset) -> bool {
        match (ours, theirs) {
            (Err(kind), _) if self.range.is_some_and(|(start, end)| end < start) => kind.contains("bad_data"),
            (Ok(ours), Ok(theirs)) if self.range.is_some() => {
                ours.is_subset(theirs) && self.in_range(data).is_subset(ours)
            }
            _ => ours == theirs,
        }
    }

    /// What has a sample in the range.
    fn in_range(&self, data: &Dataset) -> BTreeSet<String> {
        let (start, end) = self.range.unwrap_or((i64::MIN, i64::MAX));
        let range = start..=end;
        let numbers = data.series.iter().filter(|(_, all)| all.iter().any(|s| range.contains(&s.at.0)));
        let histograms =
            data.histograms.iter().filter(|(_, all)| all.iter().any(|s| range.contains(&s.at.0)));
        let present = numbers.map(|(labels, _)| labels).chain(histograms.map(|(labels, _)| labels));
        let selected: Vec<Vec<Matcher>> = match self.selectors.is_empty() {
            true => vec![Vec::new()],
            false => self.selectors.iter().filter_map(|one| matchers(one)).collect(),
        };
        let found = present.filter(|labels| selected.iter().any(|one| matches_all(one, labels)));
        found.flat_map(|labels| self.elements(labels)).map(|element| element.to_string()).collect()
    }

    /// What one series adds to the answer.
    fn elements(&self, labels: &Labels) -> Vec<Json> {
        match self.subject {
            Subject::Series => {
                vec![labels.iter().map(|(name, value)| (name.to_owned(), Json::from(value))).collect()]
            }
            Subject::LabelNames => labels.iter().map(|(name, _)| name.into()).collect(),
            Subject::ValuesOf("U__service_2e_name") => {
                labels.get("service.name").map(Json::from).into_iter().collect()
            }
            Subject::ValuesOf(label) => labels.get(label).map(Json::from).into_iter().collect(),
        }
    }
}

fn matchers(selector: &str) -> Option<Vec<Matcher>> {
    match bellwether_promql::parse(selector).ok()?.kind {
        ExprKind::Selector(selector) => Some(selector.matchers),
        _ => None,
    }
}

impl fmt::Display for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {:?}", self.path(), self.selectors)?;
        match self.range {
            Some((start, end)) => write!(f, " from {} to {}", seconds(start), seconds(end)),
            None => Ok(()),
        }
    }
}
