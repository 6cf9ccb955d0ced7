//! What is sent when a template fails: the facts, without any template.

use crate::{Notification, NotifiedAlert, Status};

/// A title and the facts, without any template.
pub(crate) fn plain_text(notification: &Notification) -> (String, String) {
    const ALERTS_SHOWN_MAX: usize = 20;
    let name = notification.common_labels().value_or_empty("alertname").to_owned();
    let firing = notification.with_status(Status::Firing).count();
    let head = match firing {
        0 => "[RESOLVED]".to_owned(),
        n => format!("[FIRING:{n}]"),
    };
    let title =
        format!("{head} {}", if name.is_empty() { notification.group_labels.to_string() } else { name });
    let line = |n: &NotifiedAlert| {
        let said = ["summary", "description", "message"].iter().find_map(|key| n.alert.annotations.get(key));
        let since = n.alert.starts_at;
        let end = n.alert.ends_at.map(|end| format!(", resolved {end}")).unwrap_or_default();
        format!(
            "{} {}: {} (fired {since}{end})",
            n.status.as_str(),
            n.alert.labels,
            said.unwrap_or("no summary")
        )
    };
    let mut lines: Vec<_> = notification.alerts.iter().take(ALERTS_SHOWN_MAX).map(line).collect();
    if notification.alerts.len() > ALERTS_SHOWN_MAX {
        lines.push(format!("and {} more", notification.alerts.len() - ALERTS_SHOWN_MAX));
    }
    (title, lines.join("\n"))
}
