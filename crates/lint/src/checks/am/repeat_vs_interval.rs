//! Repeats and looks at a group that do not fit together.

use bellwether_diag::{Severity, Spanned};
use bellwether_model::TimeDelta;

use super::placed;
use crate::setup::routing::Route;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "repeat-vs-interval",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "repeats do not fit how often a group is looked at",
    why: "A group is looked at once in a `group_interval`; only then can a message be repeated. A `repeat_interval` that \
          is shorter, or no multiple of it, is rounded up to the next look. A `group_interval` of a few seconds turns \
          every alert that joins or leaves a group into a message of its own, which is what grouping is to prevent.",
    wrong: &[("alertmanager.yml", "route:\n  receiver: chat\n  group_interval: 5m\n  repeat_interval: 1m\n")],
    right: &[("alertmanager.yml", "route:\n  receiver: chat\n  group_interval: 5m\n  repeat_interval: 4h\n")],
    run,
};

const SECOND: i64 = 1000;

/// Alertmanager's own.
const GROUP_INTERVAL_DEFAULT_MS: i64 = 5 * 60 * SECOND;
const REPEAT_INTERVAL_DEFAULT_MS: i64 = 4 * 3600 * SECOND;

/// `--data.retention` unless it is set.
const RETENTION_MS: i64 = 120 * 3600 * SECOND;

/// Rules are evaluated every 15 seconds to a minute; a group looked at more often than twice a minute gathers nothing.
const GROUP_INTERVAL_LEAST_MS: i64 = 30 * SECOND;

fn run(setup: &Setup, report: &mut Report) {
    for routing in &setup.routings {
        for place in placed(routing) {
            let (route, way): (_, Vec<&Route>) = (place.route, place.way().collect());
            let group = in_force(&way, |route| route.group_interval.as_ref(), GROUP_INTERVAL_DEFAULT_MS);
            let repeat = in_force(&way, |route| route.repeat_interval.as_ref(), REPEAT_INTERVAL_DEFAULT_MS);
            if let Some(written) = route.repeat_interval.as_ref().or(route.group_interval.as_ref()) {
                compare(written, group, repeat, report);
            }
            if let Some(written) = &route.repeat_interval
                && written.value.as_millis() > RETENTION_MS
            {
                let message = format!(
                    "repeat_interval {} is longer than Alertmanager remembers whom it told (120h): it repeats after that",
                    written.value
                );
                report
                    .find(written.span, message)
                    .help("write 120h or less, or start it with a longer --data.retention")
                    .severity(Severity::Note);
            }
            if let Some(written) = &route.group_interval
                && written.value.as_millis() < GROUP_INTERVAL_LEAST_MS
                && written.value.as_millis() > 0
            {
                let message = format!(
                    "with a group_interval of {} every alert that joins or leaves a group is a message of its own",
                    written.value
                );
                report
                    .find(written.span, message)
                    .help("write 1m or more; 5m is usual")
                    .severity(Severity::Note);
            }
        }
    }
}

fn compare(written: &Spanned<TimeDelta>, group: i64, repeat: i64, report: &mut Report) {
    if group <= 0 || repeat <= 0 || repeat % group == 0 {
        return;
    }
    let (group_said, repeat_said) = (TimeDelta::from_millis(group), TimeDelta::from_millis(repeat));
    let next = TimeDelta::from_millis((repeat / group + 1) * group);
    let (message, severity) = match repeat < group {
        true => (
            format!(
                "repeat_interval {repeat_said} is shorter than group_interval {group_said}: it repeats after {next}"
            ),
            Severity::Warning,
        ),
        false => (
            format!(
                "repeat_interval {repeat_said} is no multiple of group_interval {group_said}: it repeats after {next}"
            ),
            Severity::Note,
        ),
    };
    report
        .find(written.span, message)
        .help(format!("write {next}, which is what happens, or let the group be looked at more often"))
        .severity(severity);
}

fn in_force(way: &[&Route], of: impl Fn(&Route) -> Option<&Spanned<TimeDelta>>, usual: i64) -> i64 {
    way.iter().find_map(|route| of(route)).map_or(usual, |written| written.value.as_millis())
}
