//! A process that is not one: sample data in some moods, at one fixed moment, for the tests and the preview.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bellwether_model::{
    Alert, Labels, Matcher, PlainChunk, Sample, SeriesSource, SeriesView, SourceError, TimeDelta, TimeRange,
    Timestamp, matches_all,
};
use bellwether_slo::{
    BudgetAlertStatus, BudgetStatus, BurnAlertState, BurnAlertStatus, Correction, CorrectionEvent,
    CorrectionWish, Counts, Exhaustion, Fired, Forecast, Goal, HistoryPoint, Measurement, MemberStatus, Past,
    Period, PeriodStatus, Revocation, Share, SloStatus, StreamStatus, Stretch, Suggestion, TargetStatus,
    ThresholdAlertStatus, ThresholdStatus, Verdict, WhatIf, WindowStatus, forecast, suggest, what_if,
};
use bellwether_web::view::*;
use bellwether_web::{App, BoxFuture, Demo, Queries};
use tokio::sync::watch;

use crate::fake_routing;

/// 2026-11-21T02:25:08Z, a Saturday night.
pub(crate) const NOW: Timestamp = Timestamp(1_795_227_908_000);

/// The group of what burns.
pub(crate) const GROUP: &str = "{}/{severity=\"page\"}:{service=\"movieguru\"}";

/// What kind of night it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Burning,
    /// Burning, and with everything that routing and people can do to an alert.
    Busy,
    /// No objective burns, and alerts of rules fire.
    Paged,
    Healthy,
    Empty,
    Stale,
}

/// The fake process. What is changed through it is kept.
pub(crate) struct Fake {
    pub(crate) mood: Mood,
    pub(crate) changes: watch::Sender<u64>,
    pub(crate) acks: Mutex<BTreeMap<String, String>>,
    /// What people did to alerts.
    pub(crate) acted: Mutex<Vec<NewAction>>,
    /// What was asked for of corrections.
    pub(crate) corrections: Mutex<Vec<CorrectionEvent>>,
    pub(crate) added: Mutex<Vec<NewSilence>>,
    /// Which receivers were drilled, and by whom.
    pub(crate) drilled: Mutex<Vec<(Option<String>, String)>>,
    /// Alerts that were posted.
    pub(crate) posted: Mutex<Vec<Alert>>,
    pub(crate) phase: Mutex<String>,
    pub(crate) queries: Queries,
    /// Instead of the usual series.
    pub(crate) source: Option<Arc<dyn SeriesSource>>,
}

impl Fake {
    pub(crate) fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self::of(mood))
    }

    /// With bounds on queries, and perhaps another source of series.
    pub(crate) fn with(queries: Queries, source: Option<Arc<dyn SeriesSource>>) -> Arc<Self> {
        Arc::new(Self { queries, source, ..Self::of(Mood::Burning) })
    }

    fn of(mood: Mood) -> Self {
        Self {
            mood,
            changes: watch::Sender::new(7),
            acks: Mutex::default(),
            acted: Mutex::default(),
            added: Mutex::default(),
            drilled: Mutex::default(),
            posted: Mutex::default(),
            corrections: Mutex::default(),
            phase: Mutex::new("6".to_owned()),
            queries: Queries::default(),
            source: None,
        }
    }

    fn burns(&self) -> bool {
        matches!(self.mood, Mood::Burning | Mood::Busy)
    }

    fn is_empty(&self) -> bool {
        self.mood == Mood::Empty
    }
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

pub(crate) fn ago(seconds: i64) -> Timestamp {
    NOW - TimeDelta::from_secs(seconds)
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

/// A counter and a gauge, a sample every 15 s for the last two hours.
struct Series(Vec<Labels>);

impl SeriesSource for Series {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let mut views = Vec::new();
        for (index, labels) in self.0.iter().enumerate().filter(|(_, labels)| matches_all(matchers, labels)) {
            let value = |n: i64| match index {
                0 => n as f64 * 12.0,
                1 => n as f64 * 5.0,
                _ => 1.0,
            };
            let times =
                (0..480).map(|n| Sample::new(ago((479 - n) * 15).floor_to(TimeDelta::SECOND), value(n)));
            let samples: Vec<_> = times.filter(|s| range.contains(s.at)).collect();
            if let Some(chunk) = PlainChunk::of(samples) {
                views.push(SeriesView { labels: labels.clone(), chunks: vec![chunk] });
            }
        }
        Ok(views)
    }

    fn missing(&self, matchers: &[Matcher], range: TimeRange) -> Vec<String> {
        let lost = TimeRange::new(ago(7200), ago(3600));
        let is_damaged = matchers.iter().any(|matcher| matcher.value == "damaged") && range.overlaps(&lost);
        is_damaged.then(|| "samples may be missing: a file is damaged".to_owned()).into_iter().collect()
    }
}

/// A credit of half of an hour, as somebody asked for it.
fn correction(wish: CorrectionWish) -> Correction {
    Correction {
        id: "c1".to_owned(),
        scope: wish.scope,
        labels: wish.labels,
        begin: wish.stretch.begin,
        end: wish.stretch.end,
        kind: wish.kind,
        share: wish.share.unwrap_or(Share::ALL),
        reason: wish.reason,
        author: wish.author,
        approver: wish.approver,
        created_at: NOW,
        revoked: None,
    }
}

impl App for Fake {
    fn corrections(&self) -> Vec<Arc<Correction>> {
        let mut corrections: Vec<Correction> = Vec::new();
        for event in self.corrections.lock().unwrap().iter().cloned() {
            match event {
                CorrectionEvent::Add(wish) => corrections.push(correction(wish)),
                CorrectionEvent::Revoke { by, reason, .. } => {
                    corrections[0].revoked = Some(Revocation { at: NOW, by, reason });
                }
            }
        }
        corrections.into_iter().map(Arc::new).collect()
    }
    fn correct(&self, event: CorrectionEvent) -> BoxFuture<'_, Result<Correction, Refused>> {
        self.corrections.lock().unwrap().push(event);
        ready(Ok(Correction::clone(&self.corrections()[0])))
    }
    fn now(&self) -> Timestamp {
        NOW
    }
    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
    fn ready(&self) -> bool {
        !self.is_empty()
    }
    fn metrics(&self) -> String {
        "# TYPE bellwether_up gauge\nbellwether_up 1\n".to_owned()
    }
    fn reload(&self) -> BoxFuture<'_, Result<(), String>> {
        ready(if self.is_empty() {
            Err("slo.yaml:7:13: error: objective 99.9 has no unit".to_owned())
        } else {
            Ok(())
        })
    }

    fn overview(&self) -> Overview {
        let failing = ReceiverFailing {
            receiver: "team-slack".to_owned(),
            since: ago(1240),
            reason: "429 Too Many Requests".to_owned(),
        };
        let data_at = match self.mood {
            Mood::Burning | Mood::Busy | Mood::Paged | Mood::Healthy => Some(ago(8)),
            Mood::Stale => Some(ago(3900)),
            Mood::Empty => None,
        };
        Overview {
            version: "0.1.0".to_owned(),
            revision: "1d57a3f".to_owned(),
            started_at: ago(86_400 * 3),
            scrape_interval: TimeDelta::from_secs(15),
            data_at,
            targets_up: if self.is_empty() { 0 } else { 2 },
            targets: if self.is_empty() { 0 } else { 3 },
            series: 1204,
            receivers_failing: if self.burns() { vec![failing] } else { Vec::new() },
            warnings: Vec::new(),
            config_path: "bellwether.yaml".to_owned(),
        }
    }

    fn config(&self) -> ConfigView {
        let finding = |id: &str, severity, line, message: &str, help: Option<&str>| FindingView {
            id: id.to_owned(),
            severity,
            line,
            column: 11,
            message: message.to_owned(),
            help: help.map(str::to_owned),
        };
        let file = |name: &str, findings| ConfigFileView { name: name.to_owned(), findings };
        let found = vec![
            finding(
                "missing-by-le",
                FindingSeverity::Error,
                14,
                "the label le is aggregated away before the quantile",
                Some("add le to the labels of by (...)"),
            ),
            finding(
                "no-runbook",
                FindingSeverity::Note,
                31,
                "<script>alert(4)</script> links no runbook",
                None,
            ),
        ];
        ConfigView {
            name: "bellwether.yaml".to_owned(),
            loaded_at: ago(600),
            is_current: !self.burns(),
            files: vec![
                file("bellwether.yaml", Vec::new()),
                file("rules/shop.yml", if self.is_empty() { Vec::new() } else { found }),
            ],
            yaml: "rules: [rules/*.yml]\n".to_owned(),
        }
    }

    fn server(&self) -> ServerView {
        ServerView {
            config_yaml: "scrape_configs: []\n".to_owned(),
            flags: BTreeMap::from([("query.timeout".to_owned(), "2m".to_owned())]),
            config_loaded_at: ago(600),
            config_is_current: true,
            working_folder: "/srv/bellwether".to_owned(),
            host_name: "host".to_owned(),
            threads: 2,
            damaged: 0,
            retention: "30d".to_owned(),
            external_labels: labels(&[("site", "lab")]),
        }
    }

    fn queries(&self) -> &Queries {
        &self.queries
    }

    fn source(&self) -> Arc<dyn SeriesSource> {
        if let Some(source) = &self.source {
            return source.clone();
        }
        Arc::new(Series(vec![
            labels(&[("__name__", "chat_calls_total"), ("job", "movieguru"), ("instance", "a:1")]),
            labels(&[("__name__", "chat_calls_total"), ("job", "movieguru"), ("instance", "b:1")]),
            labels(&[("__name__", "up"), ("job", "movieguru"), ("instance", "a:1")]),
        ]))
    }

    fn slos(&self) -> Arc<Vec<SloStatus>> {
        Arc::new(match self.mood {
            Mood::Empty => Vec::new(),
            Mood::Healthy | Mood::Stale | Mood::Paged => {
                vec![healthy("login-success", 0.99995), healthy("startup", 0.9991)]
            }
            Mood::Burning | Mood::Busy => vec![
                burning("chat-latency", "Chats answered within 5 s", 60.0, 0.41, Some(6740)),
                burning("chat-engaged", "Chats in which the user stays engaged", 1.667, -0.12, None),
                unmeasured(),
                journey(),
                threshold(),
                healthy("login-success", 0.99995),
                healthy("startup", 0.9991),
                young(),
            ],
        })
    }

    fn slo_history(&self, request: HistoryRequest<'_>) -> Vec<HistoryPoint> {
        let (start, end, step) = (request.range.start, request.range.end, request.step);
        let count = (end - start).0 / step.0;
        (1..=count)
            .map(|n| {
                let progress = n as f64 / count as f64;
                let is_bad = self.burns() && progress > 0.7;
                let is_dark = (0.30..0.36).contains(&progress);
                let total = if is_dark { 0.0 } else { 120.0 + (n % 7) as f64 };
                let wobble = (n * 7919 % 13) as f64 / 13.0 * 0.004;
                HistoryPoint {
                    at: start + step * n,
                    good: total * if is_bad { 0.56 } else { 0.998 - wobble },
                    total,
                    measured_ratio: if is_dark { 0.0 } else { 1.0 },
                    budget_left_of_period_ratio: None,
                    budget_left_ratio: Some(if is_bad {
                        0.93 - (progress - 0.7) * 1.7
                    } else {
                        1.0 - progress * 0.1
                    }),
                }
            })
            .collect()
    }

    fn slo_forecast(&self, slo_id: &str) -> Option<Forecast> {
        (slo_id == "shop/checkout" || slo_id.ends_with("chat-latency"))
            .then(|| forecast(&past(), &Period::Rolling(TimeDelta::DAY), goal()))
    }

    fn slo_suggestion(&self, slo_id: &str) -> Option<Suggestion> {
        (slo_id == "shop/checkout" || slo_id.ends_with("chat-latency"))
            .then(|| suggest(&past(), &Period::Rolling(TimeDelta::DAY), Some(goal())))
    }

    fn slo_what_if(&self, slo_id: &str, stretch: Stretch, goal: Goal) -> Option<WhatIf> {
        (slo_id == "shop/checkout" || slo_id.ends_with("chat-latency"))
            .then(|| what_if(&past(), stretch, goal, &Period::Rolling(TimeDelta::DAY)))
    }

    fn slo_definition(&self, slo_id: &str) -> Option<DefinitionView> {
        Some(DefinitionView {
            yaml: format!("slos:\n  - name: {slo_id}\n"),
            rules: "groups:\n  - name: slo\n".to_owned(),
            notes: vec!["first samples are not seen by increase()".to_owned()],
        })
    }

    fn slo_fired(&self, request: HistoryRequest<'_>) -> Vec<Fired> {
        if !self.burns() {
            return Vec::new();
        }
        let at = |progress: f64| {
            let length = (request.range.end - request.range.start).0 as f64;
            request.range.start + TimeDelta((length * progress) as i64)
        };
        let fired = |alert: &str, severity: &str, from, until| Fired {
            alert: alert.to_owned(),
            severity: severity.to_owned(),
            from,
            until,
        };
        vec![
            fired("slow-burn", "ticket", at(0.2), Some(at(0.34))),
            fired("fast-burn", "page", at(0.72), None),
            fired("slow-burn", "ticket", at(0.86), None),
        ]
    }

    fn pushed(&self) -> Vec<PushedView> {
        let refused = |ago| {
            (
                self.now() - TimeDelta::from_secs(ago),
                "out of order sample for series {__name__=\"a\"}".to_owned(),
            )
        };
        let by = |format, last_refusal| PushedView {
            format,
            requests: 1200,
            samples: 480_000,
            refused: 3,
            last_at: self.now() - TimeDelta::from_secs(4),
            last_refusal,
        };
        match self.mood {
            Mood::Burning => vec![by("Remote write 1.0", Some(refused(90))), by("OpenTelemetry", None)],
            Mood::Healthy | Mood::Busy | Mood::Paged | Mood::Stale | Mood::Empty => Vec::new(),
        }
    }

    fn targets(&self) -> Vec<TargetView> {
        if self.is_empty() {
            return Vec::new();
        }
        let target = |instance: &str, health, error: &str| TargetView {
            job: "movieguru".to_owned(),
            url: format!("http://{instance}/metrics"),
            labels: labels(&[("job", "movieguru"), ("instance", instance), ("zone", "<b>eu</b>")]),
            discovered_labels: labels(&[("__address__", instance)]),
            health,
            last_scrape_at: Some(ago(8)),
            last_duration: Some(TimeDelta(12)),
            last_samples: Some(402),
            last_error: error.to_owned(),
            note: String::new(),
            interval: TimeDelta::from_secs(15),
            timeout: TimeDelta::from_secs(10),
        };
        vec![
            target("10.0.0.1:8080", TargetHealth::Up, ""),
            target("10.0.0.2:8080", TargetHealth::Up, ""),
            target("10.0.0.3:8080", TargetHealth::Down, "connection refused"),
        ]
    }

    fn scrape_pools(&self) -> Vec<ScrapePoolView> {
        if self.is_empty() {
            return Vec::new();
        }
        let found = DiscoveryView {
            kind: "file".to_owned(),
            targets: 4,
            trouble: vec!["targets/<b>.yml: no permission".to_owned()],
        };
        vec![ScrapePoolView {
            job: "movieguru".to_owned(),
            dropped: vec![labels(&[("__address__", "10.0.0.9:8080"), ("env", "<test>")])],
            dropped_count: 1,
            discoveries: vec![found],
        }]
    }

    fn metadata(&self) -> Vec<TargetMetadata> {
        let metric = |name: &str, kind: &str, help: &str| MetricMetadata {
            name: name.to_owned(),
            kind: kind.to_owned(),
            help: help.to_owned(),
            unit: String::new(),
        };
        let of = |instance: &str, help: &str| TargetMetadata {
            target: labels(&[("job", "movieguru"), ("instance", instance)]),
            metrics: vec![metric("chat_calls_total", "counter", help), metric("chat_open", "gauge", "")],
        };
        vec![of("a:1", "Chats that were answered."), of("b:1", "Chats answered.")]
    }

    fn rule_groups(&self) -> Vec<RuleGroupView> {
        let rule = |name: &str, query: &str, alerting| RuleView {
            name: name.to_owned(),
            query: query.to_owned(),
            labels: labels(&[("severity", "page")]),
            last_error: String::new(),
            evaluated_at: Some(ago(8)),
            evaluation_seconds: 0.002,
            alerting,
        };
        let alerting = AlertingRuleView {
            hold: TimeDelta::MINUTE,
            keep_firing_for: TimeDelta::ZERO,
            annotations: labels(&[("summary", "down")]),
            alerts: vec![RuleAlertView {
                labels: labels(&[("alertname", "TargetDown"), ("severity", "page")]),
                annotations: labels(&[("summary", "10.0.0.3:8080 is down")]),
                state: AlertState::Firing,
                active_at: ago(300),
                value: 0.0,
            }],
        };
        vec![RuleGroupView {
            name: "basics".to_owned(),
            file: "rules.yml".to_owned(),
            interval: TimeDelta::MINUTE,
            limit: 0,
            evaluated_at: Some(ago(8)),
            evaluation_seconds: 0.004,
            evaluations_missed: 2,
            rules: vec![
                rule("job:up:sum", "sum by (job) (up)", None),
                rule("TargetDown", "up == 0", Some(alerting)),
            ],
        }]
    }

    fn alerts(&self) -> Vec<AlertView> {
        if self.mood == Mood::Paged {
            return fake_routing::more_alerts();
        }
        if !self.burns() {
            return Vec::new();
        }
        let acks = self.acks.lock().unwrap();
        let mut alerts = vec![
            alert("00000000000000a1", "ChatLatencyBurn", "page", Some("movieguru/chat-latency"), 265),
            alert("00000000000000a2", "ChatEngagedBurn", "ticket", Some("movieguru/chat-engaged"), 5460),
            alert("00000000000000a3", "TargetDown", "page", None, 300),
            alert("00000000000000a4", "DiskFillsUp", "ticket", None, 90),
        ];
        alerts[0].next_step =
            "Check the chat model's queue; if it is above 50, switch to the small model.".to_owned();
        alerts[1].ack =
            Some(AckView { by: "kim".to_owned(), at: ago(4800), until: None, note: String::new() });
        alerts[2].silenced_by = vec!["6b1f0e9c-0000-4000-8000-000000000001".to_owned()];
        alerts[2].why.push(WhyStep {
            stage: "silence".to_owned(),
            text: "hidden by a silence of sam's".to_owned(),
            passed: false,
        });
        alerts[3].state = AlertState::Pending;
        if self.mood == Mood::Busy {
            alerts.extend(fake_routing::more_alerts());
        }
        for alert in &mut alerts {
            if let Some(by) = acks.get(&alert.fingerprint) {
                alert.ack = Some(AckView { by: by.clone(), at: NOW, until: None, note: String::new() });
            }
        }
        for action in self.acted.lock().unwrap().iter() {
            fake_routing::apply(action, &mut alerts);
        }
        alerts
    }

    fn alert_groups(&self) -> Vec<AlertGroupView> {
        if !self.burns() {
            return Vec::new();
        }
        let mut groups = vec![AlertGroupView {
            key: GROUP.to_owned(),
            receiver: "oncall".to_owned(),
            route: "root / severity=\"page\"".to_owned(),
            labels: labels(&[("service", "movieguru")]),
            alerts: self.alerts().into_iter().take(2).collect(),
            notified_at: Some(ago(240)),
            next_at: Some(NOW + TimeDelta::MINUTE),
            acked_by: Vec::new(),
            next_repeat_at: Some(NOW + TimeDelta::HOUR),
        }];
        if self.mood == Mood::Busy {
            groups.push(fake_routing::large_group(self.alerts()));
        }
        groups
    }

    fn deliveries(&self, filter: DeliveryFilter) -> BoxFuture<'_, Result<Vec<DeliveryView>, String>> {
        let delivery = |id: &str, receiver: &str, outcome, detail: &str| DeliveryView {
            id: id.to_owned(),
            decided_at: ago(240),
            receiver: receiver.to_owned(),
            integration: "slack".to_owned(),
            group_labels: labels(&[("service", "movieguru")]),
            reason: "First".to_owned(),
            why: "nobody had heard of this group".to_owned(),
            firing: 2,
            resolved: 0,
            outcome,
            attempts: 3,
            attempted_at: Some(ago(20)),
            next_attempt_at: (outcome == DeliveryOutcome::Retrying).then(|| NOW + TimeDelta::from_secs(40)),
            detail: detail.to_owned(),
        };
        let mut rows = vec![
            delivery("k1", "oncall", DeliveryOutcome::Delivered, "202 Accepted, dedup key 4f2a"),
            delivery("k2", "team-slack", DeliveryOutcome::Retrying, "429 Too Many Requests, Retry-After 30"),
        ];
        if self.mood == Mood::Busy {
            rows.extend(fake_routing::older_deliveries());
        }
        rows.retain(|r| filter.before.is_none_or(|before| r.decided_at < before));
        rows.retain(|r| filter.since.is_none_or(|since| r.decided_at >= since));
        rows.retain(|r| filter.receiver.as_ref().is_none_or(|name| *name == r.receiver));
        rows.retain(|r| filter.outcome.is_none_or(|outcome| outcome == r.outcome));
        ready(Ok(if self.burns() { rows } else { Vec::new() }))
    }

    fn silences(&self) -> Vec<SilenceView> {
        if !self.burns() {
            return Vec::new();
        }
        let silence = |id: &str, state, ends_at| SilenceView {
            id: id.to_owned(),
            matchers: vec![Matcher::equal("alertname", "TargetDown")],
            starts_at: ago(7200),
            ends_at,
            updated_at: ago(7200),
            created_by: "sam".to_owned(),
            comment: "moving 10.0.0.3 to the new rack".to_owned(),
            annotations: [("ticket".to_owned(), "OPS-12".to_owned())].into(),
            state,
            hidden_alerts: 1,
        };
        let mut silences = vec![
            silence("6b1f0e9c-0000-4000-8000-000000000001", SilenceState::Active, NOW + TimeDelta::HOUR),
            silence("6b1f0e9c-0000-4000-8000-000000000002", SilenceState::Expired, ago(3600)),
        ];
        if self.mood == Mood::Busy {
            silences.extend(fake_routing::more_silences());
        }
        silences
    }

    fn add_silence(&self, silence: NewSilence) -> BoxFuture<'_, Result<String, Refused>> {
        self.added.lock().unwrap().push(silence);
        ready(Ok("6b1f0e9c-0000-4000-8000-000000000003".to_owned()))
    }

    fn expire_silence(&self, id: String) -> BoxFuture<'_, Result<(), Refused>> {
        let known = self.silences().iter().any(|s| s.id == id);
        ready(if known { Ok(()) } else { Err(Refused::NotFound(format!("no silence has the id {id:?}"))) })
    }

    fn act(&self, action: NewAction) -> BoxFuture<'_, Result<Vec<String>, Refused>> {
        let done: Vec<String> = match &action.subject {
            ActionSubject::Alert(fingerprint) => vec![fingerprint.clone()],
            ActionSubject::Group(key) => {
                let groups = self.alert_groups();
                let Some(group) = groups.iter().find(|group| group.key == *key) else {
                    return ready(Err(Refused::NotFound("no such group".to_owned())));
                };
                group.alerts.iter().map(|alert| alert.fingerprint.clone()).collect()
            }
        };
        if let ActionDeed::Acknowledge { .. } = action.deed {
            self.acks.lock().unwrap().extend(done.iter().map(|f| (f.clone(), action.by.clone())));
        }
        self.acted.lock().unwrap().push(action);
        self.changes.send_modify(|n| *n += 1);
        ready(Ok(done))
    }

    fn listed_alerts(&self, wanted: Wanted<'_>) -> Vec<ListedAlert> {
        let firing = self.alerts().into_iter().filter(|alert| alert.state == AlertState::Firing);
        firing.map(listed).filter(|alert| wanted(&alert.labels)).collect()
    }
    fn listed_groups(&self, wanted: Wanted<'_>) -> Vec<ListedGroup> {
        let listed = self.alert_groups().into_iter().map(|group| ListedGroup {
            key: group.key,
            labels: group.labels,
            route_labels: Labels::empty(),
            route: ListedRoute {
                receiver: group.receiver,
                group_by: Some(vec!["service".to_owned()]),
                group_wait: TimeDelta::from_secs(30),
                group_interval: TimeDelta::from_secs(300),
                repeat_interval: TimeDelta::from_secs(14_400),
            },
            muted_by: Vec::new(),
            alerts: group.alerts.into_iter().map(listed).filter(|alert| wanted(&alert.labels)).collect(),
        });
        listed.collect()
    }
    fn routing_config(&self) -> RoutingConfigView {
        let name = |name: &str| ReceiverName { name: name.to_owned(), labels: labels(&[("name", name)]) };
        RoutingConfigView {
            text: "route:\n  receiver: oncall\nreceivers:\n- name: oncall\n- name: nobody\n".to_owned(),
            receivers: vec![name("oncall"), name("nobody")],
            resolve_timeout: TimeDelta::from_secs(300),
        }
    }
    fn external_url(&self) -> String {
        "http://bellwether.example".to_owned()
    }
    fn post_alerts(&self, alerts: Vec<Alert>) -> BoxFuture<'_, Result<(), Refused>> {
        self.posted.lock().unwrap().extend(alerts);
        ready(Ok(()))
    }

    fn explain(&self, what: String) -> BoxFuture<'_, Result<Vec<ExplanationView>, Refused>> {
        ready(Ok(fake_routing::explain(self, &what)))
    }

    fn routed(&self, labels: &Labels) -> RoutedView {
        fake_routing::routed(labels)
    }

    fn delivery(&self, id: String) -> BoxFuture<'_, Result<DeliveryDetail, Refused>> {
        ready(fake_routing::delivery(&id))
    }

    fn receivers(&self) -> Vec<ReceiverView> {
        if self.burns() { fake_routing::receivers() } else { Vec::new() }
    }

    fn drill(&self, receiver: Option<String>, by: String) -> BoxFuture<'_, Result<Vec<DrillView>, Refused>> {
        self.drilled.lock().unwrap().push((receiver.clone(), by));
        ready(fake_routing::drill(receiver.as_deref()))
    }

    fn statistics(&self, since: Timestamp) -> BoxFuture<'_, Result<StatisticsView, String>> {
        let view = StatisticsView { since, until: NOW, ..StatisticsView::default() };
        ready(Ok(if self.burns() { fake_routing::statistics(view) } else { view }))
    }

    fn demo(&self) -> Option<&dyn Demo> {
        self.burns().then_some(self as &dyn Demo)
    }
}

impl Demo for Fake {
    fn view(&self) -> DemoView {
        let phase = |name: &str, title: &str, expect: &str| DemoPhase {
            name: name.to_owned(),
            title: title.to_owned(),
            expect: expect.to_owned(),
        };
        DemoView {
            title: "A simulated movie chat with three users.".to_owned(),
            phases: vec![
                phase("5", "Healthy", "Everything within its goal."),
                phase(
                    "6",
                    "Chat turns slow",
                    "Chat latency burns 60 times; the 10× alert fires within 90 s.",
                ),
            ],
            phase: self.phase.lock().unwrap().clone(),
            since: ago(300),
        }
    }

    fn set_phase(&self, name: String) -> BoxFuture<'_, Result<(), Refused>> {
        if !self.view().phases.iter().any(|p| p.name == name) {
            return ready(Err(Refused::Invalid(format!("there is no phase {name:?}; there are 5 and 6"))));
        }
        *self.phase.lock().unwrap() = name;
        self.changes.send_modify(|n| *n += 1);
        ready(Ok(()))
    }
}

pub(crate) fn alert(
    fingerprint: &str,
    name: &str,
    severity: &str,
    slo_id: Option<&str>,
    age_seconds: i64,
) -> AlertView {
    let step =
        |stage: &str, text: &str| WhyStep { stage: stage.to_owned(), text: text.to_owned(), passed: true };
    AlertView {
        fingerprint: fingerprint.to_owned(),
        labels: labels(&[
            ("alertname", name),
            ("severity", severity),
            ("service", "movieguru"),
            ("note", "<script>alert(1)</script>"),
        ]),
        annotations: labels(&[("summary", "Something is wrong & someone <should> look")]),
        state: AlertState::Firing,
        starts_at: ago(age_seconds),
        ends_at: None,
        updated_at: ago(8),
        value: Some(60.0),
        generator_url: "javascript:alert(1)".to_owned(),
        slo_id: slo_id.map(str::to_owned),
        receivers: vec!["oncall".to_owned()],
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
        muted_by: Vec::new(),
        ack: None,
        ended_by: None,
        notes: Vec::new(),
        false_positive: None,
        next_step: String::new(),
        runbook_url: "https://runbooks.example/chat".to_owned(),
        why: vec![
            step("rule", "burn 60 over 5m and 44.1 over 1h, both above 14.4"),
            step("route", "root / severity=\"page\""),
        ],
    }
}

fn listed(alert: AlertView) -> ListedAlert {
    ListedAlert {
        fingerprint: alert.fingerprint.parse().unwrap(),
        labels: alert.labels,
        annotations: alert.annotations,
        starts_at: alert.starts_at,
        ends_at: alert.ends_at.unwrap_or(alert.updated_at + TimeDelta::from_secs(300)),
        updated_at: alert.updated_at,
        generator_url: alert.generator_url,
        receivers: alert.receivers,
        silenced_by: alert.silenced_by,
        inhibited_by: alert.inhibited_by,
    }
}

fn window(seconds: i64, good: f64, total: f64, goal: f64) -> WindowStatus {
    WindowStatus {
        window: TimeDelta::from_secs(seconds),
        good,
        total,
        sli_ratio: (total > 0.0).then(|| good / total),
        burn_rate: (total > 0.0).then(|| (1.0 - good / total) / (1.0 - goal)),
        measured_ratio: 1.0,
    }
}

fn slo(name: &str, description: &str, stream: StreamStatus) -> SloStatus {
    SloStatus {
        id: format!("movieguru/{name}"),
        name: name.to_owned(),
        service: "movieguru".to_owned(),
        description: description.to_owned(),
        owner: "team-chat".to_owned(),
        runbook: "https://runbooks.example/chat".to_owned(),
        display_name: String::new(),
        criticality: String::new(),
        contacts: std::collections::BTreeMap::new(),
        links: std::collections::BTreeMap::new(),
        aspirational_ratio: None,
        aspirational_text: String::new(),
        dialect: "sloth".to_owned(),
        origin: "slos/chat.yml:3".to_owned(),
        source: "file".to_owned(),
        goal_ratio: Some(0.99),
        goal_text: "99%".to_owned(),
        period_text: "rolling 28d".to_owned(),
        period: TimeDelta(28 * TimeDelta::DAY.0),
        kind: "latency",
        members: Vec::new(),
        indicator_text: "requests at or below 5000 in movieguru_chat_latency_milliseconds".to_owned(),
        notes: Vec::new(),
        threshold: None,
        streams: vec![stream],
    }
}

fn stream(sli: f64, left: f64) -> StreamStatus {
    StreamStatus {
        labels: Labels::empty(),
        measurement: Measurement::Complete,
        watermark: Some(ago(8)),
        total: window(28 * 86_400, 1_204_311.0 * sli, 1_204_311.0, 0.99),
        watched: TimeDelta(28 * TimeDelta::DAY.0),
        period: Some(PeriodStatus {
            begin: ago(28 * 86_400),
            end: ago(8),
            passed: TimeDelta(28 * TimeDelta::DAY.0),
            taken_out: TimeDelta::ZERO,
            watched_text: String::new(),
        }),
        budget_raw: None,
        corrections: Vec::new(),
        budget: Some(BudgetStatus {
            allowed_events: 12_043.0,
            spent_events: (12_043.0 * (1.0 - left)).round(),
            left_ratio: left,
            left_ratio_low: left,
            left_ratio_high: left,
            expected: None,
        }),
        burns: vec![window(300, 727.0 * sli, 727.0, 0.99), window(3600, 8748.0 * sli, 8748.0, 0.99)],
        exhaustion: None,
        alerts: Vec::new(),
        aspirational: None,
        budget_alerts: Vec::new(),
    }
}

fn healthy(name: &str, sli: f64) -> SloStatus {
    slo(name, "Answers without an error", stream(sli, 0.83))
}

fn burning(name: &str, description: &str, rate: f64, left: f64, ends_in: Option<i64>) -> SloStatus {
    let mut stream = stream(1.0 - 0.01 * (1.0 - left), left);
    stream.burns[0] = window(300, 727.0 * (1.0 - rate / 100.0), 727.0, 0.99);
    stream.exhaustion = ends_in.map(|seconds| Exhaustion {
        earliest: NOW + TimeDelta::from_secs(seconds),
        latest: Some(NOW + TimeDelta::from_secs(seconds + 2700)),
    });
    let burn_alert = |name: &str, severity: &str, factor, verdict, state| BurnAlertStatus {
        name: name.to_owned(),
        severity: severity.to_owned(),
        long: TimeDelta::HOUR,
        short: Some(TimeDelta(300_000)),
        factor,
        burn_rate_long: Some(rate * 0.735),
        burn_rate_short: Some(rate),
        state,
        since: (state == BurnAlertState::Firing).then(|| ago(265)),
        verdict,
    };
    let severity = if rate > 10.0 { "page" } else { "ticket" };
    stream.alerts = vec![
        burn_alert("fast-burn", severity, rate / 4.0, Verdict::Useful, BurnAlertState::Firing),
        burn_alert("impossible", "page", 110.0, Verdict::CannotFire, BurnAlertState::Inactive),
        burn_alert("too-late", "ticket", 90.0, Verdict::FiresAfterExhaustion, BurnAlertState::Inactive),
    ];
    stream.budget_alerts = vec![BudgetAlertStatus {
        name: "budget-low".to_owned(),
        severity: "ticket".to_owned(),
        left_below_ratio: 0.2,
        left_below_text: "20%".to_owned(),
        left_ratio: Some(left),
        state: if left < 0.2 { BurnAlertState::Firing } else { BurnAlertState::Inactive },
        since: (left < 0.2).then(|| ago(86_400)),
        verdict: Verdict::Useful,
    }];
    let mut slo = slo(name, description, stream);
    slo.notes.push(
        "alert impossible can never fire: 110 is above the highest possible burn rate of 100".to_owned(),
    );
    slo
}

fn journey() -> SloStatus {
    let mut slo = slo("journey", "From the first page to an answer", stream(0.993, 0.3));
    let member = |slo: &str, weight| MemberStatus { slo: format!("movieguru/{slo}"), weight };
    slo.kind = "composite";
    slo.members = vec![member("startup", 1.0), member("chat-latency", 2.0)];
    slo
}

fn threshold() -> SloStatus {
    let mut all = stream(1.0, 1.0);
    (all.budget, all.burns) = (None, Vec::new());
    let mut slo = slo("throughput", "More than a thousand requests a second", all);
    (slo.kind, slo.goal_ratio, slo.goal_text) = ("threshold", None, "no goal".to_owned());
    slo.threshold = Some(ThresholdStatus {
        value: Some(803.5),
        op: ">",
        bound: 1000.0,
        passes: Some(false),
        failing_since: Some(ago(600)),
        at: Some(ago(20)),
        alerts: vec![ThresholdAlertStatus {
            name: "throughput-low".to_owned(),
            severity: "ticket".to_owned(),
            hold: TimeDelta(300_000),
            state: BurnAlertState::Firing,
            since: Some(ago(300)),
        }],
    });
    slo
}

fn unmeasured() -> SloStatus {
    let mut stream = stream(1.0, 1.0);
    stream.measurement = Measurement::Unmeasured;
    stream.watermark = Some(ago(900));
    slo("preferences", "Preferences are saved", stream)
}

fn young() -> SloStatus {
    let mut all = stream(0.995, 0.5);
    all.watched = TimeDelta(3 * TimeDelta::DAY.0);
    all.period = all.period.map(|p| PeriodStatus { watched_text: "3d of 28d".to_owned(), ..p });
    all.measurement = Measurement::Partial;
    all.budget = all.budget.map(|b| BudgetStatus { left_ratio_low: 0.38, left_ratio_high: 0.52, ..b });
    let mut eu = stream(0.999, 0.9);
    eu.labels = labels(&[("region", "eu")]);
    let mut slo = slo("page-loads", "", all);
    let mut us = stream(0.99, -0.2);
    us.labels = labels(&[("region", "us")]);
    us.total = window(28 * 86_400, 476_000.0, 481_000.0, 0.99);
    eu.total = window(28 * 86_400, 722_289.0, 723_311.0, 0.99);
    slo.streams.extend([eu, us]);
    slo.streams[0].aspirational = Some(TargetStatus { is_met: Some(false), left_ratio: Some(-4.0) });
    slo.aspirational_ratio = Some(0.999);
    slo.aspirational_text = "99.9%".to_owned();
    slo.criticality = "high".to_owned();
    slo.display_name = "Page loads".to_owned();
    slo.contacts.insert("mail".to_owned(), "shop@example.com".to_owned());
    slo.contacts.insert("slack".to_owned(), "#shop".to_owned());
    slo.links.insert("dashboard".to_owned(), "https://grafana.example/d/1".to_owned());
    slo.owner = String::new();
    slo.runbook = String::new();
    slo
}

fn goal() -> Goal {
    Goal::parse("99.9%").unwrap()
}

/// Three days at a hundred events a minute, one of which is bad.
fn past() -> Past {
    let minute = (Counts { bad: 1.0, total: 100.0 }, TimeDelta::MINUTE);
    Past::of(NOW - TimeDelta::DAY * 3, TimeDelta::MINUTE, std::iter::repeat_n(minute, 3 * 1440))
}
