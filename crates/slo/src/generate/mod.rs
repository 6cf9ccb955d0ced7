//! Prometheus rules made of objectives: for whoever evaluates them elsewhere, or wants to see what they mean in PromQL.
//!
//! Two shapes: [`Shape::Exact`] computes what the ledger counts, as far as PromQL can, and [`Shape::Sloth`] has Sloth's
//! names and labels, so that dashboards made for Sloth keep working. What a shape cannot express is said per objective.

mod exact;
mod queries;
mod sloth;
mod sloth_input;
mod yaml;

use std::collections::BTreeMap;

use bellwether_diag::{Cx, Diagnostics, FileId, Sources};
use bellwether_model::TimeDelta;

use crate::dialect::{Documents, Strictness, weighed};

/// In whose names rules are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Counts of bad and all events, and what follows from them.
    #[default]
    Exact,
    /// Sloth's recording rules, metadata and alerts.
    Sloth,
}

/// What may be stated beside the objectives.
#[derive(Clone, Debug, Default)]
pub struct GenerateOptions {
    /// In whose names.
    pub shape: Shape,
    /// Whether what cannot be expressed is left out with a warning.
    pub strictness: Strictness,
    /// Labels that everything recorded carries in addition.
    pub extra_labels: BTreeMap<String, String>,
    /// The period of Sloth's specifications; the usual one unless stated.
    pub sloth_period: Option<TimeDelta>,
}

/// Rules that belong together: a rule file, or one resource of the Prometheus operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleDocument {
    /// The file its objectives stand in.
    pub file: Option<FileId>,
    /// The resource it is, for one.
    pub resource: Option<RuleResource>,
    /// Its groups.
    pub groups: Vec<RuleGroup>,
}

/// What a resource of the Prometheus operator is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleResource {
    /// Its name.
    pub name: String,
    /// Its name space; may be empty.
    pub namespace: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Rules that are evaluated one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleGroup {
    /// Its name.
    pub name: String,
    /// How often, unless as often as everything else.
    pub interval: Option<TimeDelta>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What becomes of its result.
    pub kind: RuleKind,
    /// PromQL.
    pub expr: String,
    /// Labels of what it records or raises.
    pub labels: BTreeMap<String, String>,
    /// Annotations of what it raises.
    pub annotations: BTreeMap<String, String>,
}

/// What becomes of a rule's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// Series of this name.
    Record(String),
    /// Alerts of this name.
    Alert(String),
}

/// Makes rules of all objectives of documents. What cannot be read or expressed is reported.
pub fn generate(
    documents: &Documents,
    sources: &Sources,
    options: &GenerateOptions,
    out: &mut Diagnostics,
) -> Vec<RuleDocument> {
    let mut found = Diagnostics::new();
    let made = match options.shape {
        Shape::Exact => {
            let slos = documents.slos(sources, options.strictness, out);
            exact::documents(&slos, options, &mut Cx::new(sources, &mut found))
        }
        Shape::Sloth => sloth::documents(documents, options, &mut Cx::new(sources, &mut found)),
    };
    out.extend(found.into_iter().map(|problem| weighed(problem, options.strictness)));
    made
}

/// Rule documents as YAML, with a word on where they come from. Prometheus reads one document per file, so the rules
/// of all that are no resources are in one.
pub fn to_yaml(documents: &[RuleDocument], note: &str) -> String {
    yaml::write(documents, note)
}
