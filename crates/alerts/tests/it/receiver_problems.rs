//! What a kind of receiver cannot do without is said with the remedy, and its templates are checked where they stand.

use bellwether_diag::{Diagnostics, Sources};

use crate::receiver_kinds::{FAILING, yaml};

fn problems(integration: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("am.yml", yaml(integration));
    let _ = bellwether_alerts::Config::read(&sources, file, &mut out);
    out.iter().map(bellwether_diag::Diagnostic::sentence).collect()
}

#[test]
fn what_a_kind_cannot_do_without_is_said_with_the_remedy() {
    let check = |integration: &str, want: &[&str]| assert_eq!(problems(integration), want, "{integration}");
    check(
        "email_configs: [{smarthost: 'mail.example', headers: {X-A: '1', x-a: '2', Bcc: b@x.example}}]",
        &[
            "to is missing; write the address to send to",
            "no sender; write from here, or smtp_from under global",
            "smarthost \"mail.example\" is not a host and a port; write both, such as mail.example.org:587",
            "header X-A is written twice; remove one of them",
            "header Bcc is left out: everyone could read it; write the address in to, and in headers a To without it",
        ],
    );
    check(
        "email_configs: [{to: ann, from: b@x.example, smarthost: 'm.example:25', hello: 'a b', headers: {References: r}, threading: {enabled: true, thread_by_date: weekly}}]",
        &[
            "\"ann\" is no mail address: it has no @",
            "hello is no name of a host; write one without spaces",
            "threading writes the header References, and so do the headers here; remove one of them",
            "thread_by_date must be none or daily; write one of the two",
        ],
    );
    check(
        "discord_configs: [{}]",
        &["no address: webhook_url is missing; write webhook_url or webhook_url_file"],
    );
    check(
        "telegram_configs: [{parse_mode: html}]",
        &[
            "bot_token is missing; write bot_token or bot_token_file here, or telegram_bot_token under global",
            "chat_id is missing; write chat_id or chat_id_file",
            "unknown parse_mode \"html\"; write HTML, Markdown, MarkdownV2 or \"\"",
        ],
    );
    check(
        "ntfy_configs: [{url: ntfy.sh, actions: [{label: a}]}]",
        &[
            "topic is missing; write topic or topic_file",
            "url is not a web address; write a whole address, beginning with https:// or http://",
            "url is missing",
        ],
    );
    check(
        "victorops_configs: [{api_key: k, custom_fields: {entity_id: x}}]",
        &[
            "routing_key is missing; write the key of the team to wake",
            "entity_id is a field of every message, not a custom one; write it beside custom_fields, or give this one another name",
        ],
    );
    check(
        "pushover_configs: [{user_key: u, html: true, monospace: true}]",
        &[
            "token is missing; write token or token_file",
            "a message is html or monospace, not both; remove one of them",
        ],
    );
    check(
        "webex_configs: [{}]",
        &[
            "room_id is missing; write the id of the room",
            "no token of a bot; write http_config: {authorization: {credentials_file: FILE}}",
        ],
    );
    check(
        "wechat_configs: [{message_type: news}]",
        &[
            "api_secret is missing; write api_secret or api_secret_file here, or wechat_api_secret under global",
            "corp_id is missing; write corp_id here, or wechat_api_corp_id under global",
            "unknown message_type \"news\"; write text or markdown",
        ],
    );
    check(
        "jira_configs: [{api_type: server}]",
        &[
            "no address of Jira; write api_url here, or jira_api_url under global",
            "project is missing; write the key of the project",
            "issue_type is missing; write one such as Bug",
            "unknown api_type \"server\"; write auto, cloud or datacenter",
        ],
    );
    check(
        "sns_configs: [{topic_arn: a, phone_number: b, sigv4: {access_key: a}}]",
        &[
            "more than one target; write exactly one of topic_arn, target_arn, phone_number",
            "a key without its other half; write both access_key and secret_key, or neither",
        ],
    );
}

#[test]
fn templates_of_every_kind_are_checked_where_they_stand() {
    for (field, integration) in FAILING {
        let text = yaml(&integration.replace('F', &format!("{field}: '{{{{ nosuch }}}}'")));
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add("am.yml", text);
        let documents = bellwether_diag::yaml::parse(&sources, file, &mut out);
        let texts = bellwether_alerts::MessageTexts::find(&documents[0]);
        texts.check(bellwether_alerts::TemplateFiles { files: &[], is_complete: true }, &sources, &mut out);
        let said: Vec<_> = out.iter().map(bellwether_diag::Diagnostic::sentence).collect();
        assert!(said.iter().any(|s| s.contains("nosuch")), "{integration}: {said:?}");
    }
}
