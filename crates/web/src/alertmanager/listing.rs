//! `GET alerts` and `GET alerts/groups`: what fires, in Alertmanager's shapes and order.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bellwether_model::{AlertFingerprint, Labels, matches_all};
use serde::Serialize;

use super::answer::{Refusal, json_answer};
use super::params::{Params, ReceiverFilter};
use super::time::Rfc3339;
use crate::Shared;
use crate::view::{ListedAlert, ListedGroup};

pub(super) async fn alerts(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match chosen_alerts(&app, &Params::of(query.as_deref())) {
        Ok(alerts) => {
            let shown: Vec<_> = alerts.iter().map(AlertJson::alone).collect();
            json_answer(StatusCode::OK, &shown)
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// The alerts that parameters ask for, in order of their fingerprints as text.
pub(super) fn chosen_alerts(app: &Shared, params: &Params) -> Result<Vec<ListedAlert>, Refusal> {
    let (filter, receivers) = (params.matchers("filter")?, ReceiverFilter::of(app, params)?);
    let mut alerts = app.listed_alerts(&|labels| matches_all(&filter, labels));
    let quiet = quiet_groups(app, params);
    alerts.retain(|alert| {
        is_chosen(alert, params)
            && (receivers.takes_all() || alert.receivers.iter().any(|name| receivers.takes(name)))
            && !quiet.contains(&alert.fingerprint)
    });
    alerts.sort_unstable_by_key(|alert| alert.fingerprint);
    Ok(alerts)
}

/// With `muted=false`, which Alertmanager knows only for groups: the alerts that a time interval mutes everywhere.
fn quiet_groups(app: &Shared, params: &Params) -> Vec<AlertFingerprint> {
    if params.switch("muted") {
        return Vec::new();
    }
    let mut muted = BTreeMap::new();
    for group in app.listed_groups(&|_| true) {
        for alert in &group.alerts {
            *muted.entry(alert.fingerprint).or_insert(true) &= !group.muted_by.is_empty();
        }
    }
    muted.into_iter().filter(|(_, everywhere)| *everywhere).map(|(fingerprint, _)| fingerprint).collect()
}

fn is_chosen(alert: &ListedAlert, params: &Params) -> bool {
    (params.switch("active") || alert.is_suppressed())
        && (params.switch("silenced") || alert.silenced_by.is_empty())
        && (params.switch("inhibited") || alert.inhibited_by.is_empty())
}

pub(super) async fn groups(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match chosen_groups(&app, &Params::of(query.as_deref())) {
        Ok(groups) => json_answer(StatusCode::OK, &groups_json(&groups)),
        Err(refusal) => refusal.into_response(),
    }
}

/// The groups that parameters ask for, and their alerts, both in Alertmanager's order.
pub(super) fn chosen_groups(app: &Shared, params: &Params) -> Result<Vec<ListedGroup>, Refusal> {
    let (filter, receivers) = (params.matchers("filter")?, ReceiverFilter::of(app, params)?);
    let mut groups = app.listed_groups(&|labels| matches_all(&filter, labels));
    groups.retain_mut(|group| {
        group.alerts.retain(|alert| is_chosen(alert, params));
        receivers.takes(&group.route.receiver)
            && !group.alerts.is_empty()
            && (params.switch("muted") || group.muted_by.is_empty())
    });
    for group in &mut groups {
        group.alerts.sort_by(alerts_in_order);
    }
    groups
        .sort_by(|a, b| in_order(&a.labels, &b.labels).then_with(|| a.route.receiver.cmp(&b.route.receiver)));
    Ok(groups)
}

/// Every group names all receivers of an alert that are among the groups shown.
fn groups_json(groups: &[ListedGroup]) -> Vec<GroupJson<'_>> {
    let mut receivers: BTreeMap<AlertFingerprint, Vec<&str>> = BTreeMap::new();
    for group in groups {
        for alert in &group.alerts {
            receivers.entry(alert.fingerprint).or_default().push(&group.route.receiver);
        }
    }
    receivers.values_mut().for_each(|names| names.sort());
    let names = |alert: &ListedAlert| receivers.get(&alert.fingerprint).cloned().unwrap_or_default();
    let shown = groups.iter().map(|group| GroupJson {
        alerts: group
            .alerts
            .iter()
            .map(|alert| AlertJson::of(alert, names(alert), &group.muted_by))
            .collect(),
        labels: &group.labels,
        receiver: Named { name: &group.route.receiver },
        route_labels: &group.route_labels,
    });
    shown.collect()
}

/// Fewer labels come first; then the first name in which two sets differ decides: who has it not, or the lesser value.
fn in_order(a: &Labels, b: &Labels) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        let differing = a.iter().zip(b.iter()).find(|(a, b)| a != b);
        differing.map_or(Ordering::Equal, |((a_name, a_value), (b_name, b_value))| match a_name.cmp(b_name) {
            Ordering::Less => Ordering::Greater, // b has not the name that comes first
            Ordering::Greater => Ordering::Less,
            Ordering::Equal => a_value.cmp(b_value),
        })
    })
}

/// By job and instance where there are any, then by all labels.
fn alerts_in_order(a: &ListedAlert, b: &ListedAlert) -> Ordering {
    for name in ["job", "instance"] {
        let by_name = match (a.labels.get(name), b.labels.get(name)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => a.cmp(b),
        };
        if by_name != Ordering::Equal {
            return by_name;
        }
    }
    in_order(&a.labels, &b.labels)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupJson<'a> {
    alerts: Vec<AlertJson<'a>>,
    labels: &'a Labels,
    receiver: Named<'a>,
    route_labels: &'a Labels,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertJson<'a> {
    annotations: &'a Labels,
    ends_at: Rfc3339,
    fingerprint: AlertFingerprint,
    receivers: Vec<Named<'a>>,
    starts_at: Rfc3339,
    status: StatusJson<'a>,
    updated_at: Rfc3339,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
    labels: &'a Labels,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusJson<'a> {
    inhibited_by: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_by: Option<&'a [String]>,
    silenced_by: &'a [String],
    state: &'static str,
}

impl<'a> StatusJson<'a> {
    /// `muted_by` is missing from the old API.
    pub(super) fn of(alert: &'a ListedAlert, muted_by: Option<&'a [String]>) -> Self {
        let is_muted = muted_by.is_some_and(|names| !names.is_empty());
        let state = if alert.is_suppressed() || is_muted { "suppressed" } else { "active" };
        Self { inhibited_by: &alert.inhibited_by, muted_by, silenced_by: &alert.silenced_by, state }
    }
}

impl<'a> AlertJson<'a> {
    /// Outside of groups, where nobody is told which time intervals mute it.
    fn alone(alert: &'a ListedAlert) -> Self {
        Self::of(alert, alert.receivers.iter().map(String::as_str).collect(), &[])
    }

    fn of(alert: &'a ListedAlert, receivers: Vec<&'a str>, muted_by: &'a [String]) -> Self {
        Self {
            annotations: &alert.annotations,
            ends_at: Rfc3339(alert.ends_at),
            fingerprint: alert.fingerprint,
            receivers: receivers.into_iter().map(|name| Named { name }).collect(),
            starts_at: Rfc3339(alert.starts_at),
            status: StatusJson::of(alert, Some(muted_by)),
            updated_at: Rfc3339(alert.updated_at),
            generator_url: &alert.generator_url,
            labels: &alert.labels,
        }
    }
}
