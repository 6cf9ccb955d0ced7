//! What fires, from the words of the core to those of Alertmanager's API.

use bellwether_alerts::{self as alerts, AlertCore, GroupBy};
use bellwether_model::{Labels, Timestamp};
use bellwether_web::view::{ListedAlert, ListedGroup, ListedRoute, ReceiverName, RoutingConfigView, Wanted};

use crate::config::Config;

/// Alerts that fire.
pub fn alerts(core: &AlertCore, wanted: Wanted<'_>, now: Timestamp) -> Vec<ListedAlert> {
    let listed = core.listed_alerts(wanted, now).into_iter();
    listed
        .map(|alert| {
            let routes = core.config().route.matching(&alert.alert.labels);
            let receivers = routes.iter().map(|route| route.receiver.clone()).collect();
            listed_alert(core, alert, receivers)
        })
        .collect()
}

/// Groups that have such alerts.
pub fn groups(core: &AlertCore, wanted: Wanted<'_>, now: Timestamp) -> Vec<ListedGroup> {
    let groups = core.listed_groups(wanted, now).into_iter();
    groups
        .map(|group| ListedGroup {
            key: group.route.group_id(&group.labels).to_string(),
            labels: group.labels,
            route_labels: Labels::from_pairs(group.route_labels),
            route: ListedRoute {
                receiver: group.route.receiver.clone(),
                group_by: match &group.route.group_by {
                    GroupBy::All => None,
                    GroupBy::Labels(names) => Some(names.iter().cloned().collect()),
                },
                group_wait: group.route.group_wait,
                group_interval: group.route.group_interval,
                repeat_interval: group.route.repeat_interval,
            },
            muted_by: group.muted_by,
            alerts: group.alerts.into_iter().map(|alert| listed_alert(core, alert, Vec::new())).collect(),
        })
        .collect()
}

fn listed_alert(core: &AlertCore, listed: alerts::ListedAlert, receivers: Vec<String>) -> ListedAlert {
    let resolve_timeout = core.config().global.resolve_timeout;
    let alert = listed.alert;
    ListedAlert {
        fingerprint: listed.fingerprint,
        ends_at: alert.ends_at.unwrap_or(listed.updated_at.saturating_add(resolve_timeout)),
        labels: alert.labels,
        annotations: alert.annotations,
        starts_at: alert.starts_at,
        updated_at: listed.updated_at,
        generator_url: alert.generator_url,
        receivers,
        silenced_by: listed.silenced_by.into_iter().map(|id| id.0).collect(),
        inhibited_by: listed.inhibited_by.iter().map(ToString::to_string).collect(),
    }
}

/// How many silences end soon while they hide something.
pub fn expiring_silences_count(core: &AlertCore, now: Timestamp) -> usize {
    core.expiring_silences(now).len()
}

/// One sentence for each of them.
pub fn expiring_silences(core: &AlertCore, now: Timestamp) -> Vec<String> {
    let expiring = core.expiring_silences(now).into_iter();
    expiring
        .map(|(silence, hidden)| {
            let alerts = if hidden == 1 { "one firing alert" } else { "firing alerts" };
            let many = if hidden == 1 { String::new() } else { format!("{hidden} ") };
            let minutes = (silence.ends_at - now).as_millis() / 60_000;
            format!(
                "the silence {:?} of {} ends in {minutes} min and still hides {many}{alerts}",
                silence.comment, silence.created_by
            )
        })
        .collect()
}

/// The routing configuration without its secrets.
pub fn routing_config(config: &Config) -> RoutingConfigView {
    let receiver = |name: &String| {
        let own = config.routing.receivers.get(name).map(|receiver| receiver.labels.clone());
        let labels = own.unwrap_or_default().into_iter().chain([("name".to_owned(), name.clone())]);
        ReceiverName { name: name.clone(), labels: Labels::from_pairs(labels) }
    };
    RoutingConfigView {
        text: config.routing_shown.text.clone(),
        receivers: config.routing_shown.receivers.iter().map(receiver).collect(),
        resolve_timeout: config.routing.global.resolve_timeout,
    }
}
