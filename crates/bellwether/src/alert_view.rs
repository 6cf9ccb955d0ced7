//! Alerts, their groups and silences as pages and the API see them, each alert with the decisions that were made of it.

use bellwether_alerts::{self as alerts, AlertCore, AlertFacts, Handled, Judgement};
use bellwether_model::{Alert, Labels, Timestamp};
use bellwether_web::view::{
    AckView, AlertGroupView, AlertState, AlertView, LoudAlerts, NoteView, SilenceState, SilenceView, WhyStep,
};

use crate::explain;

/// All alerts that routing knows.
pub fn alerts(core: &AlertCore, now: Timestamp) -> Vec<AlertView> {
    core.alerts(now).into_iter().map(|alert| in_list(core, alert, now)).collect()
}

/// What of them reaches people, counted.
pub fn loud(core: &AlertCore, now: Timestamp) -> LoudAlerts {
    let mut loud = LoudAlerts::default();
    core.loud_alerts(now).for_each(|(alert, is_taken)| loud.add(alert.labels.get("severity"), !is_taken));
    loud
}

/// All groups that routing made of them.
pub fn groups(core: &AlertCore, now: Timestamp) -> Vec<AlertGroupView> {
    let view = |group: alerts::GroupView| AlertGroupView {
        key: group.id.to_string(),
        receiver: group.receiver.clone(),
        route: route_of(&group),
        labels: group.labels.clone(),
        notified_at: group.integrations.iter().filter_map(|integration| integration.told_at).max(),
        next_at: Some(group.next_flush),
        acked_by: group.acked_by.map(|acked| acked.by).unwrap_or_default(),
        next_repeat_at: group.next_repeat_at,
        alerts: group.alerts.into_iter().map(|alert| in_list(core, alert, now)).collect(),
    };
    core.groups(now).into_iter().map(view).collect()
}

/// One alert with all that is known of it.
pub fn one(facts: &alerts::Facts, alert: &AlertFacts, now: Timestamp) -> AlertView {
    let why = explain::view::short_steps(alerts::explain_steps(facts, now));
    let value = facts.rule.as_ref().and_then(|rule| rule.value);
    AlertView { value, ..alert_view(&alert.view, why, now) }
}

/// A life of an alert that is over.
pub fn of_life(life: &alerts::EpisodeRow, now: Timestamp) -> AlertView {
    let receivers = life.receivers.iter().cloned().collect();
    let ended_by = life.handled.resolved.as_ref().map(|resolved| resolved.by.clone());
    let notes = life.handled.notes.iter().map(note).collect();
    let (ack, false_positive) = (ack(&life.handled, now), false_positive(&life.handled));
    let about = About { ack, ended_by, notes, false_positive, receivers };
    let ends_at = life.alert.ends_at.unwrap_or(now);
    AlertView {
        ends_at: Some(ends_at),
        updated_at: ends_at,
        ..bare(&life.alert, AlertState::Resolved, about)
    }
}

/// An alert that only a rule knows: it waits for its `for`, or routing will hear of it in a moment.
pub fn of_rule(rule: &alerts::RuleFacts, labels: &Labels) -> Option<AlertView> {
    let (state, starts_at) = match rule.state {
        alerts::RuleState::Inactive => return None,
        alerts::RuleState::Pending { since } => (AlertState::Pending, since),
        alerts::RuleState::Firing { since, .. } => (AlertState::Firing, since),
    };
    let alert = Alert {
        labels: labels.clone(),
        annotations: Labels::empty(),
        starts_at,
        ends_at: None,
        generator_url: String::new(),
    };
    Some(AlertView { value: rule.value, ..bare(&alert, state, About::default()) })
}

/// A silence, with how many alerts it keeps quiet.
pub fn silence(view: alerts::SilenceView) -> SilenceView {
    SilenceView {
        id: view.silence.id.0,
        matchers: view.silence.matchers,
        starts_at: view.silence.starts_at,
        ends_at: view.silence.ends_at,
        updated_at: view.silence.updated_at,
        created_by: view.silence.created_by,
        comment: view.silence.comment,
        annotations: view.silence.annotations,
        state: match view.state {
            alerts::SilenceState::Active => SilenceState::Active,
            alerts::SilenceState::Pending => SilenceState::Pending,
            alerts::SilenceState::Expired => SilenceState::Expired,
        },
        hidden_alerts: view.suppressed_count,
    }
}

/// The way through the tree of routes: the group's identity without its labels.
fn route_of(group: &alerts::GroupView) -> String {
    let id = group.id.to_string();
    match id.strip_suffix(&format!(":{}", group.labels)) {
        None | Some("{}") => "root".to_owned(),
        Some(route) => route.replacen("{}", "root", 1),
    }
}

fn in_list(core: &AlertCore, alert: alerts::AlertView, now: Timestamp) -> AlertView {
    let alert = core.alert_facts(alert, now);
    let why = explain::view::short_steps(alerts::explain_routing(&alert, now));
    alert_view(&alert.view, why, now)
}

fn alert_view(view: &alerts::AlertView, why: Vec<WhyStep>, now: Timestamp) -> AlertView {
    let state = if view.resolved { AlertState::Resolved } else { AlertState::Firing };
    let about = About {
        receivers: view.receivers.iter().cloned().collect(),
        ack: ack(&view.handled, now),
        ended_by: view.handled.resolved.as_ref().map(|resolved| resolved.by.clone()),
        notes: view.handled.notes.iter().map(note).collect(),
        false_positive: false_positive(&view.handled),
    };
    AlertView {
        updated_at: view.updated_at,
        silenced_by: view.status.silenced_by.iter().map(|id| id.0.clone()).collect(),
        inhibited_by: view.status.inhibited_by.iter().map(ToString::to_string).collect(),
        muted_by: view.status.muted_by.clone(),
        why,
        ..bare(&view.alert, state, about)
    }
}

/// What people did with an alert, and who hears of it.
#[derive(Default)]
struct About {
    receivers: Vec<String>,
    ack: Option<AckView>,
    ended_by: Option<String>,
    notes: Vec<NoteView>,
    false_positive: Option<bool>,
}

/// An alert that nothing keeps quiet.
fn bare(alert: &Alert, state: AlertState, about: About) -> AlertView {
    let labels = &alert.labels;
    let annotation = |name: &str| alert.annotations.value_or_empty(name).to_owned();
    AlertView {
        fingerprint: alert.fingerprint().to_string(),
        labels: labels.clone(),
        annotations: alert.annotations.clone(),
        state,
        starts_at: alert.starts_at,
        ends_at: alert.ends_at,
        updated_at: alert.starts_at,
        value: None,
        generator_url: alert.generator_url.clone(),
        slo_id: slo_id(labels),
        receivers: about.receivers,
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
        muted_by: Vec::new(),
        ack: about.ack,
        ended_by: about.ended_by,
        notes: about.notes,
        false_positive: about.false_positive,
        next_step: annotation("next_step"),
        runbook_url: annotation("runbook_url"),
        why: Vec::new(),
    }
}

fn false_positive(handled: &Handled) -> Option<bool> {
    handled.judged.as_ref().map(|judged| judged.judgement == Judgement::FalsePositive)
}

fn ack(handled: &Handled, now: Timestamp) -> Option<AckView> {
    let ack = handled.ack.as_ref().filter(|ack| ack.holds(now))?;
    Some(AckView { by: ack.by.clone(), at: ack.at, until: ack.until, note: ack.note.clone() })
}

fn note(note: &alerts::Note) -> NoteView {
    NoteView { by: note.by.clone(), at: note.at, text: note.text.clone() }
}

/// The objective that a burn-rate alert's labels name.
fn slo_id(labels: &Labels) -> Option<String> {
    let slo = labels.get("slo")?;
    Some(labels.get("service").map_or_else(|| slo.to_owned(), |service| format!("{service}/{slo}")))
}
