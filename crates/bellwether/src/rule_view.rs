//! Rules as pages and the API see them.

use bellwether_model::Labels;
use bellwether_rules::{AlertState, AlertStatus, GroupStatus, RuleEngine, RuleStatus};
use bellwether_web::view::{
    self, AlertView, AlertingRuleView, RuleAlertView, RuleGroupView, RuleView, WhyStep,
};

/// All groups.
pub fn groups(engine: &RuleEngine) -> Vec<RuleGroupView> {
    engine.status().iter().map(group_view).collect()
}

fn group_view(group: &GroupStatus) -> RuleGroupView {
    RuleGroupView {
        name: group.name.clone(),
        file: group.file.clone(),
        interval: group.interval,
        limit: group.limit.map_or(0, |limit| limit as u64),
        evaluated_at: group.evaluated_at,
        evaluation_seconds: group.duration.as_secs_f64(),
        evaluations_missed: group.missed,
        rules: group.rules.iter().map(rule_view).collect(),
    }
}

fn rule_view(rule: &RuleStatus) -> RuleView {
    RuleView {
        name: rule.name.clone(),
        query: rule.expr.clone(),
        labels: Labels::from_pairs(rule.labels.clone()),
        last_error: rule.last_error.clone().or(rule.template_error.clone()).unwrap_or_default(),
        evaluated_at: rule.evaluated_at,
        evaluation_seconds: rule.duration.as_secs_f64(),
        alerting: rule.alerting.as_ref().map(|alerting| AlertingRuleView {
            hold: alerting.hold,
            keep_firing_for: alerting.keep_firing,
            annotations: Labels::from_pairs(alerting.annotations.clone()),
            alerts: alerting.alerts.iter().map(alert_view).collect(),
        }),
    }
}

fn alert_view(alert: &AlertStatus) -> RuleAlertView {
    RuleAlertView {
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        state: state(alert.state),
        active_at: alert.active_at,
        value: alert.value,
    }
}

fn state(state: AlertState) -> view::AlertState {
    match state {
        AlertState::Pending => view::AlertState::Pending,
        AlertState::Firing => view::AlertState::Firing,
        AlertState::Inactive => view::AlertState::Resolved,
    }
}

/// Alerts that wait for their `for`: nobody routes them yet, but people want to see them coming.
pub fn pending(engine: &RuleEngine) -> Vec<AlertView> {
    let groups = engine.status();
    let rules = groups.iter().flat_map(|group| &group.rules);
    let alerting = rules.filter_map(|rule| Some((rule, rule.alerting.as_ref()?)));
    alerting
        .flat_map(|(_, alerting)| alerting.alerts.iter().map(move |alert| (alerting, alert)))
        .filter(|(_, alert)| alert.state == AlertState::Pending)
        .map(|(alerting, alert)| AlertView {
            fingerprint: format!("{:016x}", alert.labels.fingerprint()),
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            state: view::AlertState::Pending,
            starts_at: alert.active_at,
            ends_at: None,
            updated_at: alert.active_at,
            value: Some(alert.value),
            generator_url: String::new(),
            slo_id: None,
            receivers: Vec::new(),
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
            muted_by: Vec::new(),
            ack: None,
            ended_by: None,
            notes: Vec::new(),
            false_positive: None,
            next_step: alert.annotations.value_or_empty("next_step").to_owned(),
            runbook_url: alert.annotations.value_or_empty("runbook_url").to_owned(),
            why: vec![WhyStep {
                stage: "for".to_owned(),
                text: format!("its condition must hold for {} before anyone is told", alerting.hold),
                passed: false,
            }],
        })
        .collect()
}
