//! What rules say of an alert.

use bellwether_alerts::{RuleFacts, RuleState};
use bellwether_model::Labels;
use bellwether_rules::{AlertState, AlertStatus, AlertingStatus, GroupStatus, RuleStatus};

/// Of a long query only so much is shown.
const QUERY_CHARS_MAX: usize = 300;

/// An alerting rule and its group.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub group: &'a GroupStatus,
    pub rule: &'a RuleStatus,
    pub alerting: &'a AlertingStatus,
}

/// All alerting rules, in the order in which they are loaded.
pub(super) fn alerting(groups: &[GroupStatus]) -> impl Iterator<Item = Found<'_>> {
    let rules = groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    rules.filter_map(|(group, rule)| Some(Found { group, rule, alerting: rule.alerting.as_ref()? }))
}

/// The rule that raises an alert with these labels: the one that holds it now, or the one whose fixed labels it has.
pub(super) fn of_labels<'a>(
    groups: &'a [GroupStatus],
    labels: &Labels,
) -> Option<(Found<'a>, Option<&'a AlertStatus>)> {
    let holds = |found: Found<'a>| {
        let alert = found.alerting.alerts.iter().find(|alert| alert.labels == *labels)?;
        Some((found, Some(alert)))
    };
    let could = |found: &Found<'_>| {
        labels.get("alertname") == Some(&found.rule.name)
            && fixed_labels(found.rule).iter().all(|(name, value)| labels.get(name) == Some(value))
    };
    alerting(groups).find_map(holds).or_else(|| alerting(groups).find(could).map(|found| (found, None)))
}

/// The labels that all alerts of a rule have, as far as they are no templates.
pub(super) fn fixed_labels(rule: &RuleStatus) -> Labels {
    let fixed = rule.labels.iter().filter(|(_, value)| !value.contains("{{"));
    let name = ("alertname".to_owned(), rule.name.clone());
    Labels::from_pairs(fixed.map(|(name, value)| (name.clone(), value.clone())).chain([name]))
}

/// What a rule says of one of its alerts, or of none.
pub(super) fn facts(found: Found<'_>, alert: Option<&AlertStatus>) -> RuleFacts {
    let Found { group, rule, alerting } = found;
    RuleFacts {
        place: format!("rule {} of group {} in {}", rule.name, group.name, group.file),
        is_objective: false,
        condition: shortened(&rule.expr),
        evaluated_at: rule.evaluated_at,
        interval: group.interval,
        missed: group.missed,
        error: rule.last_error.clone(),
        hold: alerting.hold,
        keep_firing: alerting.keep_firing,
        state: alert.map_or(RuleState::Inactive, state),
        value: alert.map(|alert| alert.value),
        measured: Vec::new(),
        absent: Vec::new(),
    }
}

fn state(alert: &AlertStatus) -> RuleState {
    match alert.state {
        AlertState::Inactive => RuleState::Inactive,
        AlertState::Pending => RuleState::Pending { since: alert.active_at },
        AlertState::Firing => {
            RuleState::Firing { since: alert.active_at, fired_at: alert.fired_at, kept: alert.kept_firing }
        }
    }
}

fn shortened(query: &str) -> String {
    let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
    match query.char_indices().nth(QUERY_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &query[..at]),
        None => query,
    }
}
