//! What must not be seen is seen nowhere: not in a log, not in JSON, not in the text that pages and the API show.

use bellwether_alerts::{Config, IntegrationKind};
use bellwether_diag::{Diagnostics, FileId, Sources, Style};

/// Every kind of receiver, and every place in which a secret may stand. Each is a text with SECRET in it.
const EVERYTHING: &str = r#"
# the webhook before: https://hooks.example/SECRET-of-yesterday
x: &anchor SECRET-anchor
global:
  slack_app_token: SECRET-global-slack
  smtp_smarthost: mail.example:587
  smtp_from: alerts@example.org
  smtp_auth_username: alerts
  smtp_auth_password: SECRET-global-smtp # it was SECRET-before
  opsgenie_api_key: SECRET-global-opsgenie
  victorops_api_key: SECRET-global-victorops
  wechat_api_secret: SECRET-global-wechat
  wechat_api_corp_id: corp
  telegram_bot_token: SECRET-global-telegram
  rocketchat_token: SECRET-global-rocketchat
  rocketchat_token_id: SECRET-global-rocketchat-id
  mattermost_webhook_url: https://mattermost.example/SECRET-global
  jira_api_url: https://jira.example/
  http_config:
    oauth2:
      client_id: us
      client_secret: SECRET-oauth2
      token_url: https://login.example/token?key=SECRET-token-url
      endpoint_params: {api_key: SECRET-param}
      proxy_url: http://user:SECRET-proxy@proxy.example:3128
    proxy_url: http://user:SECRET-proxy@proxy.example:3128
    proxy_connect_header: {X-Proxy: [SECRET-proxy-header]}
    http_headers: {X-Key: {values: [SECRET-value], secrets: [SECRET-secret], files: [/etc/shown-header]}}
    tls_config: {cert: SHOWN-cert, key: "SECRET-key #1"}
route: {receiver: all}
receivers:
- name: all
  discord_configs: [{webhook_url: 'https://discord.example/SECRET-discord'}]
  email_configs: [{to: a@example.org, auth_secret: SECRET-mail-secret, auth_password: SECRET-mail}]
  incidentio_configs: [{url: 'https://incident.example/x', alert_source_token: SECRET-incidentio}]
  jira_configs:
  - {project: OPS, issue_type: Bug, http_config: {basic_auth: {username: u, password: SECRET-jira}}}
  mattermost_configs: [{channel: c}]
  msteams_configs: [{webhook_url: 'https://teams.example/SECRET-teams'}]
  msteamsv2_configs: [{webhook_url: 'https://teams.example/SECRET-teams2'}]
  ntfy_configs: [{url: 'https://ntfy.example/', topic: SECRET-topic, token: SECRET-ntfy}]
  opsgenie_configs: [{api_key: SECRET-opsgenie}]
  pagerduty_configs: [{routing_key: SECRET-pagerduty}, {service_key: SECRET-pagerduty1}]
  pushover_configs: [{user_key: SECRET-user, token: SECRET-pushover}]
  rocketchat_configs: [{channel: c, token: SECRET-rocket, token_id: SECRET-rocket-id}]
  slack_configs:
  - {channel: '#shown', api_url: 'https://hooks.example/SECRET-slack', http_config: {}}
  - {channel: '#shown', app_token: SECRET-app, http_config: {}}
  sns_configs:
  - topic_arn: arn:aws:sns:eu-west-1:1:x
    sigv4: {region: eu-west-1, access_key: AKIA, secret_key: SECRET-aws}
  telegram_configs: [{chat_id: 1, bot_token: SECRET-telegram}]
  victorops_configs: [{routing_key: r, api_key: SECRET-victorops}]
  webex_configs: [{room_id: r, http_config: {authorization: {credentials: SECRET-webex}}}]
  webhook_configs:
  - url: 'https://hook.example/SECRET-webhook'
    signing_secret: |
      SECRET-lines # and more
      SECRET-second
    http_config: {bearer_token: SECRET-bearer}
  - {url: 'https://hook.example/SECRET2', http_config: {bearer_token: *anchor}}
  wechat_configs: [{api_secret: SECRET-wechat, corp_id: c}]
"#;

fn read(yaml: &str) -> (Config, Sources, FileId) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("am.yml", yaml);
    let config = Config::read(&sources, file, &mut out);
    let config = config.unwrap_or_else(|| panic!("{}", out.render(&sources, Style { color: false })));
    (config, sources, file)
}

#[test]
fn no_secret_of_any_kind_of_receiver_is_seen() {
    // A field of its own, so that an anchor has a place: unknown fields are errors.
    let yaml = EVERYTHING.replace("x: &anchor SECRET-anchor", "templates: [&anchor SECRET-anchor]");
    let (config, sources, file) = read(&yaml);
    for kind in IntegrationKind::ALL {
        let is_there = config.integrations().iter().any(|id| id.kind == kind);
        assert!(is_there, "{kind:?} is not in this test");
    }
    let redacted = config.redacted_text(&sources, file);
    // That the anchor's text is a secret only the alias says; the list of template files keeps it.
    let listed = Config { templates: Vec::new(), ..config.clone() };
    for shown in [format!("{listed:?}"), serde_json::to_string(&listed).unwrap(), redacted.clone()] {
        let at = shown
            .find("SECRET")
            .map(|at| shown[at.saturating_sub(80)..].chars().take(160).collect::<String>());
        assert_eq!(at, None);
        assert!(shown.contains("<secret>"));
    }
    for shown in ["'#shown'", "SHOWN-cert", "/etc/shown-header", "topic_arn: arn:aws:sns:eu-west-1:1:x"] {
        assert!(redacted.contains(shown), "{shown} in\n{redacted}");
    }
    read(&redacted.replace("<secret>", "https://shown.example/"));
}

#[test]
fn a_hash_in_a_value_is_no_comment() {
    let yaml = "route: {receiver: 'a # b'} # gone\nreceivers:\n- name: 'a # b'\n  slack_configs:\n  # gone\n  - {api_url: 'https://h.example/x', channel: '#c', text: a#b}\n";
    let (config, sources, file) = read(yaml);
    assert_eq!(
        config.redacted_text(&sources, file),
        "route: {receiver: 'a # b'}\nreceivers:\n- name: 'a # b'\n  slack_configs:\n  - {api_url: <secret>, channel: '#c', text: a#b}\n"
    );
}
