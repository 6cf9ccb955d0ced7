//! Rules with the names, labels and shapes that Sloth gives them, so that what was made for them keeps working: the
//! share of bad events per window, what the objective is, and two alerts of two pairs of windows each.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::Cx;
use bellwether_model::{Labels, TimeDelta};

use super::sloth_input::{SlothInput, SlothTold, of_open_slo, of_service, of_slo};
use super::{GenerateOptions, Rule, RuleDocument, RuleGroup, RuleKind, RuleResource};
use crate::dialect::alert_windows::Catalogue;
use crate::dialect::sloth_spec::{Resource, SlothService, SlothSli};
use crate::dialect::{Document, Documents, Kind};
use crate::indicator::WINDOW_PLACEHOLDER;
use crate::sampled::query::SampledQuery;

/// What Sloth calls the version of a build that is none of its releases.
const VERSION: &str = "dev";

/// The rules of all documents: one document for all rule files, and one for every resource.
pub(super) fn documents(
    documents: &Documents,
    options: &GenerateOptions,
    cx: &mut Cx<'_>,
) -> Vec<RuleDocument> {
    let catalogue = documents.windows(cx);
    let mut known = BTreeSet::new();
    let mut out = Vec::new();
    for document in documents.iter() {
        let Some(made) = one(documents, document, &catalogue, options, cx) else { continue };
        for group in &made.groups {
            if !known.insert(group.name.clone()) {
                let message = format!("two objectives have rules of the name {:?}", group.name);
                let help = "give each objective of a service a name of its own";
                cx.error_help(document.node.span, message, help);
            }
        }
        out.push(made);
    }
    out
}

fn one(
    documents: &Documents,
    document: &Document,
    catalogue: &Catalogue,
    options: &GenerateOptions,
    cx: &mut Cx<'_>,
) -> Option<RuleDocument> {
    let node = &document.node;
    let service = match document.kind {
        Kind::SlothSpec => Some(SlothService::of_spec(node, cx)?),
        Kind::SlothResource => Some(SlothService::of_resource(node, cx)?),
        Kind::SlothWindows => return None,
        Kind::Bellwether | Kind::BellwetherSlo | Kind::OpenSlo | Kind::Pyrra | Kind::GoogleCloud => None,
    };
    let made = match (&service, document.kind) {
        (Some(service), _) => match catalogue.windows(options.sloth_period) {
            Ok(windows) => of_service(service, &windows),
            Err(message) => {
                cx.error(node.span, message);
                return None;
            }
        },
        (None, Kind::OpenSlo) => match of_open_slo(node, |period| catalogue.windows(Some(period)).ok()) {
            Some(made) => made,
            None => {
                documents.read(document, catalogue, cx).iter().filter_map(|slo| of_slo(slo, cx)).collect()
            }
        },
        (None, _) => {
            documents.read(document, catalogue, cx).iter().filter_map(|slo| of_slo(slo, cx)).collect()
        }
    };
    let groups: Vec<RuleGroup> = made.iter().flat_map(|input| groups(input, &options.extra_labels)).collect();
    let resource = service.and_then(|service| service.resource).map(rule_resource);
    (!groups.is_empty()).then_some(RuleDocument { file: Some(node.span.file), resource, groups })
}

fn rule_resource(resource: Resource) -> RuleResource {
    let mut labels = resource.labels;
    labels.insert("app.kubernetes.io/component".to_owned(), "SLO".to_owned());
    labels.insert("app.kubernetes.io/managed-by".to_owned(), "sloth".to_owned());
    let (name, namespace, annotations) = (resource.name, resource.namespace, resource.annotations);
    RuleResource { name, namespace, labels, annotations }
}

fn groups(input: &SlothInput, extra: &BTreeMap<String, String>) -> Vec<RuleGroup> {
    let made = Made { input, extra };
    let groups = [
        ("sli-recordings", made.sli_rules()),
        ("meta-recordings", made.metadata_rules()),
        ("alerts", input.alerts.iter().map(|told| made.alert_rule(told)).collect()),
    ];
    groups
        .into_iter()
        .filter(|(_, rules)| !rules.is_empty())
        .map(|(kind, rules)| RuleGroup {
            name: format!("sloth-slo-{kind}-{}", input.slo.id()),
            interval: None,
            rules,
        })
        .collect()
}

struct Made<'a> {
    input: &'a SlothInput,
    extra: &'a BTreeMap<String, String>,
}

impl Made<'_> {
    /// What tells the objective apart.
    fn id_labels(&self) -> [(&'static str, String); 3] {
        let slo = &self.input.slo;
        [("sloth_id", slo.id()), ("sloth_service", slo.service.clone()), ("sloth_slo", slo.name.clone())]
    }

    /// The same as matchers.
    fn filter(&self) -> String {
        Labels::from_pairs(self.id_labels()).to_string()
    }

    fn labels(&self, more: &[(&str, String)]) -> BTreeMap<String, String> {
        let id = self.id_labels();
        let own = id.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.clone()));
        let stated = self.extra.iter().chain(&self.input.slo.labels);
        own.chain(stated.map(|(name, value)| (name.clone(), value.clone()))).collect()
    }

    fn record(&self, name: &str, expr: String, more: &[(&str, String)]) -> Rule {
        Rule {
            kind: RuleKind::Record(name.to_owned()),
            expr,
            labels: self.labels(more),
            annotations: BTreeMap::new(),
        }
    }

    fn sli_rules(&self) -> Vec<Rule> {
        let more = |window: TimeDelta| [("sloth_window", window.to_string())];
        let short = self.input.windows.iter().filter(|window| **window != self.input.period);
        let mut rules: Vec<Rule> =
            short.map(|window| self.record(&sli(*window), self.share(*window), &more(*window))).collect();
        let period = self.input.period;
        rules.push(self.record(&sli(period), self.share_of_period(), &more(period)));
        rules
    }

    /// The share of bad events in a window.
    fn share(&self, window: TimeDelta) -> String {
        let fill = |text: &str| SampledQuery::normal(text).replace(WINDOW_PLACEHOLDER, &window.to_string());
        match &self.input.slo.sli {
            SlothSli::Events { error, total } => {
                format!("({})\n/\n({})", fill(&error.text), fill(&total.text))
            }
            SlothSli::Raw(ratio) => format!("({})", fill(&ratio.text)),
        }
    }

    /// Over the whole period Sloth takes the mean of what it recorded, which is cheap, and weighs quiet minutes like
    /// busy ones.
    fn share_of_period(&self) -> String {
        if self.input.base == self.input.period {
            return self.share(self.input.period);
        }
        let (metric, filter, period) = (sli(self.input.base), self.filter(), self.input.period);
        format!(
            "sum_over_time({metric}{filter}[{period}])\n/ ignoring (sloth_window)\n\
             count_over_time({metric}{filter}[{period}])"
        )
    }

    fn metadata_rules(&self) -> Vec<Rule> {
        let Self { input, .. } = self;
        let (goal, filter) = (input.slo.goal, self.filter());
        let burn = |window: TimeDelta| {
            format!(
                "{}{filter}\n/ on(sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio{filter}",
                sli(window)
            )
        };
        let ratio = goal.ratio_text();
        let info = [
            ("sloth_mode", input.mode.to_owned()),
            ("sloth_objective", goal.to_string().trim_end_matches('%').to_owned()),
            ("sloth_spec", input.spec.to_owned()),
            ("sloth_version", VERSION.to_owned()),
        ];
        let days = input.period.as_secs_f64() / TimeDelta::DAY.as_secs_f64();
        let mut rules = vec![
            self.record("slo:objective:ratio", format!("vector({ratio})"), &[]),
            self.record("slo:error_budget:ratio", format!("vector(1-{ratio})"), &[]),
            self.record("slo:time_period:days", format!("vector({days})"), &[]),
            self.record("slo:current_burn_rate:ratio", burn(input.base), &[]),
            self.record("slo:period_burn_rate:ratio", burn(input.period), &[]),
            self.record(
                "slo:period_error_budget_remaining:ratio",
                format!("1 - slo:period_burn_rate:ratio{filter}"),
                &[],
            ),
        ];
        let mut last = self.record("sloth_slo_info", "vector(1)".to_owned(), &[]);
        last.labels.extend(info.map(|(name, value)| (name.to_owned(), value)));
        rules.push(last);
        rules
    }

    fn alert_rule(&self, told: &SlothTold) -> Rule {
        let filter = self.filter();
        let allowed = self.input.slo.goal.allowed_ratio();
        let burns = |window: TimeDelta, factor: f64| {
            format!("    max({}{filter} > ({factor} * {allowed})) without (sloth_window)", sli(window))
        };
        let pairs: Vec<String> = told
            .pairs
            .iter()
            .map(|(long, short, factor)| match short {
                Some(short) => {
                    format!("(\n{}\n    and\n{}\n)", burns(*short, *factor), burns(*long, *factor))
                }
                None => format!("(\n{}\n)", burns(*long, *factor)),
            })
            .collect();
        let severity = &told.severity;
        let mut labels = BTreeMap::from([("sloth_severity".to_owned(), severity.clone())]);
        labels.extend(told.alert.labels.clone());
        let name = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget";
        let mut annotations = BTreeMap::from([
            ("title".to_owned(), format!("({severity}) {name} burn rate is too fast.")),
            ("summary".to_owned(), format!("{name} burn rate is over expected.")),
        ]);
        annotations.extend(told.alert.annotations.clone());
        Rule {
            kind: RuleKind::Alert(told.alert.name.clone()),
            expr: pairs.join("\nor\n"),
            labels,
            annotations,
        }
    }
}

/// The series of the share of bad events in a window.
fn sli(window: TimeDelta) -> String {
    format!("slo:sli_error:ratio_rate{window}")
}
