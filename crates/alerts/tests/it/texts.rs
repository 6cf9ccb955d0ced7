//! Texts of `alertmanager.yml` that are templates: what is wrong with them is found before a message is lost to it.

use bellwether_alerts::{MessageTexts, TemplateFiles};
use bellwether_diag::{Diagnostics, Sources, yaml};

/// The problems of a configuration and its template files, each as `file:line:column: sentence`.
fn problems(config: &str, files: &[(&str, &str)], is_complete: bool) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("am.yml", config);
    let documents = yaml::parse(&sources, file, &mut out);
    let read: Vec<_> = files.iter().map(|(name, text)| sources.add(*name, *text)).collect();
    let read = TemplateFiles { files: &read, is_complete };
    MessageTexts::find(&documents[0]).check(read, &sources, &mut out);
    let line = |d: &bellwether_diag::Diagnostic| {
        let span = d.span.expect("every problem has a place");
        let at = sources.position(span);
        format!("{}:{}:{}: {}", sources.name(span.file), at.line, at.column, d.sentence())
    };
    out.iter().map(line).collect()
}

fn check(config: &str, files: &[(&str, &str)], want: &[&str]) {
    assert_eq!(problems(config, files, true), want, "in\n{config}");
}

#[test]
fn a_misspelt_function_is_reported_inside_its_scalar_in_every_notation() {
    let lenght = "function \"lenght\" is not defined; did you mean len?";
    for notation in [
        "title: '{{ .Alerts | lenght }}'",
        "title: 'it''s {{ .Alerts | lenght }}'",
        "title: \"\\u00e4 {{ .Alerts | lenght }}\"",
        "title: ä {{ .Alerts | lenght }}",
        "title: |\n        two\n        {{ .Alerts | lenght }}",
        "title: >-\n        folded\n        {{ .Alerts | lenght }}",
    ] {
        let config = format!("receivers:\n- name: a\n  slack_configs:\n    - {notation}\n");
        let before = config.split("lenght").next().unwrap();
        let (line, column) = (before.lines().count(), before.lines().last().unwrap().chars().count() + 1);
        check(&config, &[], &[&format!("am.yml:{line}:{column}: {lenght}")]);
    }
}

#[test]
fn every_text_of_a_receiver_and_a_route_is_checked() {
    for place in [
        "callback_id: TEXT",
        "channel: TEXT",
        "color: TEXT",
        "fallback: TEXT",
        "footer: TEXT",
        "icon_emoji: TEXT",
        "icon_url: TEXT",
        "image_url: TEXT",
        "message_text: TEXT",
        "pretext: TEXT",
        "text: TEXT",
        "thumb_url: TEXT",
        "title: TEXT",
        "title_link: TEXT",
        "username: TEXT",
        "fields: [{title: TEXT, value: x}]",
        "fields: [{title: x, value: y}, {title: x, value: TEXT}]",
        "actions: [{type: TEXT}]",
        "actions: [{text: TEXT}]",
        "actions: [{url: TEXT}]",
        "actions: [{style: TEXT}]",
        "actions: [{name: TEXT}]",
        "actions: [{value: TEXT}]",
        "actions: [{confirm: {text: TEXT}}]",
        "actions: [{confirm: {title: TEXT}}]",
        "actions: [{confirm: {ok_text: TEXT}}]",
        "actions: [{confirm: {dismiss_text: TEXT}}]",
    ] {
        let field = place.replace("TEXT", "'{{ nosuch }}'");
        let config = format!("receivers: [{{name: a, slack_configs: [{{{field}}}]}}]");
        assert_eq!(problems(&config, &[], true).len(), 1, "{config}");
    }
    check(
        "route: {labels: {a: '{{ nosuch }}'}, routes: [{labels: {b: '{{ routeLabels }'}}]}",
        &[],
        &[
            "am.yml:1:25: function \"nosuch\" is not defined",
            "am.yml:1:76: unexpected '}' in an action",
            "am.yml:1:77: this action is never closed; write }}",
        ],
    );
}

const CALLS: &str = "receivers: [{name: a, slack_configs: [{title: '{{ template \"team.title\" . }}',
  text: '{{ template \"slack.default.txt\" . }} {{ nosuch }}'}]}]";

#[test]
fn texts_and_files_may_call_what_any_file_defines_and_nothing_else() {
    let title = ("team.tmpl", "{{ define \"team.title\" }}{{ template \"team.state\" . }}{{ end }}");
    let state = ("t/z.tmpl", "{{ define \"team.state\" }}x{{ end }}");
    let text = [
        "am.yml:2:22: template \"slack.default.txt\" is not defined; did you mean \"slack.default.text\"?",
        "am.yml:2:50: function \"nosuch\" is not defined",
    ];
    check(CALLS, &[title, state], &text);
    check(
        CALLS,
        &[title],
        &[
            &text[..],
            &["team.tmpl:1:38: template \"team.state\" is not defined; did you mean \"team.title\"?"],
        ]
        .concat(),
    );
    check(CALLS, &[], &[&["am.yml:1:60: template \"team.title\" is not defined"], &text[..]].concat());
    assert_eq!(problems(CALLS, &[], false), [text[1]], "another file may define them");
    let calls = CALLS.replace("team.title", "z.tmpl");
    check(&calls, &[("t/z.tmpl", "whole")], &text);
}

#[test]
fn what_a_broken_file_would_define_is_not_reported_again_where_it_is_called() {
    let broken = ("team.tmpl", "{{ define \"team.title\" }}\n ä{{ .Alerts | lenght }}{{ end }}\n{{ if }}");
    let found = problems(CALLS, &[broken], true);
    assert_eq!(found.iter().filter(|line| line.starts_with("am.yml:")).count(), 2, "{found:#?}");
    assert_eq!(
        found[2..],
        [
            "team.tmpl:2:16: function \"lenght\" is not defined; did you mean len?",
            "team.tmpl:3:1: this if is never ended; add {{ end }}",
            "team.tmpl:3:7: missing value for if",
        ]
    );
}

#[test]
fn what_is_no_text_is_left_to_the_reader_of_the_configuration() {
    for config in
        ["[]", "receivers: 1", "receivers: [1, {slack_configs: {a: b}}]", "route: [1]", "templates: x"]
    {
        check(config, &[], &[]);
    }
}
