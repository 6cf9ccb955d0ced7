//! Alerts for Alertmanagers that are there already: which member of the cluster is told of what, and when.
//!
//! Every member is told everything, since members deduplicate among themselves and any of them may be gone. What
//! fires is told again each minute and said to end four minutes later, as Prometheus does, so that an alert whose
//! source is gone ends by itself. A member that cannot be reached holds up no other; when it is back it is told
//! everything that fires. Nothing of this has to survive a restart: whatever fires is heard of again within a minute.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Alert, AlertFingerprint, TimeDelta, Timestamp};
use serde::Serialize;

/// What fires is told again after this long. Prometheus' `--rules.alert.resend-delay`.
const RESEND_EVERY: TimeDelta = TimeDelta::MINUTE;
/// What fires is said to end this long after it was told, unless told again. Prometheus' four resends.
const ENDS_AFTER: TimeDelta = TimeDelta(4 * RESEND_EVERY.0);
/// What is over is offered to a member that cannot be reached this long; by then it ended there by itself.
const OVER_KEPT: TimeDelta = TimeDelta(15 * TimeDelta::MINUTE.0);
/// Alerts in one request. Prometheus' default.
const BATCH_MAX: usize = 256;
/// Alerts that are held at most, firing or over. Prometheus' default capacity.
pub const HELD_MAX: usize = 10_000;
/// Longest pause before a member is tried again.
const PAUSE_MAX: TimeDelta = TimeDelta(15 * TimeDelta::SECOND.0);

/// Which request to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostId(pub u64);

/// A request to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// To be given back with the answer.
    pub id: PostId,
    /// Which member.
    pub member: String,
    /// The alerts; what fires has an end in the future.
    pub alerts: Vec<Alert>,
}

impl Post {
    /// The body of `POST /api/v2/alerts`.
    pub fn body(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct BodyAlert<'a> {
            labels: &'a bellwether_model::Labels,
            annotations: &'a bellwether_model::Labels,
            starts_at: String,
            ends_at: Option<String>,
            #[serde(rename = "generatorURL")]
            generator_url: &'a str,
        }
        let alerts = self.alerts.iter().map(|alert| BodyAlert {
            labels: &alert.labels,
            annotations: &alert.annotations,
            starts_at: alert.starts_at.to_string(),
            ends_at: alert.ends_at.map(|at| at.to_string()),
            generator_url: &alert.generator_url,
        });
        serde_json::to_string(&alerts.collect::<Vec<_>>()).unwrap_or_default()
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// The member took it.
    Taken,
    /// The member will never take it.
    Refused {
        /// Why, without secrets.
        why: String,
    },
    /// The member could not be reached, or not now.
    Unreachable {
        /// Why, without secrets.
        why: String,
    },
}

/// How well a member can be reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberStatus {
    /// Its address without secrets.
    pub member: String,
    /// Alerts that it has still to be told of.
    pub waiting: usize,
    /// Since when it could not be reached, or took nothing.
    pub failing_since: Option<Timestamp>,
    /// Why the last request failed; empty when it did not.
    pub error: String,
    /// Alerts it took.
    pub taken: u64,
    /// Alerts it refused.
    pub refused: u64,
}

/// Alerts on their way to the members of a cluster.
#[derive(Clone, Debug, Default)]
pub struct HandOver {
    members: Vec<Member>,
    held: BTreeMap<AlertFingerprint, Alert>,
    /// Alerts there was no room for.
    dropped: u64,
    last_id: u64,
}

#[derive(Clone, Debug)]
struct Member {
    name: String,
    due_at: BTreeMap<AlertFingerprint, Timestamp>,
    /// The same, those due first first.
    due: BTreeSet<(Timestamp, AlertFingerprint)>,
    /// The request under way, and which of its alerts it says are over.
    in_flight: Option<(PostId, Vec<(AlertFingerprint, bool)>)>,
    failures: u32,
    /// It is not tried before this.
    next_try: Timestamp,
    failing_since: Option<Timestamp>,
    error: String,
    taken: u64,
    refused: u64,
}

impl Member {
    fn new(name: String) -> Self {
        Self {
            name,
            due_at: BTreeMap::new(),
            due: BTreeSet::new(),
            in_flight: None,
            failures: 0,
            next_try: Timestamp::MIN,
            failing_since: None,
            error: String::new(),
            taken: 0,
            refused: 0,
        }
    }

    fn schedule(&mut self, fingerprint: AlertFingerprint, at: Timestamp) {
        self.forget(fingerprint);
        self.due_at.insert(fingerprint, at);
        self.due.insert((at, fingerprint));
    }

    fn forget(&mut self, fingerprint: AlertFingerprint) {
        if let Some(at) = self.due_at.remove(&fingerprint) {
            self.due.remove(&(at, fingerprint));
        }
    }

    fn expects(&self, fingerprint: AlertFingerprint) -> bool {
        let in_flight = self.in_flight.iter().flat_map(|(_, sent)| sent);
        self.due_at.contains_key(&fingerprint) || in_flight.into_iter().any(|(f, _)| *f == fingerprint)
    }

    fn wake(&self) -> Option<Timestamp> {
        if self.in_flight.is_some() {
            return None;
        }
        self.due.first().map(|(at, _)| (*at).max(self.next_try))
    }

    fn failed(&mut self, why: String, now: Timestamp) {
        self.failing_since.get_or_insert(now);
        self.error = why;
    }
}

impl HandOver {
    /// To these members from now on. What was waiting for one that stays still waits; a new one is told everything.
    pub fn set_members(&mut self, names: Vec<String>, now: Timestamp) {
        let mut before: BTreeMap<String, Member> =
            std::mem::take(&mut self.members).into_iter().map(|m| (m.name.clone(), m)).collect();
        for name in names {
            if self.members.iter().any(|member| member.name == name) {
                continue;
            }
            let member = before.remove(&name).unwrap_or_else(|| {
                let mut member = Member::new(name);
                self.held.keys().for_each(|fingerprint| member.schedule(*fingerprint, now));
                member
            });
            self.members.push(member);
        }
        if self.members.is_empty() {
            self.held.clear();
        }
    }

    /// Alerts of our own, firing or over. One that is over and was never heard of is nobody's concern.
    pub fn hear(&mut self, alerts: &[Alert], now: Timestamp) {
        if self.members.is_empty() {
            return;
        }
        for alert in alerts {
            let (fingerprint, is_over) = (alert.fingerprint(), alert.is_resolved(now));
            let was_over = self.held.get(&fingerprint).map(|before| before.is_resolved(now));
            let is_news = match was_over {
                None if is_over => continue,
                None if !self.has_room(now) => {
                    self.dropped += 1;
                    continue;
                }
                None => true,
                Some(was_over) => was_over != is_over,
            };
            self.held.insert(fingerprint, alert.clone());
            if is_news {
                self.members.iter_mut().for_each(|member| member.schedule(fingerprint, now));
            }
        }
    }

    /// Whether another alert can be held; what is over makes room for what fires.
    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.held.len() < HELD_MAX {
            return true;
        }
        let over = self.held.iter().find(|(_, alert)| alert.is_resolved(now)).map(|(f, _)| *f);
        if let Some(fingerprint) = over {
            self.release(fingerprint);
            self.dropped += 1;
        }
        over.is_some()
    }

    fn release(&mut self, fingerprint: AlertFingerprint) {
        self.held.remove(&fingerprint);
        self.members.iter_mut().for_each(|member| member.forget(fingerprint));
    }

    /// The requests that are due: at most one per member is under way.
    pub fn posts(&mut self, now: Timestamp) -> Vec<Post> {
        let mut posts = Vec::new();
        for member in &mut self.members {
            if member.wake().is_none_or(|at| at > now) {
                continue;
            }
            let due: Vec<AlertFingerprint> = member
                .due
                .iter()
                .take_while(|(at, _)| *at <= now)
                .map(|(_, fingerprint)| *fingerprint)
                .take(BATCH_MAX)
                .collect();
            due.iter().for_each(|fingerprint| member.forget(*fingerprint));
            let known: Vec<(AlertFingerprint, &Alert)> =
                due.into_iter().filter_map(|f| Some((f, self.held.get(&f)?))).collect();
            if known.is_empty() {
                continue;
            }
            self.last_id += 1;
            let id = PostId(self.last_id);
            member.in_flight =
                Some((id, known.iter().map(|(f, alert)| (*f, alert.is_resolved(now))).collect()));
            let alerts = known.iter().map(|(_, alert)| as_told(alert, now)).collect();
            posts.push(Post { id, member: member.name.clone(), alerts });
        }
        posts
    }

    /// A request has been answered, or not.
    pub fn posted(&mut self, id: PostId, outcome: Posted, now: Timestamp) {
        let is_it = |member: &&mut Member| member.in_flight.as_ref().is_some_and(|(flying, _)| *flying == id);
        let Some(member) = self.members.iter_mut().find(is_it) else { return };
        let Some((_, sent)) = member.in_flight.take() else { return };
        let (count, next) = (sent.len() as u64, now + RESEND_EVERY);
        let mut is_back = false;
        let again = match outcome {
            Posted::Taken => {
                is_back = member.failures > 0;
                (member.failures, member.failing_since, member.next_try) = (0, None, now);
                member.error.clear();
                member.taken += count;
                next
            }
            Posted::Refused { why } => {
                (member.failures, member.next_try) = (0, now);
                member.failed(why, now);
                member.refused += count;
                next
            }
            Posted::Unreachable { why } => {
                member.failures += 1;
                member.next_try = now + pause(member.failures);
                member.failed(why, now);
                now
            }
        };
        for (fingerprint, was_over) in &sent {
            // What was heard of meanwhile is due already, and what is over is told once.
            let is_done = *was_over && again == next;
            if !is_done && !member.due_at.contains_key(fingerprint) {
                member.schedule(*fingerprint, again);
            }
        }
        if is_back {
            // It may have been away because it was started anew, and remember nothing of what it was told before.
            let told: BTreeSet<AlertFingerprint> = sent.iter().map(|(fingerprint, _)| *fingerprint).collect();
            let firing = self.held.iter().filter(|(f, alert)| !told.contains(f) && !alert.is_resolved(now));
            firing.for_each(|(fingerprint, _)| member.schedule(*fingerprint, now));
        }
        for (fingerprint, _) in sent {
            self.release_if_over(fingerprint, now);
        }
    }

    /// What is over is let go once every member knows, or the last one has been waited for long enough.
    fn release_if_over(&mut self, fingerprint: AlertFingerprint, now: Timestamp) {
        let Some(alert) = self.held.get(&fingerprint).filter(|alert| alert.is_resolved(now)) else { return };
        let is_known = !self.members.iter().any(|member| member.expects(fingerprint));
        if is_known || alert.ends_at.is_some_and(|end| now - end > OVER_KEPT) {
            self.release(fingerprint);
        }
    }

    /// When to ask for [`HandOver::posts`] at the latest.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.members.iter().filter_map(Member::wake).min()
    }

    /// How well each member can be reached.
    pub fn status(&self) -> Vec<MemberStatus> {
        let status = |member: &Member| MemberStatus {
            member: member.name.clone(),
            waiting: member.due_at.len() + member.in_flight.as_ref().map_or(0, |(_, sent)| sent.len()),
            failing_since: member.failing_since,
            error: member.error.clone(),
            taken: member.taken,
            refused: member.refused,
        };
        self.members.iter().map(status).collect()
    }

    /// Alerts there was no room for.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What keeps alerts from a member, in one sentence that changes only when something does.
    pub fn trouble(&self) -> Option<String> {
        let failing = self.members.iter().filter_map(|member| {
            let since = member.failing_since?;
            Some(format!("alerts do not reach {} since {since}: {}", member.name, member.error))
        });
        let dropped = (self.dropped > 0)
            .then(|| format!("{} alerts were not handed over: more than {HELD_MAX} are held", self.dropped));
        let all: Vec<String> = failing.chain(dropped).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// An alert as a member is told of it.
fn as_told(alert: &Alert, now: Timestamp) -> Alert {
    match alert.is_resolved(now) {
        true => alert.clone(),
        false => {
            let end = now + ENDS_AFTER;
            Alert { ends_at: Some(alert.ends_at.map_or(end, |stated| stated.max(end))), ..alert.clone() }
        }
    }
}

/// One second, then twice as long each time.
fn pause(failures: u32) -> TimeDelta {
    let seconds = 1_i64 << failures.saturating_sub(1).min(10);
    TimeDelta((seconds * TimeDelta::SECOND.0).min(PAUSE_MAX.0))
}
