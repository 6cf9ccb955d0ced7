//! Rules that compute what the ledger counts, as far as PromQL can: the growth of the counters themselves in every
//! window, never a mean of means. Every window is asked of raw counters, so that busy minutes weigh more than quiet ones.
//!
//! What PromQL cannot know stays different: it guesses what happened between the edge of a window and the samples next
//! to it, never sees the first sample of a new series, knows no coverage and no corrections, and divides floats.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{Cx, Span};
use bellwether_model::{Labels, Matcher, TimeDelta};
use bellwether_template::check_variables;

use super::queries::{Counted, Growth, counted};
use super::{GenerateOptions, Rule, RuleDocument, RuleGroup, RuleKind};
use crate::alert::text::{AlertKind, Subject, alert_labels};
use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::definition::Slo;
use crate::dialect::not_carried;
use crate::goal::Goal;
use crate::indicator::{Budgeting, Events, Indicator, WINDOW_PLACEHOLDER};
use crate::period::Period;

/// How often whole periods are asked, which reads weeks of samples; less than the five minutes after which Prometheus
/// forgets what was recorded.
const PERIOD_INTERVAL: TimeDelta = TimeDelta(2 * TimeDelta::MINUTE.0);
/// What Prometheus' templates may name.
const TEMPLATE_VARIABLES: [&str; 4] = ["$labels", "$value", "$externalLabels", "$externalURL"];

/// Whether Prometheus can render a text.
pub(super) fn is_for_prometheus(text: &str) -> bool {
    check_variables(text, &TEMPLATE_VARIABLES).is_ok()
}

/// The rules of all objectives that have any, by the files they stand in.
pub(super) fn documents(slos: &[Slo], options: &GenerateOptions, cx: &mut Cx<'_>) -> Vec<RuleDocument> {
    let mut documents: Vec<RuleDocument> = Vec::new();
    for slo in slos {
        let Some(made) = Made::new(slo, options, cx) else { continue };
        let (file, groups) = (slo.span.map(|span| span.file), made.groups(cx));
        match documents.iter_mut().find(|document| document.file == file) {
            Some(document) => document.groups.extend(groups),
            None => documents.push(RuleDocument { file, resource: None, groups }),
        }
    }
    documents
}

/// What the rules of one objective are made of.
struct Made<'a> {
    slo: &'a Slo,
    goal: Goal,
    period: TimeDelta,
    /// All events, and the same split by the objective's labels.
    counted: Counted,
    extra: &'a BTreeMap<String, String>,
}

impl<'a> Made<'a> {
    fn new(slo: &'a Slo, options: &'a GenerateOptions, cx: &mut Cx<'_>) -> Option<Self> {
        let mut refuse = |what: &str, help: &str| {
            if let Some(span) = slo.span {
                not_carried(span, format!("{} {what}, which rules cannot express", slo.id()), help, cx);
            }
        };
        let period = match &slo.period {
            Period::Rolling(period) => Some(*period),
            Period::Calendar(_) => {
                refuse("has a period of the calendar", "write a rolling period, or leave it to Bellwether");
                None
            }
        };
        if slo.goal.is_none() {
            refuse("has no goal", "write an alerting rule of its query");
        }
        let is_by_event = slo.indicator.budgeting == Budgeting::Occurrences;
        if !is_by_event {
            refuse("judges slices of time", "count events, or leave it to Bellwether");
        }
        let counted = streams(&slo.indicator);
        if counted.is_none() {
            refuse("is no share of counted events", "leave it to Bellwether");
        }
        let (period, goal) = (period?, slo.goal?);
        let (counted, extra) = (counted?, &options.extra_labels);
        is_by_event.then_some(Self { slo, goal, period, counted, extra })
    }

    fn groups(&self, cx: &mut Cx<'_>) -> Vec<RuleGroup> {
        let windows: BTreeSet<TimeDelta> = self
            .slo
            .alerts
            .iter()
            .flat_map(|alert| [Some(alert.long), alert.short])
            .flatten()
            .filter(|window| *window != self.period)
            .collect();
        let mut rules: Vec<Rule> = windows.iter().flat_map(|window| self.window(*window)).collect();
        let mut whole = vec![self.record("slo:goal:ratio", format!("vector({})", self.goal.ratio_text()))];
        whole.extend(self.window(self.period));
        whole.push(self.record("slo:budget_left:ratio", format!("1 - {}", self.burn(self.period))));
        for alert in &self.slo.alerts {
            let rule = self.burn_alert(alert, cx);
            let is_of_period = alert.long == self.period || alert.short == Some(self.period);
            if is_of_period { whole.push(rule) } else { rules.push(rule) }
        }
        whole.extend(self.slo.budget_alerts.iter().map(|alert| self.budget_alert(alert, cx)));
        let id = self.slo.id();
        let seldom = (self.period >= TimeDelta::DAY).then_some(PERIOD_INTERVAL);
        [(format!("slo {id}"), None, rules), (format!("slo {id} period"), seldom, whole)]
            .into_iter()
            .filter(|(_, _, rules)| !rules.is_empty())
            .map(|(name, interval, rules)| RuleGroup { name, interval, rules })
            .collect()
    }

    /// What a window holds, and how fast the budget burned in it.
    fn window(&self, window: TimeDelta) -> Vec<Rule> {
        let fill = |text: &str| text.replace(WINDOW_PLACEHOLDER, &window.to_string());
        let allowed = self.goal.allowed_ratio();
        match &self.counted {
            Counted::Counts { bad, total } => {
                let (filter, bad_name, total_name) = (self.filter(), bad_name(window), total_name(window));
                let burn = format!("{bad_name}{filter} / ({allowed} * {total_name}{filter})");
                vec![
                    self.record(&bad_name, fill(bad)),
                    self.record(&total_name, fill(total)),
                    self.record(&burn_name(window), burn),
                ]
            }
            Counted::BadRatio(ratio) => {
                vec![self.record(&burn_name(window), format!("({}) / {allowed}", fill(ratio)))]
            }
        }
    }

    fn burn_alert(&self, alert: &BurnAlert, cx: &mut Cx<'_>) -> Rule {
        let factor = alert.factor.as_f64();
        let burns = |window: TimeDelta| format!("{} > {factor}", self.burn(window));
        let mut conditions = vec![burns(alert.long)];
        conditions.extend(alert.short.map(burns));
        if alert.min_bad_events > 0 {
            match matches!(self.counted, Counted::Counts { .. }) {
                true => conditions.push(format!(
                    "{}{} >= {}",
                    bad_name(alert.long),
                    self.filter(),
                    alert.min_bad_events
                )),
                false => self.refuse(alert.span, "asks for bad events, which a share does not count", cx),
            }
        }
        let subject = Subject { slo: self.slo, labels: &Labels::empty(), kind: AlertKind::Burn(alert) };
        let windows = match alert.short {
            Some(short) => format!("{} and {short}", alert.long),
            None => alert.long.to_string(),
        };
        let summary = format!(
            "{}: the error budget burns {{{{ $value | humanize }}}} times as fast as it may, over {windows}",
            self.slo.id()
        );
        let own = [self.slo.severity_annotations.get(&alert.severity), Some(&alert.annotations)];
        self.alert(&subject, conditions.join("\nand\n"), summary, own, cx)
    }

    fn budget_alert(&self, alert: &BudgetAlert, cx: &mut Cx<'_>) -> Rule {
        let subject = Subject { slo: self.slo, labels: &Labels::empty(), kind: AlertKind::Budget(alert) };
        let expr = format!("slo:budget_left:ratio{} < {}", self.filter(), alert.left_below.ratio());
        let summary =
            format!("{}: {{{{ $value | humanizePercentage }}}} of the error budget is left", self.slo.id());
        let own = [self.slo.severity_annotations.get(&alert.severity), Some(&alert.annotations)];
        self.alert(&subject, expr, summary, own, cx)
    }

    fn alert(
        &self,
        subject: &Subject<'_>,
        expr: String,
        summary: String,
        own: [Option<&Labels>; 2],
        cx: &mut Cx<'_>,
    ) -> Rule {
        let labels = alert_labels(subject);
        let name = labels.value_or_empty("alertname").to_owned();
        let mut annotations = BTreeMap::from([("summary".to_owned(), summary)]);
        if !self.slo.about.runbook.is_empty() {
            annotations.insert("runbook_url".to_owned(), self.slo.about.runbook.clone());
        }
        for (name, text) in
            [Some(&self.slo.annotations)].into_iter().chain(own).flatten().flat_map(Labels::iter)
        {
            match is_for_prometheus(text) {
                true => drop(annotations.insert(name.to_owned(), text.to_owned())),
                false => {
                    self.refuse(None, &format!("has the annotation {name} with numbers of Bellwether"), cx)
                }
            }
        }
        let stated = labels.iter().filter(|(name, _)| *name != "alertname");
        let mut labels: BTreeMap<String, String> =
            stated.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        labels.extend(self.extra.clone());
        Rule { kind: RuleKind::Alert(name), expr, labels, annotations }
    }

    fn refuse(&self, span: Option<Span>, what: &str, cx: &mut Cx<'_>) {
        if let Some(span) = span.or(self.slo.span) {
            let message = format!("{} {what}, which rules cannot express", self.slo.id());
            not_carried(span, message, "leave it out, or leave the alert to Bellwether", cx);
        }
    }

    fn burn(&self, window: TimeDelta) -> String {
        format!("{}{}", burn_name(window), self.filter())
    }

    fn filter(&self) -> String {
        format!("{{{}}}", Matcher::equal("slo_id", self.slo.id()))
    }

    fn record(&self, name: &str, expr: String) -> Rule {
        let mut labels = self.extra.clone();
        labels.insert("slo_id".to_owned(), self.slo.id());
        labels.insert("slo".to_owned(), self.slo.name.clone());
        if !self.slo.service.is_empty() {
            labels.insert("service".to_owned(), self.slo.service.clone());
        }
        Rule { kind: RuleKind::Record(name.to_owned()), expr, labels, annotations: BTreeMap::new() }
    }
}

/// What an indicator counts: everything first, which is what a series without the labels of the groups belongs to.
fn streams(indicator: &Indicator) -> Option<Counted> {
    let of = |group_by: &[String]| counted(indicator, group_by, Growth::Window);
    let own = of(&indicator.group_by);
    // Queries of an indicator give rates per second, of which only the quotient means the same in every window.
    if let (Events::Query(_), Some(Counted::Counts { bad, total })) = (&indicator.events, &own) {
        return Some(Counted::BadRatio(format!("({bad}) / ({total})")));
    }
    match (of(&[]), own) {
        (Some(Counted::Counts { bad, total }), Some(Counted::Counts { bad: own_bad, total: own_total }))
            if !indicator.group_by.is_empty() =>
        {
            let both = |all: String, own: String| format!("({all})\nor\n({own})");
            Some(Counted::Counts { bad: both(bad, own_bad), total: both(total, own_total) })
        }
        (_, own) => own,
    }
}

fn bad_name(window: TimeDelta) -> String {
    format!("slo:bad_events:increase{window}")
}
fn total_name(window: TimeDelta) -> String {
    format!("slo:total_events:increase{window}")
}
fn burn_name(window: TimeDelta) -> String {
    format!("slo:burn_rate:ratio{window}")
}
