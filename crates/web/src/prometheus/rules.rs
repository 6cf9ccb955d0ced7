//! Rules with what their last evaluation gave, and the alerts that are pending or fire.

use std::collections::BTreeSet;

use axum::extract::{Request, State};
use bellwether_model::{Labels, Matcher, matches_all};
use serde_json::{Value as Json, json};

use super::targets::moment;
use super::{Answer, success};
use crate::api_error::ApiError;
use crate::api_params::Params;
use crate::view::{AlertState, AlertView, RuleAlertView, RuleGroupView, RuleView};
use crate::{Shared, api_json};

const fn state(state: AlertState) -> &'static str {
    match state {
        AlertState::Firing => "firing",
        AlertState::Pending => "pending",
        AlertState::Resolved => "inactive",
    }
}

fn value_text(value: f64) -> String {
    let mut text = String::new();
    api_json::exponential(&mut text, value);
    text
}

pub(super) async fn alerts(State(app): State<Shared>) -> Answer {
    let groups = app.rule_groups();
    let rules = groups.iter().flat_map(|group| &group.rules).filter_map(|rule| rule.alerting.as_ref());
    let open = |alert: &&RuleAlertView| alert.state != AlertState::Resolved;
    let of_rules: Vec<&RuleAlertView> = rules.flat_map(|rule| &rule.alerts).filter(open).collect();
    let known: BTreeSet<&Labels> = of_rules.iter().map(|alert| &alert.labels).collect();
    let mut alerts: Vec<Json> = of_rules.iter().map(|alert| rule_alert_json(alert)).collect();
    // Alerts of objectives have no rule; like those of rules they are shown as they are before they leave.
    let external = app.server().external_labels;
    for alert in app.alerts() {
        let labels = without(&alert.labels, &external);
        let is_open = alert.state != AlertState::Resolved;
        if is_open && alert.slo_id.is_some() && !known.contains(&labels) {
            alerts.push(alert_json(&alert, &labels));
        }
    }
    success(&json!({ "alerts": alerts }))
}

/// The labels that are not there because of the external ones.
fn without(labels: &Labels, external: &Labels) -> Labels {
    let same = external.iter().filter(|(name, value)| labels.get(name) == Some(*value));
    labels.without(&same.map(|(name, _)| name).collect::<Vec<_>>())
}

fn alert_json(alert: &AlertView, labels: &Labels) -> Json {
    json!({
        "labels": labels, "annotations": alert.annotations, "state": state(alert.state),
        "activeAt": alert.starts_at.to_string(), "value": value_text(alert.value.unwrap_or_default()),
    })
}

pub(super) async fn rules(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let wanted = RuleFilter::of(&params)?;
    let page = Page::of(&params)?;
    let groups = app.rule_groups();
    let from = page.start(&groups)?;
    let (mut shown, mut next) = (Vec::new(), None);
    for group in &groups[from..] {
        let Some(json) = wanted.group(group) else { continue };
        if shown.len() == page.limit {
            next = Some(token(group));
            break;
        }
        shown.push(json);
    }
    let mut answer = json!({ "groups": shown });
    if let Some(next) = next {
        answer["groupNextToken"] = json!(next);
    }
    success(&answer)
}

/// Which part of the groups a client asks for.
struct Page<'a> {
    limit: usize,
    token: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn of(params: &'a Params) -> Result<Self, ApiError> {
        let token = params.get("group_next_token");
        let Some(limit) = params.get("group_limit") else {
            return match token {
                None => Ok(Self { limit: usize::MAX, token }),
                Some(_) => Err(ApiError::bad_data(
                    "invalid parameter \"group_next_token\": group_limit needs to be present in order to paginate over the groups",
                )),
            };
        };
        match limit.parse::<i32>() {
            Ok(limit) if limit > 0 => Ok(Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), token }),
            Ok(_) => Err(ApiError::bad_data(
                "invalid parameter \"group_limit\": group_limit needs to be greater than 0",
            )),
            Err(_) => Err(ApiError::bad_data(format!(
                "invalid parameter \"group_limit\": group_limit needs to be a valid number, and {limit:?} is none"
            ))),
        }
    }

    /// Where in the groups the page begins.
    fn start(&self, groups: &[RuleGroupView]) -> Result<usize, ApiError> {
        let Some(wanted) = self.token else { return Ok(0) };
        groups.iter().position(|group| token(group) == wanted).ok_or_else(|| {
            ApiError::bad_data(format!(
                "invalid parameter \"group_next_token\": no group has the token {wanted:?}; were rule groups changed?"
            ))
        })
    }
}

/// Names a group to a client that comes back for the next page; stable as long as its file and name are.
fn token(group: &RuleGroupView) -> String {
    let labels = bellwether_model::Labels::from_pairs([("file", &*group.file), ("group", &*group.name)]);
    format!("{:016x}", labels.fingerprint())
}

/// Which rules a client asks for. An empty list asks for all.
struct RuleFilter<'a> {
    names: Vec<&'a str>,
    groups: Vec<&'a str>,
    files: Vec<&'a str>,
    selectors: Vec<Vec<Matcher>>,
    is_alerting: Option<bool>,
    without_alerts: bool,
}

impl<'a> RuleFilter<'a> {
    fn of(params: &'a Params) -> Result<Self, ApiError> {
        let is_alerting = match params.get("type").map(str::to_lowercase).as_deref() {
            None => None,
            Some("alert") => Some(true),
            Some("record") => Some(false),
            Some(other) => {
                return Err(ApiError::bad_data(format!(
                    "invalid parameter \"type\": not supported value {other:?}; write alert or record"
                )));
            }
        };
        let list = |name| params.all(name).collect();
        Ok(Self {
            names: list("rule_name[]"),
            groups: list("rule_group[]"),
            files: list("file[]"),
            selectors: params.selectors("match[]")?,
            is_alerting,
            without_alerts: truth(params, "exclude_alerts")?,
        })
    }

    /// A group with those of its rules that are asked for; none of a group without any.
    fn group(&self, group: &RuleGroupView) -> Option<Json> {
        let passes = |wanted: &[&str], text: &str| wanted.is_empty() || wanted.contains(&text);
        if !passes(&self.groups, &group.name) || !passes(&self.files, &group.file) {
            return None;
        }
        let selected = |rule: &RuleView| {
            self.selectors.is_empty() || self.selectors.iter().any(|all| matches_all(all, &rule.labels))
        };
        let of_type = |rule: &RuleView| self.is_alerting.is_none_or(|is| is == rule.alerting.is_some());
        let rules: Vec<Json> = group
            .rules
            .iter()
            .filter(|rule| of_type(rule) && passes(&self.names, &rule.name) && selected(rule))
            .map(|rule| self.rule(rule))
            .collect();
        (!rules.is_empty()).then(|| json!({
            "name": group.name, "file": group.file, "interval": group.interval.as_secs_f64(), "limit": group.limit,
            "evaluationTime": group.evaluation_seconds, "lastEvaluation": moment(group.evaluated_at),
            "evaluationsMissed": group.evaluations_missed, "rules": rules,
        }))
    }

    fn rule(&self, rule: &RuleView) -> Json {
        let health = match (rule.evaluated_at, rule.last_error.is_empty()) {
            (None, _) => "unknown",
            (Some(_), true) => "ok",
            (Some(_), false) => "err",
        };
        let mut out = json!({
            "name": rule.name, "query": rule.query, "health": health,
            "evaluationTime": rule.evaluation_seconds, "lastEvaluation": moment(rule.evaluated_at), "type": "recording",
        });
        if !rule.last_error.is_empty() {
            out["lastError"] = json!(rule.last_error);
        }
        if !rule.labels.is_empty() || rule.alerting.is_some() {
            out["labels"] = json!(rule.labels);
        }
        let Some(alerting) = &rule.alerting else { return out };
        let worst = alerting.alerts.iter().map(|alert| alert.state).min();
        out["type"] = json!("alerting");
        out["state"] = json!(worst.map_or("inactive", state));
        out["duration"] = json!(alerting.hold.as_secs_f64());
        out["keepFiringFor"] = json!(alerting.keep_firing_for.as_secs_f64());
        out["annotations"] = json!(alerting.annotations);
        let open = |alert: &&RuleAlertView| !self.without_alerts && alert.state != AlertState::Resolved;
        out["alerts"] = alerting.alerts.iter().filter(open).map(rule_alert_json).collect();
        out
    }
}

/// Yes or no, in the words Go reads; absent means no.
fn truth(params: &Params, name: &str) -> Result<bool, ApiError> {
    match params.get(name) {
        None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some(other) => Err(ApiError::bad_data(format!(
            "invalid parameter {name:?}: {other:?} is neither true nor false"
        ))),
    }
}

fn rule_alert_json(alert: &RuleAlertView) -> Json {
    json!({
        "labels": alert.labels, "annotations": alert.annotations, "state": state(alert.state),
        "activeAt": alert.active_at.to_string(), "value": value_text(alert.value),
    })
}
