//! What routing shows on a busy night: alerts that are taken, given up, ended by hand, inhibited, muted; silences that
//! end soon; messages with their attempts; receivers that fail; figures.

use bellwether_model::{Labels, Matcher, TimeDelta};
use bellwether_web::App;
use bellwether_web::view::*;

use crate::fake::{Fake, NOW, ago, alert, labels};

const SOON: &str = "6b1f0e9c-0000-4000-8000-000000000011";

/// A hostile text: whoever shows it unescaped runs it.
const HOSTILE: &str = "<script>alert(2)</script>";

pub(crate) fn more_alerts() -> Vec<AlertView> {
    let mut lapsed = alert("00000000000000b1", "PaymentsSlow", "page", None, 7200);
    lapsed.ack = Some(AckView {
        by: "kim".to_owned(),
        at: ago(6000),
        until: Some(ago(720)),
        note: "looking at the queue".to_owned(),
    });
    let mut timed = alert("00000000000000b2", "CheckoutErrors", "critical", None, 5400);
    timed.ack = Some(AckView {
        by: format!("ana {HOSTILE}"),
        at: ago(3000),
        until: Some(NOW + TimeDelta::HOUR),
        note: format!("rolled back {HOSTILE}"),
    });
    timed.notes = vec![
        NoteView {
            by: "ana".to_owned(),
            at: ago(2900),
            text: format!("release 41 went out at 01:20\nrolled back to 40 {HOSTILE}"),
        },
        NoteView { by: "kim".to_owned(), at: ago(600), text: "errors fall since 02:10".to_owned() },
    ];
    timed.false_positive = Some(false);
    let mut ended = alert("00000000000000b3", "CacheCold", "warning", None, 4000);
    (ended.state, ended.ends_at, ended.ended_by) =
        (AlertState::Resolved, Some(ago(300)), Some("sam".to_owned()));
    ended.false_positive = Some(true);
    let mut inhibited = alert("00000000000000b4", "PodNotReady", "warning", None, 240);
    inhibited.inhibited_by = vec!["00000000000000b2".to_owned()];
    inhibited.why.push(stop("inhibit", "CheckoutErrors of the same service fires"));
    let mut muted = alert("00000000000000b5", "BatchLate", "info", None, 9000);
    muted.muted_by = vec!["weekends".to_owned()];
    muted.why.push(stop("mute", "muted by the time interval weekends until Monday"));
    let mut hidden = alert("00000000000000b6", "DiskSlow", "warning", None, 3000);
    hidden.silenced_by = vec![SOON.to_owned()];
    hidden.why.push(stop("silence", "hidden by a silence of kim's until 02:37"));
    let instances = (0..40).map(|n| {
        let fingerprint = format!("00000000000001{n:02x}");
        let mut alert = alert(&fingerprint, "InstanceDown", "warning", None, 1800 - n * 7);
        alert.labels = alert.labels.with("instance", &format!("10.0.1.{n}:9100"));
        alert.receivers = vec!["team-slack".to_owned()];
        alert.slo_id = None;
        alert
    });
    let mut all = vec![lapsed, timed, ended, inhibited, muted, hidden];
    all.extend(instances);
    all
}

fn stop(stage: &str, text: &str) -> WhyStep {
    WhyStep { stage: stage.to_owned(), text: text.to_owned(), passed: false }
}

/// What people did since.
pub(crate) fn apply(action: &NewAction, alerts: &mut [AlertView]) {
    let is_meant = |alert: &&mut AlertView| match &action.subject {
        ActionSubject::Alert(fingerprint) => alert.fingerprint == *fingerprint,
        ActionSubject::Group(_) => alert.receivers.iter().any(|name| name == "team-slack"),
    };
    for alert in alerts.iter_mut().filter(is_meant) {
        match action.deed {
            ActionDeed::Acknowledge { until } => {
                let (by, note) = (action.by.clone(), action.note.clone());
                alert.ack = Some(AckView { by, at: NOW, until, note });
            }
            ActionDeed::Unacknowledge => alert.ack = None,
            ActionDeed::Resolve => {
                (alert.state, alert.ends_at, alert.ended_by) =
                    (AlertState::Resolved, Some(NOW), Some(action.by.clone()));
            }
            ActionDeed::Note => {
                let (by, text) = (action.by.clone(), action.note.clone());
                alert.notes.push(NoteView { by, at: NOW, text });
            }
            ActionDeed::FalsePositive => alert.false_positive = Some(true),
            ActionDeed::Real => alert.false_positive = Some(false),
        }
    }
}

pub(crate) fn large_group(alerts: Vec<AlertView>) -> AlertGroupView {
    AlertGroupView {
        key: "{}:{alertname=\"InstanceDown\"}".to_owned(),
        receiver: "team-slack".to_owned(),
        route: "root".to_owned(),
        labels: labels(&[("alertname", "InstanceDown")]),
        alerts: alerts.into_iter().filter(|a| a.labels.get("alertname") == Some("InstanceDown")).collect(),
        notified_at: None,
        next_at: Some(NOW + TimeDelta::from_secs(20)),
        acked_by: vec!["<i>ann".to_owned()],
        next_repeat_at: None,
    }
}

pub(crate) fn more_silences() -> Vec<SilenceView> {
    let silence = |id: &str, state, name: &str, ends_at, hidden_alerts| SilenceView {
        id: id.to_owned(),
        matchers: vec![Matcher::equal("alertname", name), Matcher::equal("zone", "<b>eu</b>")],
        starts_at: if state == SilenceState::Pending { NOW + TimeDelta::HOUR } else { ago(3600) },
        ends_at,
        updated_at: ago(3600),
        created_by: "kim".to_owned(),
        comment: format!("the array is being rebuilt {HOSTILE}"),
        annotations: [("ticket".to_owned(), format!("OPS-7 {HOSTILE}"))].into(),
        state,
        hidden_alerts,
    };
    let later = "6b1f0e9c-0000-4000-8000-000000000012";
    vec![
        silence(SOON, SilenceState::Active, "DiskSlow", NOW + TimeDelta::from_secs(720), 1),
        silence(later, SilenceState::Pending, "BatchLate", NOW + TimeDelta::HOUR * 3, 0),
    ]
}

/// Enough for several pages, several of them decided at one moment.
pub(crate) fn older_deliveries() -> Vec<DeliveryView> {
    (0..130).map(|n| message(&format!("old{n}"), ago(3600 + n / 3 * 60))).collect()
}

fn message(id: &str, decided_at: bellwether_model::Timestamp) -> DeliveryView {
    DeliveryView {
        id: id.to_owned(),
        decided_at,
        receiver: "oncall".to_owned(),
        integration: "pagerduty[0]".to_owned(),
        group_labels: labels(&[("service", "movieguru"), ("note", HOSTILE)]),
        reason: "Repeat".to_owned(),
        why: "nothing changed for 4 h".to_owned(),
        firing: 1,
        resolved: 0,
        outcome: DeliveryOutcome::Delivered,
        attempts: 1,
        attempted_at: Some(decided_at),
        next_attempt_at: None,
        detail: format!("202 Accepted {HOSTILE}"),
    }
}

pub(crate) fn delivery(id: &str) -> Result<DeliveryDetail, Refused> {
    let attempt = |attempt, seconds, status, accepted, detail: &str| AttemptView {
        attempt,
        at: ago(seconds),
        reason: if attempt == 1 { "First" } else { "Retry" }.to_owned(),
        status,
        accepted,
        detail: detail.to_owned(),
    };
    let mut delivery = message(id, ago(240));
    let attempts = match id {
        "k2" => {
            (delivery.receiver, delivery.integration) = ("team-slack".to_owned(), "slack[0]".to_owned());
            delivery.outcome = DeliveryOutcome::Retrying;
            delivery.next_attempt_at = Some(NOW + TimeDelta::from_secs(40));
            delivery.detail = "429 Too Many Requests, Retry-After 30".to_owned();
            delivery.attempts = 3;
            vec![
                attempt(1, 239, None, false, "no connection within 5 s"),
                attempt(2, 180, Some(500), false, &format!("internal error {HOSTILE}")),
                attempt(3, 20, Some(429), false, "Too Many Requests, Retry-After 30"),
            ]
        }
        "k1" | "drill1" => vec![attempt(1, 239, Some(202), true, "202 Accepted, dedup key 4f2a")],
        id if id.starts_with("old") => vec![attempt(1, 239, Some(202), true, "202 Accepted")],
        other => return Err(Refused::NotFound(format!("no message has the id {other:?}"))),
    };
    let part = format!("{{\"text\":\"[FIRING:1] ChatLatencyBurn {HOSTILE}\",\"channel\":\"#oncall\"}}");
    Ok(DeliveryDetail {
        delivery,
        attempts,
        parts: vec![part, format!("a second part that is no JSON {HOSTILE}")],
        alerts: vec!["00000000000000a1".to_owned(), "00000000000000b2".to_owned()],
    })
}

pub(crate) fn receivers() -> Vec<ReceiverView> {
    let well = |name: &str| IntegrationHealthView {
        name: name.to_owned(),
        send_resolved: true,
        last_success_at: Some(ago(240)),
        failing: None,
        waiting: 0,
    };
    let failing = ReceiverFailing {
        receiver: "team-slack".to_owned(),
        since: ago(1240),
        reason: format!("429 Too Many Requests {HOSTILE}"),
    };
    let slack = IntegrationHealthView { failing: Some(failing), waiting: 2, ..well("slack[0]") };
    let mail = IntegrationHealthView { last_success_at: None, send_resolved: false, ..well("email[0]") };
    let receiver = |name: &str, integrations| ReceiverView { name: name.to_owned(), integrations };
    vec![
        receiver("oncall", vec![well("pagerduty[0]"), well("slack[0]")]),
        receiver("team-slack", vec![slack, mail]),
        receiver("blackhole", Vec::new()),
    ]
}

pub(crate) fn drill(receiver: Option<&str>) -> Result<Vec<DrillView>, Refused> {
    let result = |integration: &str, id: Option<&str>| DrillView {
        integration: integration.to_owned(),
        delivery: id.and_then(|id| delivery(id).ok()),
    };
    match receiver {
        Some("oncall") => Ok(vec![result("oncall/pagerduty[0]", Some("drill1"))]),
        None => Ok(vec![
            result("oncall/pagerduty[0]", Some("drill1")),
            result("team-slack/slack[0]", Some("k2")),
            result("team-slack/email[0]", None),
        ]),
        Some(other) => Err(Refused::NotFound(format!("no receiver is called {other:?}"))),
    }
}

pub(crate) fn routed(labels: &Labels) -> RoutedView {
    let route = |depth, matchers: &str, receiver: &str, taken, why: &str| RouteView {
        depth,
        matchers: matchers.to_owned(),
        receiver: receiver.to_owned(),
        group_by: "alertname, service".to_owned(),
        taken,
        why: why.to_owned(),
    };
    let is_page = labels.get("severity") == Some("page");
    let (taken, receiver) =
        if is_page { (RouteTaken::Ends, "oncall") } else { (RouteTaken::No, "team-slack") };
    let why =
        if is_page { String::new() } else { format!("severity is {:?}", labels.value_or_empty("severity")) };
    RoutedView {
        routes: vec![
            route(
                0,
                "default-route",
                "team-slack",
                if is_page { RouteTaken::Passes } else { RouteTaken::Ends },
                "",
            ),
            route(1, "team=\"payments\"", "payments", RouteTaken::No, "team is not there"),
            route(
                2,
                "severity=\"page\"",
                "payments-oncall",
                RouteTaken::NotReached,
                "the route above does not match",
            ),
            route(1, "severity=\"page\"", "oncall", taken, &why),
            route(
                1,
                "severity=~\"warning|ticket\"",
                "team-slack",
                RouteTaken::NotReached,
                "an earlier route took it and does not continue",
            ),
        ],
        receivers: vec![receiver.to_owned()],
        quiet: match labels.get("alertname") {
            Some("TargetDown") => vec![format!("a silence of sam's until 03:25 would hide it {HOSTILE}")],
            _ => Vec::new(),
        },
    }
}

pub(crate) fn explain(app: &Fake, what: &str) -> Vec<ExplanationView> {
    let step =
        |stage: &str, text: &str| WhyStep { stage: stage.to_owned(), text: text.to_owned(), passed: true };
    if what == "NeverFired" {
        return vec![ExplanationView {
            verdict: "it has never fired: rate(errors[5m]) is 0.2, and fires above 10".to_owned(),
            alert: None,
            steps: vec![stop("rule", &format!("rate(errors[5m]) > 10 gave nothing at 02:25:00 {HOSTILE}"))],
            routed: routed(&labels(&[("severity", "page")])),
            deliveries: Vec::new(),
            notes: Vec::new(),
            advice: vec![format!("look at the expression in Explore {HOSTILE}")],
        }];
    }
    let alerts = app.alerts();
    let is_it = |a: &&AlertView| a.fingerprint == what || a.labels.get("alertname") == Some(what);
    let explained = alerts.iter().filter(is_it).map(|alert| {
        let stopped = alert.why.iter().find(|step| !step.passed);
        let mut steps = vec![
            step("rule", "burn 60 over 5 m and 44.1 over 1 h, both above 14.4, at 02:20:43"),
            step("for", "held for 2 m, as asked"),
            step("route", "root / severity=\"page\", to oncall"),
            step(
                "group",
                "waited 10 s for others of service=\"movieguru\"; looked at again in 1 m, repeats after 4 h",
            ),
        ];
        steps.extend(stopped.cloned());
        let told = "oncall was told at 02:21:08, 25 s after it fired; team-slack was not: 429 since 02:04";
        if stopped.is_none() {
            steps.push(step("deliver", "oncall/pagerduty[0]: 202 at 02:21:09"));
            steps.push(stop("deliver", "team-slack/slack[0]: 429, again in 40 s"));
        }
        ExplanationView {
            verdict: stopped.map_or(told.to_owned(), |s| format!("nobody is told: {}", s.text)),
            alert: Some(alert.clone()),
            steps,
            routed: routed(&alert.labels),
            deliveries: ["k1", "k2"].iter().filter_map(|id| delivery(id).ok()).collect(),
            notes: alert.notes.clone(),
            advice: vec!["team-slack limits us: see its channel's app, or wait".to_owned()],
        }
    });
    explained.collect()
}

pub(crate) fn statistics(view: StatisticsView) -> StatisticsView {
    let minutes = |n: i64| Some(TimeDelta(TimeDelta::MINUTE.0 * n));
    let alert = |alertname: &str, severity: &str, fired: u64| AlertStatistics {
        alertname: alertname.to_owned(),
        severity: severity.to_owned(),
        fired,
        fired_per_day: fired as f64 / 30.0,
        ack_p50: minutes(3),
        ack_deadline: minutes(5),
        ack_in_time_ratio: Some(0.93),
        resolve_p50: minutes(41),
        ..AlertStatistics::default()
    };
    let receiver = |integration: &str, delivered| ReceiverStatistics {
        integration: integration.to_owned(),
        delivered,
        latency_p50: Some(TimeDelta(212)),
        latency_p99: Some(TimeDelta(1830)),
        ..ReceiverStatistics::default()
    };
    StatisticsView {
        alerts: vec![
            alert("ChatLatencyBurn", "page", 14),
            AlertStatistics {
                false_positives: 61,
                false_positive_ratio: Some(0.88),
                ack_p50: minutes(52),
                ack_in_time_ratio: Some(0.21),
                ack_deadline: minutes(30),
                never_acted_on: 148,
                ..alert(&format!("DiskFillsUp {HOSTILE}"), "warning", 211)
            },
            AlertStatistics {
                ack_p50: None,
                ack_deadline: None,
                ack_in_time_ratio: None,
                never_acted_on: 40,
                ..alert("DeploymentCompleted", "info", 40)
            },
        ],
        receivers: vec![
            receiver("oncall/pagerduty[0]", 96),
            ReceiverStatistics {
                failed: 2,
                attempts_failed: 371,
                latency_p99: Some(TimeDelta(1_240_000)),
                ..receiver("team-slack/slack[0]", 240)
            },
        ],
        ..view
    }
}
