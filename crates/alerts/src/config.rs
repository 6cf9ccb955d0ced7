//! `alertmanager.yml`, decoded once: inside, every name is defined, every route complete, every matcher compiled.

mod decode;
mod elsewhere;
mod examine;
mod files;
mod matchers;
mod redact;
mod route;
mod texts;
mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_diag::{Diagnostics, FileId, Sources, Span};
use serde::Serialize;

use crate::{Global, InhibitRule, Integration, IntegrationId, Receiver, Route, TimeInterval};

pub use matchers::{MatcherSyntaxError, parse_matcher, parse_matchers};
pub use texts::{MessageTexts, TemplateFiles};

/// A valid configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Defaults.
    pub global: Global,
    /// Who is told what.
    pub route: Arc<Route>,
    /// What keeps what quiet.
    pub inhibit_rules: Vec<InhibitRule>,
    /// Who can be told, by name.
    pub receivers: BTreeMap<String, Receiver>,
    /// When, by name.
    pub time_intervals: BTreeMap<String, TimeInterval>,
    /// Patterns of template files, to be read by whoever may read files.
    pub templates: Vec<String>,
    /// Where secrets stand in the text.
    #[serde(skip)]
    pub secret_spans: Vec<Span>,
    /// Where comments stand in it.
    #[serde(skip)]
    pub comment_spans: Vec<Span>,
}

impl Config {
    /// Reads a file. `None` when there is any error; all of them are in `out`.
    pub fn read(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Option<Self> {
        decode::read(sources, file, out)
    }

    /// What holds where no configuration is given: alerts are grouped and shown, and nobody is told.
    pub fn nobody() -> Self {
        let name = "nobody".to_owned();
        let receiver = Receiver { name: name.clone(), labels: BTreeMap::new(), integrations: Vec::new() };
        Self {
            global: Global::default(),
            route: Arc::new(Route { receiver: name.clone(), ..route::unconditional() }),
            inhibit_rules: Vec::new(),
            receivers: BTreeMap::from([(name, receiver)]),
            time_intervals: BTreeMap::new(),
            templates: Vec::new(),
            secret_spans: Vec::new(),
            comment_spans: Vec::new(),
        }
    }

    /// The text of the file with every secret replaced and without comments, for `/api/v2/status` and the UI.
    pub fn redacted_text(&self, sources: &Sources, file: FileId) -> String {
        let mut text = sources.text(file).to_owned();
        let of = |spans: &[Span], instead: &'static str| {
            let here = spans.iter().filter(|span| span.file == file);
            here.map(|span| (span.range(), instead)).collect::<Vec<_>>()
        };
        let mut changes = of(&self.secret_spans, crate::secret::REDACTED);
        changes.extend(of(&self.comment_spans, ""));
        changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        changes.dedup();
        for (range, instead) in changes {
            text.replace_range(range, instead);
        }
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// One integration.
    pub fn integration(&self, id: &IntegrationId) -> Option<&Integration> {
        self.receivers.get(&id.receiver)?.integrations.iter().find(|integration| integration.id == *id)
    }

    /// All integrations of all receivers.
    pub fn integrations(&self) -> Vec<IntegrationId> {
        self.receivers.values().flat_map(Receiver::integration_ids).collect()
    }
}
