//! Which alert somebody means: by fingerprint, by the beginning of one, or by name. What could mean several is refused
//! with a list, because acting on the wrong one is worse than asking again.

use bellwether_web::view::{ActionSubject, AlertGroupView, AlertState, AlertView, ExplanationView};

use crate::client::Client;
use crate::failure::Failure;

/// A shorter text is rather a name than the beginning of a fingerprint.
const PREFIX_MIN: usize = 4;

/// The alert that is meant, of those that the server knows now.
pub(super) async fn alert(client: &Client, meant: &str) -> Result<AlertView, Failure> {
    let alerts: Vec<AlertView> = client.read("/api/bellwether/v1/alerts", &[]).await?;
    choose(alerts, meant)
}

/// The fingerprint of the alert that is meant: of those that are active, or of those that are over.
pub(super) async fn fingerprint(client: &Client, meant: &str) -> Result<String, Failure> {
    if meant.len() == 16 && meant.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(meant.to_ascii_lowercase());
    }
    let failure = match alert(client, meant).await {
        Ok(alert) => return Ok(alert.fingerprint),
        Err(failure) => failure,
    };
    let query = [("alert", meant)];
    let explained: Result<Vec<ExplanationView>, _> = client.read("/api/bellwether/v1/explain", &query).await;
    let alerts = explained.into_iter().flatten().filter_map(|one| one.alert);
    let mut known: Vec<String> = alerts.map(|alert| alert.fingerprint).collect();
    known.sort();
    known.dedup();
    if known.len() == 1 { Ok(known.remove(0)) } else { Err(failure) }
}

/// The group that is meant, by its key or by its labels.
pub(super) async fn group(client: &Client, meant: &str) -> Result<ActionSubject, Failure> {
    let groups: Vec<AlertGroupView> = client.read("/api/bellwether/v1/groups", &[]).await?;
    let plain = |text: &str| text.chars().filter(|c| !matches!(c, '{' | '}' | '"' | ' ')).collect::<String>();
    let is_meant =
        |group: &&AlertGroupView| group.key == meant || plain(&group.labels.to_string()) == plain(meant);
    let mut found = groups.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(group), None) => Ok(ActionSubject::Group(group.key.clone())),
        (Some(_), Some(_)) => {
            let keys = groups.iter().filter(is_meant).map(|group| format!("  {}", group.key));
            let keys: Vec<String> = keys.collect();
            Err(Failure::wrong(format!(
                "{meant:?} are the labels of several groups; name one by its key:\n{}",
                keys.join("\n")
            )))
        }
        (None, _) => {
            let keys: Vec<String> = groups.iter().map(|group| format!("  {}", group.key)).collect();
            let there = if keys.is_empty() {
                "there is none".to_owned()
            } else {
                format!("there are\n{}", keys.join("\n"))
            };
            Err(Failure::wrong(format!("no group {meant:?}; {there}")))
        }
    }
}

fn choose(alerts: Vec<AlertView>, meant: &str) -> Result<AlertView, Failure> {
    let meant = meant.trim();
    let low = meant.to_ascii_lowercase();
    let named: Vec<&AlertView> =
        alerts.iter().filter(|alert| alert.labels.get("alertname") == Some(meant)).collect();
    let is_prefix = low.len() >= PREFIX_MIN && low.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = match named.is_empty() {
        true => alerts.iter().filter(|alert| is_prefix && alert.fingerprint.starts_with(&low)).collect(),
        false => named,
    };
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Failure::wrong(format!(
            "no alert {meant:?} is active; `bellwether alerts` lists what is, `bellwether explain {meant}` says why not"
        ))),
        several => {
            let lines: Vec<String> = several.iter().map(|alert| line(alert)).collect();
            Err(Failure::wrong(format!(
                "{meant:?} could be {} alerts; name one by its fingerprint:\n{}",
                several.len(),
                lines.join("\n")
            )))
        }
    }
}

fn line(alert: &AlertView) -> String {
    let state = match alert.state {
        AlertState::Firing => "firing",
        AlertState::Pending => "pending",
        AlertState::Resolved => "over",
    };
    format!("  {}  {state}  {}", alert.fingerprint, alert.labels)
}

#[cfg(test)]
mod tests {
    use bellwether_model::{Labels, Timestamp};

    use super::*;

    fn alert(fingerprint: &str, name: &str) -> AlertView {
        AlertView {
            fingerprint: fingerprint.to_owned(),
            labels: Labels::from_pairs([("alertname", name), ("id", fingerprint)]),
            annotations: Labels::empty(),
            state: AlertState::Firing,
            starts_at: Timestamp(0),
            ends_at: None,
            updated_at: Timestamp(0),
            value: None,
            generator_url: String::new(),
            slo_id: None,
            receivers: vec![],
            silenced_by: vec![],
            inhibited_by: vec![],
            muted_by: vec![],
            ack: None,
            ended_by: None,
            notes: vec![],
            false_positive: None,
            next_step: String::new(),
            runbook_url: String::new(),
            why: vec![],
        }
    }

    #[test]
    fn an_alert_is_meant_by_name_or_by_the_beginning_of_its_fingerprint() {
        let alerts = ["abcd000000000001", "abcd000000000002", "beef000000000003"];
        let names = ["High", "High", "beef"];
        let all = || alerts.iter().zip(names).map(|(f, name)| alert(f, name)).collect::<Vec<_>>();
        let check = |meant: &str, want: Result<&str, &str>| match (choose(all(), meant), want) {
            (Ok(alert), Ok(fingerprint)) => assert_eq!(alert.fingerprint, fingerprint, "{meant}"),
            (Err(failure), Err(part)) => {
                assert!(failure.to_string().contains(part), "{meant}: {failure}");
                assert_eq!(
                    format!("{:?}", failure.exit_code()),
                    format!("{:?}", std::process::ExitCode::from(2))
                );
            }
            (got, want) => panic!("{meant}: {got:?} instead of {want:?}"),
        };
        check("abcd000000000001", Ok(alerts[0]));
        check("ABCD000000000002", Ok(alerts[1]));
        check("beef", Ok(alerts[2]));
        check("beef00", Ok(alerts[2]));
        check("High", Err("could be 2 alerts"));
        check("abcd", Err("abcd000000000002  firing"));
        check("abc", Err("no alert \"abc\" is active"));
        check("Low", Err("bellwether explain Low"));
    }
}
