//! What is meant by a name, a fingerprint or labels, and all that is known of it.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_alerts::{
    self as alerts, AlertFacts, EpisodeRow, Facts, LedgerEntry, MemberFacts, RuleFacts, RuleState,
    TargetFacts,
};
use bellwether_model::{AlertFingerprint, Labels, MatchOp, TimeDelta, Timestamp};
use bellwether_rules::GroupStatus;
use bellwether_web::view::{ExplanationView, Refused, RoutedView, TargetHealth};

use super::{objective, rule, values, view};
use crate::pages::Pages;
use crate::pipeline::Pipeline;
use crate::source::evaluator::Evaluator;
use crate::{alert_view, clock};

/// Alerts that one answer explains.
const EXPLAINED_MAX: usize = 50;
/// Lives that are over, of which an answer by name explains the latest.
const LIVES_MAX: usize = 5;
/// Messages of an alert that are shown.
const MESSAGES_MAX: usize = 50;
/// How far back lives are looked for.
const LIVES_SINCE: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);
/// Lives of all alerts that are read; a storm must not make an explanation slow.
const LIVES_READ_MAX: usize = 20_000;
/// Lives that are counted when it is asked whether an alert cries wolf.
const EPISODES_MAX: usize = 500;
/// A prefix of a fingerprint shorter than this is rather a name.
const PREFIX_MIN: usize = 4;

/// Explains what a name, a fingerprint, the beginning of one, or labels in braces stand for.
pub async fn explain(pages: &Pages, what: &str) -> Result<Vec<ExplanationView>, Refused> {
    let what = what.trim();
    let now = clock::now();
    if what.starts_with('{') {
        let labels = labels(what)?;
        return Ok(vec![pages.read(|pipeline| what_if(pipeline, &labels, now))]);
    }
    let episodes = episodes(pages, now).await?;
    let meant = pages.read(|pipeline| meant(pipeline, &episodes, what, now))?;
    let evaluator =
        Evaluator::with_source(pages.store.clone(), pages.source.clone()).with_rows(pages.rows.clone());
    let meant = tokio::task::spawn_blocking(move || with_values(meant, &evaluator, now))
        .await
        .map_err(|_| Refused::Unavailable("looking at the queries failed".to_owned()))?;
    let mut explained = Vec::with_capacity(meant.len());
    for one in meant {
        explained.push(one.explained(pages, &episodes, now).await?);
    }
    Ok(explained)
}

/// Labels of an alert that may not exist: `{alertname="X",severity="critical"}`.
fn labels(text: &str) -> Result<Labels, Refused> {
    let wrong = |why: String| Refused::Invalid(format!("{text} are no labels: {why}"));
    let matchers = alerts::parse_matchers(text).map_err(|error| wrong(error.to_string()))?;
    if let Some(other) = matchers.iter().find(|matcher| matcher.op != MatchOp::Equal) {
        return Err(wrong(format!("write name=\"value\" instead of {other}")));
    }
    Ok(Labels::from_pairs(matchers.into_iter().map(|matcher| (matcher.name, matcher.value))))
}

fn what_if(pipeline: &Pipeline, labels: &Labels, now: Timestamp) -> ExplanationView {
    let what_if = pipeline.alerts.what_if(labels, now);
    let routed = view::routed_of(&pipeline.alerts, &what_if, labels, now);
    view::explanation(what_if.explain(now), None, routed, &[])
}

/// Lives that are over, the latest first.
async fn episodes(pages: &Pages, now: Timestamp) -> Result<Vec<EpisodeRow>, Refused> {
    let lives = pages.state.latest_lives(now - LIVES_SINCE, LIVES_READ_MAX).await;
    lives.map_err(|error| Refused::Unavailable(error.to_string()))
}

/// One alert that is meant.
struct Meant {
    labels: Labels,
    rule: Option<RuleFacts>,
    /// The rule's query, to be looked at.
    query: Option<String>,
    alert: Option<AlertFacts>,
    life: Option<alerts::LifeFacts>,
}

fn meant(
    pipeline: &Pipeline,
    episodes: &[EpisodeRow],
    what: &str,
    now: Timestamp,
) -> Result<Vec<Meant>, Refused> {
    if what.is_empty() {
        return Err(Refused::Invalid("say which alert: its name, its fingerprint, or labels".to_owned()));
    }
    let known = Known {
        pipeline,
        groups: pipeline.rules.status(),
        objectives: objective::alerts(&pipeline.slo, now),
        episodes,
        now,
    };
    let named = known.named(what);
    if !named.is_empty() {
        return Ok(named);
    }
    let marked = known.marked(&what.to_ascii_lowercase())?;
    if marked.is_empty() { Err(known.unknown(what)) } else { Ok(marked) }
}

struct Known<'a> {
    pipeline: &'a Pipeline,
    groups: Vec<GroupStatus>,
    objectives: Vec<objective::ObjectiveAlert>,
    episodes: &'a [EpisodeRow],
    now: Timestamp,
}

impl Known<'_> {
    /// All alerts of a name, those that do not fire included; or all of an objective.
    fn named(&self, name: &str) -> Vec<Meant> {
        let of_objective = |labels: &Labels| match labels.get("slo") {
            Some(slo) => {
                slo == name || labels.get("service").is_some_and(|service| format!("{service}/{slo}") == name)
            }
            None => false,
        };
        let is_meant = |labels: &Labels| labels.get("alertname") == Some(name) || of_objective(labels);
        let mut found: BTreeMap<Labels, Meant> = BTreeMap::new();
        for alert in self.pipeline.alerts.alerts(self.now) {
            if found.len() < EXPLAINED_MAX && is_meant(&alert.alert.labels) {
                found.insert(alert.alert.labels.clone(), self.routed(alert));
            }
        }
        for rule in rule::alerting(&self.groups).filter(|rule| rule.rule.name == name) {
            let query = Some(rule.rule.expr.clone());
            for alert in &rule.alerting.alerts {
                let meant = || Meant {
                    rule: Some(rule::facts(rule, Some(alert))),
                    query: query.clone(),
                    ..Meant::of(alert.labels.clone())
                };
                found.entry(alert.labels.clone()).or_insert_with(meant);
            }
            if rule.alerting.alerts.is_empty() {
                let labels = rule::fixed_labels(rule.rule);
                let meant = Meant { rule: Some(rule::facts(rule, None)), query, ..Meant::of(labels.clone()) };
                found.entry(labels).or_insert(meant);
            }
        }
        for alert in self.objectives.iter().filter(|alert| is_meant(&alert.labels)) {
            let meant = Meant { rule: Some(alert.facts.clone()), ..Meant::of(alert.labels.clone()) };
            found.entry(alert.labels.clone()).or_insert(meant);
        }
        let over = self.episodes.iter().filter(|life| is_meant(&life.alert.labels));
        let fires = found.values().any(|meant| meant.alert.is_some());
        let over: Vec<Meant> =
            over.take(if fires { 0 } else { LIVES_MAX }).map(|life| self.over(life)).collect();
        found.into_values().take(EXPLAINED_MAX).chain(over).collect()
    }

    /// The alert whose fingerprint begins so.
    fn marked(&self, prefix: &str) -> Result<Vec<Meant>, Refused> {
        if prefix.len() < PREFIX_MIN || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let begins = |fingerprint: AlertFingerprint| fingerprint.to_string().starts_with(prefix);
        let mut all: BTreeSet<AlertFingerprint> = BTreeSet::new();
        all.extend(self.pipeline.alerts.fingerprints().filter(|f| begins(*f)));
        let rules = rule::alerting(&self.groups).flat_map(|rule| &rule.alerting.alerts);
        let labels =
            rules.map(|alert| &alert.labels).chain(self.objectives.iter().map(|alert| &alert.labels));
        all.extend(labels.map(|labels| AlertFingerprint(labels.fingerprint())).filter(|f| begins(*f)));
        all.extend(self.episodes.iter().map(|life| life.alert.fingerprint()).filter(|f| begins(*f)));
        let mut all = all.into_iter();
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(self.by_fingerprint(only)),
            (None, _) => Ok(Vec::new()),
            (Some(first), Some(second)) => Err(Refused::Conflict(format!(
                "{prefix} is the beginning of several fingerprints, {first} and {second} among them: write more of it"
            ))),
        }
    }

    fn by_fingerprint(&self, fingerprint: AlertFingerprint) -> Vec<Meant> {
        if let Some(alert) = self.pipeline.alerts.alert(fingerprint, self.now) {
            return vec![self.routed(alert)];
        }
        let is_it = |labels: &Labels| AlertFingerprint(labels.fingerprint()) == fingerprint;
        let active = rule::alerting(&self.groups)
            .find_map(|rule| Some((rule, rule.alerting.alerts.iter().find(|alert| is_it(&alert.labels))?)));
        if let Some((rule, alert)) = active {
            let query = Some(rule.rule.expr.clone());
            let facts = Some(rule::facts(rule, Some(alert)));
            return vec![Meant { rule: facts, query, ..Meant::of(alert.labels.clone()) }];
        }
        let lives = self.episodes.iter().filter(|life| life.alert.fingerprint() == fingerprint);
        let over: Vec<Meant> = lives.take(LIVES_MAX).map(|life| self.over(life)).collect();
        if !over.is_empty() {
            return over;
        }
        let objective = self.objectives.iter().find(|alert| is_it(&alert.labels));
        let quiet = objective
            .map(|alert| Meant { rule: Some(alert.facts.clone()), ..Meant::of(alert.labels.clone()) });
        quiet.into_iter().collect()
    }

    fn routed(&self, alert: alerts::AlertView) -> Meant {
        let (rule, query) = self.rule_of(&alert.alert.labels);
        let labels = alert.alert.labels.clone();
        let alert = Some(self.pipeline.alerts.alert_facts_with_mutes(alert, self.now));
        Meant { rule, query, alert, ..Meant::of(labels) }
    }

    fn over(&self, life: &EpisodeRow) -> Meant {
        let labels = life.alert.labels.clone();
        let life = Some(self.pipeline.alerts.life_facts(life.clone()));
        Meant { life, ..Meant::of(labels) }
    }

    /// The rule or objective that an alert comes from, and the query if it is a rule.
    fn rule_of(&self, labels: &Labels) -> (Option<RuleFacts>, Option<String>) {
        if let Some((found, alert)) = rule::of_labels(&self.groups, labels) {
            return (Some(rule::facts(found, alert)), Some(found.rule.expr.clone()));
        }
        let objective = self.objectives.iter().find(|alert| alert.labels == *labels);
        (objective.map(|alert| alert.facts.clone()), None)
    }

    /// Nothing is called so. Perhaps something similar is.
    fn unknown(&self, what: &str) -> Refused {
        let rules = rule::alerting(&self.groups).map(|rule| rule.rule.name.as_str());
        let objectives = self.objectives.iter().filter_map(|alert| alert.labels.get("alertname"));
        let names: BTreeSet<&str> = rules.chain(objectives).collect();
        let low = what.to_lowercase();
        let similar: Vec<&str> =
            names.iter().copied().filter(|name| name.to_lowercase().contains(&low)).take(3).collect();
        let hint = match (similar.as_slice(), names.len()) {
            ([], 0) => "no alerting rule and no objective is loaded: name rule files under `rules` or objectives under `slos`, and reload".to_owned(),
            ([], n) => format!("{n} names of alerts are loaded; if it should be one of them, check the rule file with `bellwether check` and reload"),
            (similar, _) => format!("did you mean {}?", alerts::listed(similar)),
        };
        Refused::NotFound(format!(
            "no rule, objective or alert of the last 30 days is called {what:?}: {hint}"
        ))
    }
}

impl Meant {
    fn of(labels: Labels) -> Self {
        Self { labels, rule: None, query: None, alert: None, life: None }
    }

    async fn explained(
        self,
        pages: &Pages,
        episodes: &[EpisodeRow],
        now: Timestamp,
    ) -> Result<ExplanationView, Refused> {
        let fingerprint = AlertFingerprint(self.labels.fingerprint());
        let span = self.life.as_ref().map(|life| &life.row.alert);
        let ledger = ledger(pages, fingerprint, span).await?;
        let name = self.labels.value_or_empty("alertname").to_owned();
        let of_name = episodes.iter().filter(|life| life.alert.labels.get("alertname") == Some(&name));
        let deadlines = pages.reloader.current().ack_deadlines;
        let silent = self.rule.as_ref().is_some_and(|rule| rule.state == RuleState::Inactive);
        let facts = Facts {
            rule: self.rule,
            alert: self.alert,
            life: self.life,
            ledger,
            episodes: of_name.take(EPISODES_MAX).cloned().collect(),
            ack_deadline: deadlines.of(self.labels.value_or_empty("severity")),
            targets_down: if silent { targets_down(pages) } else { Vec::new() },
            members_failing: pages.read(members_failing),
            troubles: pages.health.sentences(),
            name,
        };
        let routed: RoutedView = pages.read(|pipeline| view::routed(&pipeline.alerts, &self.labels, now));
        let shown = match (&facts.alert, &facts.life, &facts.rule) {
            (Some(alert), _, _) => Some(alert_view::one(&facts, alert, now)),
            (None, Some(life), _) => Some(alert_view::of_life(&life.row, now)),
            (None, None, Some(rule)) => alert_view::of_rule(rule, &self.labels),
            (None, None, None) => None,
        };
        Ok(view::explanation(alerts::explain(&facts, now), shown, routed, &facts.ledger))
    }
}

/// Asks what the queries see; each query once.
fn with_values(mut meant: Vec<Meant>, evaluator: &Evaluator, now: Timestamp) -> Vec<Meant> {
    for one in &mut meant {
        let (Some(query), Some(rule)) = (&one.query, &mut one.rule) else { continue };
        let is_active = rule.state != RuleState::Inactive;
        let sees = values::look(evaluator, query, is_active.then_some(&one.labels), now);
        rule.measured = sees.measured;
        // What fires has what it needs; and why a broken query fails is known already.
        if !is_active && rule.error.is_none() {
            rule.absent = sees.absent;
        }
    }
    meant
}

/// The messages of an alert, or of one life of it, the newest first.
async fn ledger(
    pages: &Pages,
    fingerprint: AlertFingerprint,
    life: Option<&bellwether_model::Alert>,
) -> Result<Vec<LedgerEntry>, Refused> {
    let unavailable = |error: crate::state::StateError| Refused::Unavailable(error.to_string());
    let rows = pages.state.deliveries_of_alert(fingerprint, MESSAGES_MAX).await.map_err(unavailable)?;
    let mut entries = Vec::new();
    for row in rows {
        let speaks =
            life.is_none_or(|life| {
                row.delivery.notification.alerts.iter().any(|told| {
                    told.alert.fingerprint() == fingerprint && told.alert.starts_at == life.starts_at
                })
            });
        if speaks {
            let attempts = pages.state.attempts(&row.delivery.key).await.map_err(unavailable)?;
            entries.push(LedgerEntry { row, attempts });
        }
    }
    Ok(entries)
}

fn targets_down(pages: &Pages) -> Vec<TargetFacts> {
    let down = pages.pool.views().into_iter().filter(|target| target.health == TargetHealth::Down);
    down.map(|target| TargetFacts { job: target.job, url: target.url, error: target.last_error }).collect()
}

fn members_failing(pipeline: &Pipeline) -> Vec<MemberFacts> {
    let failing = |member: alerts::MemberStatus| {
        Some(MemberFacts { since: member.failing_since?, name: member.member, error: member.error })
    };
    pipeline.hand_over.status().into_iter().filter_map(failing).collect()
}
