//! Alerts, their groups and silences as pages and the API see them, each alert with the decisions that were made of it.

use std::collections::BTreeMap;

use bellwether_alerts::{self as alerts, AlertCore, Handled, Judgement};
use bellwether_model::{Labels, Timestamp};
use bellwether_web::view::{
    AckView, AlertGroupView, AlertState, AlertView, NoteView, SilenceState, SilenceView, WhyStep,
};

/// All alerts that routing knows.
pub fn alerts(core: &AlertCore, now: Timestamp) -> Vec<AlertView> {
    let groups = core.groups(now);
    let by_id = by_id(&groups);
    core.alerts(now).iter().map(|alert| alert_view(alert, &by_id, now)).collect()
}

/// All groups that routing made of them.
pub fn groups(groups: &[alerts::GroupView], now: Timestamp) -> Vec<AlertGroupView> {
    let by_id = by_id(groups);
    let view = |group: &alerts::GroupView| AlertGroupView {
        key: group.id.to_string(),
        receiver: group.receiver.clone(),
        route: route_of(group),
        labels: group.labels.clone(),
        alerts: group.alerts.iter().map(|alert| alert_view(alert, &by_id, now)).collect(),
        notified_at: group.integrations.iter().filter_map(|integration| integration.told_at).max(),
        next_at: Some(group.next_flush),
    };
    groups.iter().map(view).collect()
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

/// Groups by identity: an alert names its groups, and looking each up among ten thousand would be slow.
type Groups<'a> = BTreeMap<&'a alerts::GroupId, &'a alerts::GroupView>;

fn by_id(groups: &[alerts::GroupView]) -> Groups<'_> {
    groups.iter().map(|group| (&group.id, group)).collect()
}

fn alert_view(view: &alerts::AlertView, groups: &Groups<'_>, now: Timestamp) -> AlertView {
    let labels = &view.alert.labels;
    let annotation = |name: &str| view.alert.annotations.value_or_empty(name).to_owned();
    AlertView {
        fingerprint: view.fingerprint.to_string(),
        labels: labels.clone(),
        annotations: view.alert.annotations.clone(),
        state: if view.resolved { AlertState::Resolved } else { AlertState::Firing },
        starts_at: view.alert.starts_at,
        ends_at: view.alert.ends_at,
        updated_at: view.updated_at,
        value: None,
        generator_url: view.alert.generator_url.clone(),
        slo_id: slo_id(labels),
        receivers: view.receivers.iter().cloned().collect(),
        silenced_by: view.status.silenced_by.iter().map(|id| id.0.clone()).collect(),
        inhibited_by: view.status.inhibited_by.iter().map(ToString::to_string).collect(),
        muted_by: view.status.muted_by.clone(),
        ack: ack(&view.handled, now),
        ended_by: view.handled.resolved.as_ref().map(|resolved| resolved.by.clone()),
        notes: view.handled.notes.iter().map(note).collect(),
        false_positive: view
            .handled
            .judged
            .as_ref()
            .map(|judged| judged.judgement == Judgement::FalsePositive),
        next_step: annotation("next_step"),
        runbook_url: annotation("runbook_url"),
        why: why(view, groups),
    }
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

/// The decisions as the core carries them, in the order in which they were made.
fn why(view: &alerts::AlertView, groups: &Groups<'_>) -> Vec<WhyStep> {
    let step = |stage: &str, passed: bool, text: String| WhyStep { stage: stage.to_owned(), text, passed };
    let mut steps =
        vec![step("rule", true, format!("its condition has held since {}", view.alert.starts_at))];
    if view.groups.is_empty() {
        steps.push(step("route", false, "no route takes it".to_owned()));
    }
    for group in view.groups.iter().filter_map(|id| groups.get(id)) {
        steps.push(step("route", true, format!("to receiver {} in group {}", group.receiver, group.labels)));
        if group.integrations.is_empty() {
            steps.push(step(
                "deliver",
                false,
                format!("receiver {} has no address to send to", group.receiver),
            ));
        }
        for integration in &group.integrations {
            let Some((at, verdict)) = &integration.verdict else {
                steps.push(step(
                    "group",
                    false,
                    format!("waits for the group's first look at {}", group.next_flush),
                ));
                continue;
            };
            steps.push(step("group", true, format!("{}: {verdict} ({at})", integration.integration)));
        }
    }
    let inhibited = match view.status.inhibited_why.as_slice() {
        [] => view.status.inhibited_by.iter().map(ToString::to_string).collect::<Vec<_>>(),
        why => why.to_vec(),
    };
    let blocked = [
        ("inhibit", inhibited),
        ("silence", view.status.silenced_by.iter().map(ToString::to_string).collect()),
        ("mute", view.status.muted_by.clone()),
    ];
    for (stage, by) in blocked.into_iter().filter(|(_, by)| !by.is_empty()) {
        steps.push(step(stage, false, format!("kept quiet by {}", by.join(", "))));
    }
    steps
}
