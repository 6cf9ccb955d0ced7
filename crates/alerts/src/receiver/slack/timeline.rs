//! The thread below a message that is kept current: one line for each thing that happened, so that whoever comes later
//! reads the story from top to bottom.

use std::collections::BTreeSet;

use bellwether_model::{Alert, Timestamp};

use super::{SlackConfig, TEXT_CHARS_MAX, mrkdwn};
use crate::receiver::Said;
use crate::{Reason, Status};

/// More alerts than this are counted.
const ALERTS_SHOWN_MAX: usize = 10;
/// Of what an alert says, so much is shown.
const SUMMARY_CHARS_MAX: usize = 300;

/// What happened since the last message.
pub(super) fn text(config: &SlackConfig, said: &Said<'_>) -> String {
    let story = Story { config, said, before: known(said) };
    let lines = story.lines();
    mrkdwn::cut_with_link(&lines.join("\n"), TEXT_CHARS_MAX, &said.page_url())
}

/// Whether a change is shown in the channel too: nobody is told of the change of an old message, and a new alert or a
/// reminder must be noticed.
pub(super) const fn is_for_the_channel(reason: Reason) -> bool {
    match reason {
        Reason::First
        | Reason::NewAlerts
        | Reason::Repeat
        | Reason::Unacknowledged
        | Reason::AckExpired
        | Reason::Fallback
        | Reason::Drill => true,
        Reason::ResolvedGrew
        | Reason::AllResolved
        | Reason::Retry
        | Reason::Collapsed
        | Reason::Restart
        | Reason::Acknowledged => false,
    }
}

/// The fingerprints that fired in the last message, if there were few enough to keep them.
fn known(said: &Said<'_>) -> Option<BTreeSet<String>> {
    let text = said.thread.get("firing").filter(|text| *text != "*");
    text.map(|text| text.split_whitespace().map(str::to_owned).collect())
}

struct Story<'a> {
    config: &'a SlackConfig,
    said: &'a Said<'a>,
    before: Option<BTreeSet<String>>,
}

impl Story<'_> {
    fn lines(&self) -> Vec<String> {
        let firing: Vec<&Alert> = self.said.notification.with_status(Status::Firing).collect();
        let mut lines = Vec::new();
        lines.extend(self.headline(firing.len()));
        let new = firing.iter().copied().filter(|alert| self.was_told(alert) == Some(false)).collect();
        self.list("new", new, &mut lines);
        let over = self.said.notification.with_status(Status::Resolved);
        let over = over.filter(|alert| self.was_told(alert) != Some(false)).collect();
        self.list("over", over, &mut lines);
        if lines.is_empty() {
            lines.push(format!("*Changed*: {} firing now", firing.len()));
        }
        lines
    }

    /// What is not said by the lists that follow.
    fn headline(&self, firing: usize) -> Option<String> {
        let acked = self.said.notification.acked_by.as_ref();
        match self.said.notification.reason {
            Reason::Acknowledged => {
                let by = acked.map(|acked| acked.by.join(", ")).unwrap_or_default();
                let mut line = format!("*{} has it*", self.clean(&by));
                if let Some(until) = acked.and_then(|acked| acked.until) {
                    line += &format!(", until {}", moment(until));
                }
                if let Some(note) = acked.map(|acked| acked.note.trim()).filter(|note| !note.is_empty()) {
                    line += &format!(": {}", self.clean(note));
                }
                Some(line)
            }
            Reason::Unacknowledged => Some(format!("*Nobody has it any more*: {firing} firing")),
            Reason::AckExpired => {
                Some(format!("*Still firing, and the time of who had it is over*: {firing} firing"))
            }
            Reason::Repeat => Some(format!("*Still firing*: {firing}")),
            Reason::AllResolved => Some("*All of it is over*".to_owned()),
            Reason::Fallback => self.said.notice().map(|notice| self.clean(&notice)),
            Reason::First
            | Reason::NewAlerts
            | Reason::ResolvedGrew
            | Reason::Retry
            | Reason::Collapsed
            | Reason::Restart
            | Reason::Drill => None,
        }
    }

    /// Whether an alert fired in the last message; `None` when that is not known.
    fn was_told(&self, alert: &Alert) -> Option<bool> {
        self.before.as_ref().map(|before| before.contains(&alert.fingerprint().to_string()))
    }

    fn list(&self, what: &str, alerts: Vec<&Alert>, lines: &mut Vec<String>) {
        if alerts.is_empty() {
            return;
        }
        lines.push(format!("*{} {what}*", alerts.len()));
        lines.extend(alerts.iter().take(ALERTS_SHOWN_MAX).map(|alert| self.line(alert)));
        if alerts.len() > ALERTS_SHOWN_MAX {
            lines.push(format!("• and {} more", alerts.len() - ALERTS_SHOWN_MAX));
        }
    }

    fn line(&self, alert: &Alert) -> String {
        let said = ["summary", "description", "message"].iter().find_map(|key| alert.annotations.get(key));
        let text = said.map_or_else(
            || self.clean(&alert.labels.to_string()),
            |text| mrkdwn::annotation(text, self.config.link_names),
        );
        let name = self.clean(alert.name());
        let times = match alert.ends_at {
            None => format!("since {}", moment(alert.starts_at)),
            Some(end) => format!("{} to {}", moment(alert.starts_at), moment(end)),
        };
        format!("• {name}: {} ({times})", mrkdwn::cut(&text.replace('\n', " "), SUMMARY_CHARS_MAX))
    }

    fn clean(&self, text: &str) -> String {
        mrkdwn::label(text, self.config.link_names)
    }
}

/// A moment in the reader's own zone; whoever shows no dates shows it in UTC.
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let utc = text.get(..16).map_or_else(|| text.clone(), |minute| minute.replace('T', " "));
    format!("<!date^{}^{{date_short_pretty}} {{time}}|{utc} UTC>", at.as_millis().div_euclid(1000))
}
