//! What the reader of `alertmanager.yml` finds in a whole configuration.

use bellwether_diag::Severity;

use crate::check::found_by_the_reader as run;
use crate::{Area, Check};

pub(crate) static BROAD_INHIBITION: Check = Check {
    id: "broad-inhibition",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "an inhibition that keeps everything else quiet",
    why: "Without labels that must be equal, one alert keeps the targets of every service, cluster and tenant quiet. If one \
          side has no matchers either, any alert does.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: team}\nreceivers:\n- name: team\n  webhook_configs: [{url: 'http://hook.example.org/'}]\n\
         inhibit_rules:\n- source_matchers: [severity=\"page\"]\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: team}\nreceivers:\n- name: team\n  webhook_configs: [{url: 'http://hook.example.org/'}]\n\
         inhibit_rules:\n- source_matchers: [severity=\"page\"]\n  target_matchers: [severity=\"ticket\"]\n  equal: \
         [service]\n",
    )],
    run,
};

pub(crate) static IDLE_INHIBITION: Check = Check {
    id: "idle-inhibition",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "an inhibition that can never keep anything quiet",
    why: "An alert that matches both sides is not inhibited by another such alert, and a label that must be equal but is \
          fixed to two values never is: the rule does nothing.",
    wrong: &[],
    right: &[],
    run,
};

pub(crate) static GLOB_IN_MATCH: Check = Check {
    id: "glob-in-match",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "an asterisk in a matcher that compares literally",
    why: "`match` compares whole values: an alert would have to be called `Api*`, asterisk included. Patterns are regular \
          expressions, in `match_re` or behind `=~`.",
    wrong: &[],
    right: &[],
    run,
};

pub(crate) static DOUBTFUL_MATCHER: Check = Check {
    id: "doubtful-matcher",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "a matcher that old and new readers understand differently",
    why: "Alertmanager has two readers of matchers, and which of them is asked depends on the text and on its version. \
          Values in double quotes mean the same to both.",
    wrong: &[],
    right: &[],
    run,
};

pub(crate) static SHORT_REPEAT: Check = Check {
    id: "short-repeat",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "a group repeated sooner than it is looked at",
    why: "A group is looked at every `group_interval`; a `repeat_interval` below it cannot be kept, and the group is told \
          at every look.",
    wrong: &[],
    right: &[],
    run,
};

pub(crate) static UNUSED_RECEIVER: Check = Check {
    id: "unused-receiver",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "a receiver that no route names",
    why: "Somebody was meant to be told. Either the route that names them was forgotten or misspelt, or the receiver can go.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: team}\nreceivers: [{name: team}, {name: night-shift}]\n",
    )],
    right: &[("alertmanager.yml", "route: {receiver: team}\nreceivers: [{name: team}]\n")],
    run,
};

pub(crate) static UNUSED_TIME_INTERVAL: Check = Check {
    id: "unused-time-interval",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "a time interval that no route names",
    why: "Nothing is muted or active in it: the route that should name it was forgotten or misspelt, or the interval can go.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: team}\nreceivers: [{name: team}]\ntime_intervals:\n- name: weekend\n  time_intervals: \
         [{weekdays: [saturday, sunday]}]\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route:\n  receiver: team\n  routes: [{receiver: team, matchers: [severity=\"ticket\"], mute_time_intervals: [weekend]}]\n\
         receivers: [{name: team}]\ntime_intervals:\n- name: weekend\n  time_intervals: [{weekdays: [saturday, sunday]}]\n",
    )],
    run,
};

pub(crate) static NO_EFFECT: Check = Check {
    id: "no-effect",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "a section about Alertmanager's own process",
    why: "Traces and events of Alertmanager's own work belong to its process; Bellwether reads the section, so that the file \
          can be used with both, and does nothing with it.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: team}\nreceivers: [{name: team}]\ntracing: {endpoint: 'traces.example.org:4317'}\n",
    )],
    right: &[("alertmanager.yml", "route: {receiver: team}\nreceivers: [{name: team}]\n")],
    run,
};

pub(crate) static NOT_SUPPORTED_YET: Check = Check {
    id: "not-supported-yet",
    area: Area::Alertmanager,
    severity: Severity::Error,
    title: "a setting of Alertmanager that Bellwether does not have",
    why: "Alertmanager takes it; Bellwether cannot do it yet, and refuses rather than sending messages without it. The help \
          says what can be written instead.",
    wrong: &[],
    right: &[],
    run,
};
