//! How Movie Guru behaves at the moment: chances and latencies, under the names the workshop's `/phase` gives them.
//!
//! A body replaces all of it or nothing: a missing field does not become zero, and a chance of 95 is refused rather
//! than understood as "always". Every problem is named, not only the first.

use serde_json::{Map, Value, json};

/// A chance between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
    /// The chance, if it is between 0 and 1.
    pub const fn new(chance: f64) -> Option<Self> {
        if chance >= 0.0 && chance <= 1.0 { Some(Self(chance)) } else { None }
    }

    const fn literal(chance: f64) -> Self {
        match Self::new(chance) {
            Some(chance) => chance,
            None => panic!("a chance lies between 0 and 1"),
        }
    }

    /// The chance, 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// Latencies in whole milliseconds, all equally likely: from `ms_min` up to, but without, `ms_max`.
///
/// Invariant: `ms_max > ms_min`, so there is something to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyRange {
    ms_min: u64,
    ms_max: u64,
}

impl LatencyRange {
    /// The range, if it is not empty.
    pub const fn new(ms_min: u64, ms_max: u64) -> Option<Self> {
        if ms_max > ms_min { Some(Self { ms_min, ms_max }) } else { None }
    }

    const fn literal(ms_min: u64, ms_max: u64) -> Self {
        match Self::new(ms_min, ms_max) {
            Some(range) => range,
            None => panic!("a range of latencies is not empty"),
        }
    }

    /// The smallest latency.
    pub const fn ms_min(self) -> u64 {
        self.ms_min
    }

    /// One more than the largest latency.
    pub const fn ms_max(self) -> u64 {
        self.ms_max
    }

    /// How many different latencies there are; at least one.
    pub const fn values(self) -> u64 {
        self.ms_max - self.ms_min
    }
}

/// The whole behaviour: the 24 fields of the workshop.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are the workshop's own")]
pub struct Phase {
    pub chat_success: Probability,
    pub chat_safety_issue: Probability,
    pub chat_engaged: Probability,
    pub chat_acknowledged: Probability,
    pub chat_rejected: Probability,
    pub chat_unclassified: Probability,
    pub chat_sentiment_positive: Probability,
    pub chat_sentiment_negative: Probability,
    pub chat_sentiment_neutral: Probability,
    pub chat_sentiment_unclassified: Probability,
    pub login_success: Probability,
    pub startup_success: Probability,
    pub pref_update_success: Probability,
    pub pref_get_success: Probability,
    pub login_latency: LatencyRange,
    pub chat_latency: LatencyRange,
    pub startup_latency: LatencyRange,
    pub pref_get_latency: LatencyRange,
    pub pref_update_latency: LatencyRange,
}

/// A field that holds a chance: its name on the wire and where it lives.
type ChanceField = (&'static str, fn(&mut Phase) -> &mut Probability);

const CHANCES: [ChanceField; 14] = [
    ("ChatSuccess", |phase| &mut phase.chat_success),
    ("ChatSafetyIssue", |phase| &mut phase.chat_safety_issue),
    ("ChatEngaged", |phase| &mut phase.chat_engaged),
    ("ChatAcknowledged", |phase| &mut phase.chat_acknowledged),
    ("ChatRejected", |phase| &mut phase.chat_rejected),
    ("ChatUnclassified", |phase| &mut phase.chat_unclassified),
    ("ChatSPositive", |phase| &mut phase.chat_sentiment_positive),
    ("ChatSNegative", |phase| &mut phase.chat_sentiment_negative),
    ("ChatSNeutral", |phase| &mut phase.chat_sentiment_neutral),
    ("ChatSUnclassified", |phase| &mut phase.chat_sentiment_unclassified),
    ("LoginSuccess", |phase| &mut phase.login_success),
    ("StartupSuccess", |phase| &mut phase.startup_success),
    ("PrefUpdateSuccess", |phase| &mut phase.pref_update_success),
    ("PrefGetSuccess", |phase| &mut phase.pref_get_success),
];

/// Two fields that hold a range: their names on the wire and where it lives.
type RangeField = (&'static str, &'static str, fn(&mut Phase) -> &mut LatencyRange);

const RANGES: [RangeField; 5] = [
    ("LoginLatencyMinMS", "LoginLatencyMaxMS", |phase| &mut phase.login_latency),
    ("ChatLatencyMinMS", "ChatLatencyMaxMS", |phase| &mut phase.chat_latency),
    ("StartupLatencyMinMS", "StartupLatencyMaxMS", |phase| &mut phase.startup_latency),
    ("PrefGetLatencyMinMS", "PrefGetLatencyMaxMS", |phase| &mut phase.pref_get_latency),
    ("PrefUpdateLatencyMinMS", "PrefUpdateLatencyMaxMS", |phase| &mut phase.pref_update_latency),
];

/// A day: nobody waits longer, and sums of latencies stay exact in a float.
const LATENCY_MS_LIMIT: u64 = 86_400_000;

/// What is wrong with a body sent to `/phase`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PhaseProblem {
    /// It is not JSON.
    #[error("not JSON at line {line}, column {column}: {message}")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the reader says.
        message: String,
    },
    /// It is JSON, but not an object.
    #[error("expected an object with 24 fields, found {0}")]
    NotAnObject(&'static str),
    /// A field is not there.
    #[error("{0} is missing; a phase replaces the whole behaviour, so every field is needed")]
    Missing(&'static str),
    /// A field nobody knows.
    #[error("{0} is not a field of a phase{hint}", hint = .1.map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    Unknown(String, Option<&'static str>),
    /// A chance that is none.
    #[error("{field} is {found}; write a chance between 0 and 1, such as 0.95")]
    NotAChance {
        /// The field.
        field: &'static str,
        /// What was written.
        found: String,
    },
    /// A latency that is none.
    #[error("{field} is {found}; write whole milliseconds between 0 and {LATENCY_MS_LIMIT}")]
    NotMilliseconds {
        /// The field.
        field: &'static str,
        /// What was written.
        found: String,
    },
    /// A range without anything in it.
    #[error("{field} is {ms_max}, which is not above {min_field} ({ms_min})")]
    EmptyRange {
        /// The field with the upper end.
        field: &'static str,
        /// What was written there.
        ms_max: u64,
        /// The field with the lower end.
        min_field: &'static str,
        /// What was written there.
        ms_min: u64,
    },
}

impl PhaseProblem {
    /// The field it is about, if it is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::NotJson { .. } | Self::NotAnObject(_) => None,
            Self::Missing(field) | Self::NotAChance { field, .. } => Some(field),
            Self::NotMilliseconds { field, .. } | Self::EmptyRange { field, .. } => Some(field),
            Self::Unknown(field, _) => Some(field),
        }
    }
}

impl Phase {
    /// The behaviour a challenge of the workshop starts with; `None` for a challenge that sets none.
    pub fn challenge(number: u32) -> Option<Self> {
        match number {
            1 => Some(FIRST_DAY),
            5 | 7 => Some(HEALTHY),
            6 => Some(DEGRADED),
            _ => None,
        }
    }

    /// The behaviour the demonstration starts with: challenge 5, but with more engaged users. At 70 % they sit
    /// exactly on their goal, which looks unhealthy half of the time.
    pub fn demo_start() -> Self {
        Self { chat_engaged: Probability::literal(0.75), ..HEALTHY }
    }

    /// Reads the 24 fields of a body, or says everything that is wrong with them.
    pub fn from_json(body: &[u8]) -> Result<Self, Vec<PhaseProblem>> {
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            let (line, column, text) = (error.line(), error.column(), error.to_string());
            let message = text.split(" at line ").next().unwrap_or_default().to_owned();
            vec![PhaseProblem::NotJson { line, column, message }]
        })?;
        let Value::Object(fields) = value else {
            return Err(vec![PhaseProblem::NotAnObject(kind_of(&value))]);
        };
        let (mut phase, mut problems) = (HEALTHY, Vec::new());
        for (field, place) in CHANCES {
            problems.extend(read_chance(&fields, field).map(|chance| *place(&mut phase) = chance).err());
        }
        for (min_field, max_field, place) in RANGES {
            match read_range(&fields, min_field, max_field) {
                Ok(range) => *place(&mut phase) = range,
                Err(found) => problems.extend(found),
            }
        }
        problems.extend(fields.keys().filter(|key| !is_field(key)).map(|key| unknown(key)));
        if problems.is_empty() { Ok(phase) } else { Err(problems) }
    }

    /// The 24 fields, as `/phase` shows them.
    pub fn to_json(&self) -> Value {
        let (mut phase, mut fields) = (self.clone(), Map::new());
        for (field, place) in CHANCES {
            fields.insert(field.to_owned(), json!(place(&mut phase).get()));
        }
        for (min_field, max_field, place) in RANGES {
            let range = *place(&mut phase);
            fields.insert(min_field.to_owned(), json!(range.ms_min));
            fields.insert(max_field.to_owned(), json!(range.ms_max));
        }
        Value::Object(fields)
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn read_chance(fields: &Map<String, Value>, field: &'static str) -> Result<Probability, PhaseProblem> {
    let value = fields.get(field).ok_or(PhaseProblem::Missing(field))?;
    let chance = value.as_f64().and_then(Probability::new);
    chance.ok_or_else(|| PhaseProblem::NotAChance { field, found: value.to_string() })
}

fn read_range(
    fields: &Map<String, Value>,
    min_field: &'static str,
    max_field: &'static str,
) -> Result<LatencyRange, Vec<PhaseProblem>> {
    match (read_ms(fields, min_field), read_ms(fields, max_field)) {
        (Ok(ms_min), Ok(ms_max)) => LatencyRange::new(ms_min, ms_max)
            .ok_or_else(|| vec![PhaseProblem::EmptyRange { field: max_field, ms_max, min_field, ms_min }]),
        (min, max) => Err(min.err().into_iter().chain(max.err()).collect()),
    }
}

fn read_ms(fields: &Map<String, Value>, field: &'static str) -> Result<u64, PhaseProblem> {
    let value = fields.get(field).ok_or(PhaseProblem::Missing(field))?;
    let ms = value.as_u64().filter(|ms| *ms <= LATENCY_MS_LIMIT);
    ms.ok_or_else(|| PhaseProblem::NotMilliseconds { field, found: value.to_string() })
}

fn field_names() -> impl Iterator<Item = &'static str> {
    let ranges = RANGES.into_iter().flat_map(|(min, max, _)| [min, max]);
    CHANCES.into_iter().map(|(name, _)| name).chain(ranges)
}

fn is_field(key: &str) -> bool {
    field_names().any(|name| name == key)
}

fn unknown(key: &str) -> PhaseProblem {
    let shown = key.chars().take(60).collect();
    PhaseProblem::Unknown(shown, bellwether_diag::suggest(key, field_names()))
}

const fn p(chance: f64) -> Probability {
    Probability::literal(chance)
}

const fn ms(ms_min: u64, ms_max: u64) -> LatencyRange {
    LatencyRange::literal(ms_min, ms_max)
}

/// Challenge 1: a young service nobody has looked after.
const FIRST_DAY: Phase = Phase {
    chat_success: p(0.7),
    chat_safety_issue: p(0.2),
    chat_engaged: p(0.5),
    chat_acknowledged: p(0.15),
    chat_rejected: p(0.25),
    chat_unclassified: p(0.1),
    chat_sentiment_positive: p(0.4),
    chat_sentiment_negative: p(0.3),
    chat_sentiment_neutral: p(0.1),
    chat_sentiment_unclassified: p(0.2),
    login_success: p(0.99),
    startup_success: p(0.75),
    pref_update_success: p(0.84),
    pref_get_success: p(0.99),
    login_latency: ms(10, 200),
    chat_latency: ms(1607, 7683),
    startup_latency: ms(456, 1634),
    pref_get_latency: ms(153, 348),
    pref_update_latency: ms(463, 745),
};

/// Challenges 5 and 7: everything within its objectives.
const HEALTHY: Phase = Phase {
    chat_success: p(0.95),
    chat_safety_issue: p(0.1),
    chat_engaged: p(0.7),
    chat_acknowledged: p(0.15),
    chat_rejected: p(0.05),
    chat_unclassified: p(0.1),
    chat_sentiment_positive: p(0.6),
    chat_sentiment_negative: p(0.1),
    chat_sentiment_neutral: p(0.2),
    chat_sentiment_unclassified: p(0.1),
    login_success: p(0.999),
    startup_success: p(0.95),
    pref_update_success: p(0.99),
    pref_get_success: p(0.999),
    login_latency: ms(10, 200),
    chat_latency: ms(906, 4683),
    startup_latency: ms(400, 1000),
    pref_get_latency: ms(153, 348),
    pref_update_latency: ms(363, 645),
};

/// Challenge 6: chats slow down and please fewer users; all else stays well.
const DEGRADED: Phase =
    Phase { chat_engaged: p(0.5), chat_acknowledged: p(0.1), chat_latency: ms(3000, 8000), ..HEALTHY };
