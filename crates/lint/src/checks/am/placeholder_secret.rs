//! An address, key or password that somebody was meant to fill in.

use bellwether_diag::Severity;
use bellwether_diag::yaml::{Node, Value};

use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "placeholder-secret",
    area: Area::Alertmanager,
    severity: Severity::Error,
    title: "a placeholder stands where an address or a key belongs",
    why: "With `YOUR_KEY` in place of a key nobody is told, and that is noticed in the first outage. Alertmanager does not \
          read environment variables either. Keep secrets in files of their own (`api_url_file`, `routing_key_file`, \
          `smtp_auth_password_file`), which a deployment can check for.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: pager}\nreceivers:\n- name: pager\n  pagerduty_configs:\n  - routing_key: YOUR_ROUTING_KEY\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: pager}\nreceivers:\n- name: pager\n  pagerduty_configs:\n  - routing_key_file: \
         /etc/alertmanager/pagerduty.key\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for routing in &setup.routings {
        routing.global.iter().for_each(|node| look(node, report));
        for receiver in &routing.receivers {
            receiver.integrations.iter().for_each(|integration| look(&integration.node, report));
        }
    }
}

fn look(node: &Node, report: &mut Report) {
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| look(item, report)),
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let (Some(field), Some(text)) = (key.as_text(), value.as_text()) else {
                    look(value, report);
                    continue;
                };
                if is_secret(field) && is_placeholder(text) {
                    report
                        .find(value.span, format!("{field} is a placeholder: nobody is told by this"))
                        .help(format!("put the real one into a file, and name it in {field}_file"));
                }
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}

/// Whether a field holds something that only its owner knows.
fn is_secret(field: &str) -> bool {
    let ends = ["url", "key", "token", "password", "secret", "credentials", "user_key", "chat_id", "id"];
    ends.iter().any(|end| field == *end || field.strip_suffix(end).is_some_and(|rest| rest.ends_with('_')))
}

/// Whether a value says itself that it is none.
pub(super) fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let is_word = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let is_template = text.contains("{{");
    let is_asking = is_word(&["your", "changeme", "placeholder", "todo", "fixme", "insert", "redacted"])
        || lower.contains("replace_me")
        || lower.contains("replace-me")
        || lower.contains("change_me")
        || lower.contains("change-me");
    let is_crossed_out = words.iter().any(|word| word.len() >= 4 && word.bytes().all(|byte| byte == b'x'));
    let is_cut_short = text.ends_with("...") || text.ends_with('…');
    let is_bracketed = text.starts_with('<') && text.ends_with('>') && text.len() > 2;
    !is_template && (is_asking || is_crossed_out || is_cut_short || is_bracketed)
}
