//! The service itself, without a socket: draws what happens to each call and counts it under the names, labels and
//! bounds that the workshop's dashboards and objectives use.

use bellwether_ingest::{ExpositionWriter, Histogram, MetricKind, bound_text};
use bellwether_model::{Labels, METRIC_NAME};

use crate::workshop::phase::{LatencyRange, Phase, Probability};
use crate::workshop::sampler::{Draw, Sampler};

/// What users can call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `POST /chat`
    Chat,
    /// `POST /preferences`
    PreferencesUpdate,
    /// `GET /preferences`
    PreferencesGet,
    /// `POST /login`
    Login,
    /// `GET /logout`
    Logout,
    /// `DELETE /history`
    HistoryDelete,
    /// `GET /history`
    HistoryGet,
    /// `GET /startup`
    Startup,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Chat,
        Self::PreferencesUpdate,
        Self::PreferencesGet,
        Self::Login,
        Self::Logout,
        Self::HistoryDelete,
        Self::HistoryGet,
        Self::Startup,
    ];

    /// How it is called: method and path.
    pub const fn method_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::Chat => ("POST", "/chat"),
            Self::PreferencesUpdate => ("POST", "/preferences"),
            Self::PreferencesGet => ("GET", "/preferences"),
            Self::Login => ("POST", "/login"),
            Self::Logout => ("GET", "/logout"),
            Self::HistoryDelete => ("DELETE", "/history"),
            Self::HistoryGet => ("GET", "/history"),
            Self::Startup => ("GET", "/startup"),
        }
    }
}

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 200
    Ok,
    /// 500
    Failed,
}

const CHAT_BOUNDS: [f64; 10] = [100.0, 250.0, 500.0, 1e3, 2e3, 3e3, 4e3, 5e3, 1e4, 12e3];
const LOGIN_BOUNDS: [f64; 11] = [0.05, 0.1, 0.5, 1.0, 10.0, 50.0, 100.0, 200.0, 500.0, 1e3, 5e3];
const STARTUP_BOUNDS: [f64; 13] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 3e3, 1e4];
const PREFERENCES_BOUNDS: [f64; 8] = [0.1, 1.0, 10.0, 50.0, 100.0, 500.0, 1e3, 2e3];
const HEALTH_BOUNDS: [f64; 7] = [0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0];

const SENTIMENTS: [&str; 4] = ["Positive", "Negative", "Neutral", "Unclassified"];
const OUTCOMES: [&str; 4] = ["Engaged", "Acknowledged", "Rejected", "Unclassified"];

/// The counts of one endpoint.
#[derive(Clone, Debug, PartialEq)]
struct Meters {
    attempts: u64,
    successes: u64,
    latency_ms: Histogram,
}

impl Meters {
    fn new(bounds: &'static [f64]) -> Self {
        Self { attempts: 0, successes: 0, latency_ms: Histogram::new(bounds) }
    }
}

/// The service: how it behaves and what it has counted. It starts with nothing counted.
#[derive(Clone, Debug, PartialEq)]
pub struct MovieGuru {
    /// How it behaves from the next call on.
    pub phase: Phase,
    chat: Meters,
    login: Meters,
    logout: Meters,
    startup: Meters,
    pref_get: Meters,
    pref_update: Meters,
    health: Meters,
    safety_issues: u64,
    sentiments: [u64; 4],
    outcomes: [u64; 4],
}

/// One metric as it is exposed.
struct Family<'a> {
    name: String,
    help: &'static str,
    values: Values<'a>,
}

enum Values<'a> {
    Counter(u64),
    /// One counter per value of a label.
    Counters(&'static str, [(&'static str, u64); 4]),
    Histogram(&'a Histogram),
}

impl MovieGuru {
    /// A service that has not been called yet.
    pub fn new(phase: Phase) -> Self {
        Self {
            phase,
            chat: Meters::new(&CHAT_BOUNDS),
            login: Meters::new(&LOGIN_BOUNDS),
            logout: Meters::new(&LOGIN_BOUNDS),
            startup: Meters::new(&STARTUP_BOUNDS),
            pref_get: Meters::new(&PREFERENCES_BOUNDS),
            pref_update: Meters::new(&PREFERENCES_BOUNDS),
            health: Meters::new(&HEALTH_BOUNDS),
            safety_issues: 0,
            sentiments: [0; 4],
            outcomes: [0; 4],
        }
    }

    /// One call: draws its latency and its outcome, and counts both.
    pub fn call(&mut self, endpoint: Endpoint, sampler: &mut Sampler) -> Reply {
        let certain = Probability::new(1.0);
        let phase = &self.phase;
        let (meters, chance, latency): (_, _, LatencyRange) = match endpoint {
            Endpoint::Chat => (&mut self.chat, Some(phase.chat_success), phase.chat_latency),
            Endpoint::PreferencesUpdate => {
                (&mut self.pref_update, Some(phase.pref_update_success), phase.pref_update_latency)
            }
            Endpoint::PreferencesGet => {
                (&mut self.pref_get, Some(phase.pref_get_success), phase.pref_get_latency)
            }
            Endpoint::Login => (&mut self.login, Some(phase.login_success), phase.login_latency),
            Endpoint::Logout => (&mut self.logout, certain, phase.login_latency),
            Endpoint::Startup => (&mut self.startup, Some(phase.startup_success), phase.startup_latency),
            Endpoint::HistoryDelete | Endpoint::HistoryGet => return Reply::Ok,
        };
        meters.attempts += 1;
        meters.latency_ms.observe(sampler.latency_ms(Draw::Latency(endpoint), latency) as f64);
        let succeeded = chance.is_none_or(|chance| sampler.happens(Draw::Success(endpoint), chance));
        if !succeeded {
            return Reply::Failed;
        }
        meters.successes += 1;
        if endpoint == Endpoint::Chat {
            self.judge_chat(sampler);
        }
        Reply::Ok
    }

    /// What became of a chat that was answered.
    fn judge_chat(&mut self, sampler: &mut Sampler) {
        let phase = &self.phase;
        self.safety_issues += u64::from(sampler.happens(Draw::SafetyIssue, phase.chat_safety_issue));
        let sentiments = [
            phase.chat_sentiment_positive,
            phase.chat_sentiment_negative,
            phase.chat_sentiment_neutral,
            phase.chat_sentiment_unclassified,
        ];
        self.sentiments[sampler.choose(Draw::Sentiment, sentiments)] += 1;
        let outcomes =
            [phase.chat_engaged, phase.chat_acknowledged, phase.chat_rejected, phase.chat_unclassified];
        self.outcomes[sampler.choose(Draw::Outcome, outcomes)] += 1;
    }

    /// A health check that took this long. Its latency is the real one: there is nothing to draw it from.
    pub fn health_check(&mut self, latency_ms: f64) {
        self.health.attempts += 1;
        self.health.latency_ms.observe(latency_ms);
    }

    /// Writes everything it exposes.
    pub fn render(&self, writer: &mut ExpositionWriter) {
        for family in self.families() {
            let name = family.name.as_str();
            match family.values {
                Values::Counter(value) => {
                    writer.family(name, MetricKind::Counter, family.help);
                    writer.sample(name, &[], value as f64);
                }
                Values::Counters(label, values) => {
                    writer.family(name, MetricKind::Counter, family.help);
                    for (value, count) in values {
                        writer.sample(name, &[(label, value)], count as f64);
                    }
                }
                Values::Histogram(histogram) => {
                    writer.family(name, MetricKind::Histogram, family.help);
                    writer.histogram(name, &[], histogram);
                }
            }
        }
    }

    /// The series it exposes, in the order of [`Self::values`].
    pub fn series(&self) -> Vec<Labels> {
        let mut series = Vec::new();
        for Family { name, values, .. } in self.families() {
            let named = |name: String| Labels::from_pairs([(METRIC_NAME.to_owned(), name)]);
            match values {
                Values::Counter(_) => series.push(named(name)),
                Values::Counters(label, values) => {
                    series.extend(values.map(|(value, _)| named(name.clone()).with(label, value)));
                }
                Values::Histogram(histogram) => {
                    let bucket = named(format!("{name}_bucket"));
                    series.extend(
                        histogram.cumulative().map(|(bound, _)| bucket.with("le", &bound_text(bound))),
                    );
                    series.extend([named(format!("{name}_sum")), named(format!("{name}_count"))]);
                }
            }
        }
        series
    }

    /// The values of all series.
    pub fn values(&self) -> Vec<f64> {
        let mut all = Vec::new();
        for family in self.families() {
            match family.values {
                Values::Counter(value) => all.push(value as f64),
                Values::Counters(_, values) => all.extend(values.map(|(_, count)| count as f64)),
                Values::Histogram(histogram) => {
                    all.extend(histogram.cumulative().map(|(_, count)| count as f64));
                    all.extend([histogram.sum(), histogram.count() as f64]);
                }
            }
        }
        all
    }

    /// Everything exposed, in order. The single list behind all three ways to look at it.
    fn families(&self) -> Vec<Family<'_>> {
        let mut families = vec![
            counter("chat_calls_total", "Chats attempted.", self.chat.attempts),
            counter("chat_calls_success_total", "Chats answered.", self.chat.successes),
            counter(
                "chat_safetyissue_counter_total",
                "Chats that raised a safety issue.",
                self.safety_issues,
            ),
            by_label(
                "chat_sentiment_counter_total",
                "Chats by the user's mood.",
                "Sentiment",
                SENTIMENTS,
                self.sentiments,
            ),
            by_label(
                "chat_outcome_counter_total",
                "Chats by what the user did next.",
                "Outcome",
                OUTCOMES,
                self.outcomes,
            ),
            latency("chat", &self.chat),
        ];
        let named = [
            ("login", &self.login),
            ("Logout", &self.logout),
            ("prefGet", &self.pref_get),
            ("prefUpdate", &self.pref_update),
            ("startup", &self.startup),
        ];
        for (name, meters) in named {
            families.push(counter(&format!("{name}_attempts_total"), "Calls attempted.", meters.attempts));
            families.push(counter(
                &format!("{name}_success_total"),
                "Calls that succeeded.",
                meters.successes,
            ));
            families.push(latency(name, meters));
        }
        families.push(counter("healthcheck_attempts_total", "Health checks.", self.health.attempts));
        families.push(latency("healthcheck", &self.health));
        families
    }
}

fn counter(name: &str, help: &'static str, value: u64) -> Family<'static> {
    Family { name: format!("movieguru_{name}"), help, values: Values::Counter(value) }
}

fn by_label(
    name: &str,
    help: &'static str,
    label: &'static str,
    values: [&'static str; 4],
    counts: [u64; 4],
) -> Family<'static> {
    let pairs = [0, 1, 2, 3].map(|index| (values[index], counts[index]));
    Family { name: format!("movieguru_{name}"), help, values: Values::Counters(label, pairs) }
}

fn latency<'a>(name: &str, meters: &'a Meters) -> Family<'a> {
    let name = format!("movieguru_{name}_latency_milliseconds");
    Family {
        name,
        help: "How long calls took, in milliseconds.",
        values: Values::Histogram(&meters.latency_ms),
    }
}
