//! What a running server knows of metrics, held against what queries ask for: which names it has, of which type they are,
//! and how many series a selector finds. The asking is somebody else's.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{Severity, suggest};
use bellwether_model::{MatchOp, Matcher};
use bellwether_promql::{VectorSelector, selectors};

use crate::{Report, RuleKind, Setup};

/// Selectors that a server is asked about at most; each is a query.
const QUESTIONS_MAX: usize = 500;

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// All metrics, with their type where it is known: `counter`, `gauge`, `histogram`, `summary`.
    pub metrics: BTreeMap<String, Option<String>>,
    /// How many series a selector finds, for those that were asked about; see [`Setup::online_questions`].
    pub series: BTreeMap<String, u64>,
}

impl Setup {
    /// The same setup beside a running server.
    pub fn with_online(mut self, catalogue: Catalogue) -> Self {
        self.online = Some(catalogue);
        self
    }

    /// Selectors worth asking a server about, given the metrics it has: those with conditions, on metrics that are there.
    pub fn online_questions(&self, metrics: &BTreeMap<String, Option<String>>) -> Vec<String> {
        let mut asked = BTreeSet::new();
        for query in self.all_queries() {
            for selector in query.parsed.iter().flat_map(selectors) {
                let is_there =
                    selector.name.as_ref().is_some_and(|name| metrics.contains_key(name.as_ref() as &str));
                if is_there && !conditions(selector).is_empty() {
                    asked.insert(question(selector));
                }
            }
        }
        asked.into_iter().take(QUESTIONS_MAX).collect()
    }

    /// The type of a metric as a server knows it.
    pub(crate) fn online_type(&self, name: &str) -> Option<&str> {
        self.online.as_ref()?.metrics.get(name)?.as_deref()
    }
}

/// What is asked of a metric, its name aside.
fn conditions(selector: &VectorSelector) -> Vec<&Matcher> {
    selector.matchers.iter().filter(|matcher| &*matcher.name != "__name__").collect()
}

/// A selector without range and offset, always written alike.
fn question(selector: &VectorSelector) -> String {
    let name = selector.name.as_deref().unwrap_or_default();
    let name = Matcher::new(MatchOp::Equal, "__name__", name).map(|matcher| matcher.to_string());
    let conditions = conditions(selector).into_iter().map(ToString::to_string);
    let all: Vec<String> = name.into_iter().chain(conditions).collect();
    format!("{{{}}}", all.join(","))
}

/// Selectors that find nothing on the server, each metric once per file.
pub(crate) fn find_absent(setup: &Setup, report: &mut Report) {
    let Some(online) = &setup.online else { return };
    let records = setup.rules.iter().filter(|rule| rule.kind == RuleKind::Record);
    let recorded: BTreeSet<&str> = records.map(|rule| rule.name.value.as_str()).collect();
    let mut said = BTreeSet::new();
    for query in setup.all_queries() {
        for selector in query.parsed.iter().flat_map(selectors) {
            let Some(name) = selector.name.as_deref().filter(|name| !recorded.contains(name)) else {
                continue;
            };
            // Written by whoever evaluates rules, and only while an alert is there.
            if name == "ALERTS" || name == "ALERTS_FOR_STATE" {
                continue;
            }
            let Some(absent) = Absent::of(online, name, selector) else { continue };
            let span = query.span(&setup.sources, selector.span.clone());
            let file = setup.sources.whole(span).file;
            if said.insert((file, question(selector))) {
                report.find(span, absent.message).help(absent.help).severity(absent.severity);
            }
        }
    }
}

/// Why a selector finds nothing.
struct Absent {
    message: String,
    help: String,
    severity: Severity,
}

impl Absent {
    fn of(online: &Catalogue, name: &str, selector: &VectorSelector) -> Option<Self> {
        if !online.metrics.contains_key(name) {
            let help = match suggest(name, online.metrics.keys().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => "check the name, and that what exposes it is scraped".to_owned(),
            };
            let message = format!("the server has no metric {name}");
            return Some(Self { message, help, severity: Severity::Warning });
        }
        let none = online.series.get(&question(selector)) == Some(&0);
        none.then(|| {
            let wanted: Vec<String> = conditions(selector).into_iter().map(ToString::to_string).collect();
            let message = format!("the server has {name}, and no series of it with {}", wanted.join(", "));
            let help = "check the values, unless such a series only appears when something fails".to_owned();
            Self { message, help, severity: Severity::Note }
        })
    }
}
