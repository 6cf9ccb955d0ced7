//! What each stage decided, in the order in which an alert passes them.

use bellwether_model::{Alert, TimeDelta, Timestamp};

use super::facts::{AlertFacts, Facts, Hearing, LedgerEntry, RuleFacts, RuleState, Way};
use super::hearing::{Heard, first_look, heard, inhibited, muted, not_told, silenced, taken};
use super::verdict::{compared, holds};
use super::words::{clock, in_brackets, lasted, listed, number};
use super::{Stage, Step};
use crate::Status;

/// Messages of the ledger that are told one by one.
const MESSAGES_MAX: usize = 20;

pub(super) fn steps(facts: &Facts, now: Timestamp) -> Vec<Step> {
    let mut steps = Steps::default();
    match &facts.rule {
        Some(rule) => steps.rule(rule, now),
        None => steps.foreign(facts, now),
    }
    if let Some(alert) = &facts.alert {
        steps.routing(alert, now);
        steps.deadline(alert, facts.ack_deadline, now);
    }
    if let Some(life) = &facts.life {
        let receivers: Vec<&String> = life.row.receivers.iter().collect();
        match receivers.as_slice() {
            [] => steps.push(Stage::Route, false, "no receiver is recorded of that time".to_owned()),
            all => steps.push(Stage::Route, true, format!("to {}", listed(all))),
        }
        if let Some(why) = silenced(&life.silences, now) {
            steps.push(Stage::Silence, false, format!("{why} when it began"));
        }
    }
    // What goes on is told integration by integration; of what is over only the messages are left.
    if facts.alert.as_ref().is_none_or(|alert| alert.view.resolved) {
        for entry in facts.ledger.iter().take(MESSAGES_MAX).rev() {
            steps.message(entry, now);
        }
    }
    steps.0.sort_by_key(|step| step.stage);
    steps.0
}

/// What is known without asking rules or the ledger.
pub(super) fn of_routing(alert: &AlertFacts, now: Timestamp) -> Vec<Step> {
    let mut steps = Steps::default();
    steps.heard_of(&alert.view.alert, Some(alert.view.updated_at), now);
    steps.routing(alert, now);
    steps.0.sort_by_key(|step| step.stage);
    steps.0
}

#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn push(&mut self, stage: Stage, passed: bool, text: String) {
        self.0.push(Step { stage, passed, text });
    }

    /// Whoever sends alerts from outside says only that they fire.
    fn foreign(&mut self, facts: &Facts, now: Timestamp) {
        match (&facts.alert, &facts.life) {
            (Some(alert), _) => self.heard_of(&alert.view.alert, Some(alert.view.updated_at), now),
            (None, Some(life)) => self.heard_of(&life.row.alert, None, now),
            (None, None) => {
                self.push(Stage::Rule, false, "no rule or objective here raises it".to_owned());
            }
        }
    }

    fn heard_of(&mut self, alert: &Alert, heard_at: Option<Timestamp>, now: Timestamp) {
        let since = clock(alert.starts_at, now);
        let text = match (alert.ends_at.filter(|end| *end <= now), heard_at) {
            (Some(end), _) => format!("it fired from {since} to {}", clock(end, now)),
            (None, Some(at)) => format!("it fires since {since}; last heard of at {}", clock(at, now)),
            (None, None) => format!("it fires since {since}"),
        };
        self.push(Stage::Rule, alert.ends_at.is_none_or(|end| end > now), text);
    }

    fn rule(&mut self, rule: &RuleFacts, now: Timestamp) {
        let at = rule.evaluated_at.map(|at| format!(", last evaluated at {}", clock(at, now)));
        self.push(Stage::Rule, true, format!("{}: {}{}", rule.place, rule.condition, at.unwrap_or_default()));
        if let Some(error) = &rule.error {
            self.push(Stage::Rule, false, format!("its last evaluation failed: {error}"));
        }
        if rule.evaluated_at.is_none() && rule.is_objective {
            self.push(Stage::Rule, false, "nothing of its objective has been measured yet".to_owned());
        } else if rule.evaluated_at.is_none() {
            self.push(Stage::Rule, false, "it has not been evaluated yet".to_owned());
        }
        if rule.missed > 0 {
            self.push(Stage::Rule, false, format!("{} evaluations were due and did not happen", rule.missed));
        }
        for selector in &rule.absent {
            self.push(Stage::Rule, false, format!("no series matches {selector}"));
        }
        for measured in &rule.measured {
            let past = measured.past.map(|past| {
                let (low, high) = (number(past.lowest), number(past.highest));
                format!("; over the last {} between {low} and {high}", lasted(past.over))
            });
            let text = format!("{}{}", compared(measured), past.unwrap_or_default());
            self.push(Stage::Rule, holds(measured), text);
        }
        self.condition(rule, now);
    }

    fn condition(&mut self, rule: &RuleFacts, now: Timestamp) {
        let value = rule.value.map(|value| format!(", its value is {}", number(value))).unwrap_or_default();
        let hold = lasted(rule.hold);
        match rule.state {
            RuleState::Inactive => {
                self.push(Stage::Rule, false, "its condition does not hold".to_owned());
            }
            RuleState::Pending { since } => {
                self.push(
                    Stage::Rule,
                    true,
                    format!("its condition holds since {}{value}", clock(since, now)),
                );
                let fires_at = clock(since.saturating_add(rule.hold), now);
                let text = format!("it must hold for {hold} and fires at {fires_at} if it does until then");
                self.push(Stage::For, false, text);
            }
            RuleState::Firing { since, fired_at, kept } => {
                self.push(
                    Stage::Rule,
                    true,
                    format!("its condition holds since {}{value}", clock(since, now)),
                );
                let fired =
                    fired_at.map(|at| format!(" and fired at {}", clock(at, now))).unwrap_or_default();
                if rule.hold.0 > 0 || fired_at.is_some_and(|at| at != since) {
                    self.push(Stage::For, true, format!("it has held for {hold}{fired}"));
                }
                if kept {
                    let text = format!(
                        "its condition no longer holds; keep_firing_for {} holds it up",
                        lasted(rule.keep_firing)
                    );
                    self.push(Stage::For, true, text);
                }
            }
        }
    }

    fn routing(&mut self, alert: &AlertFacts, now: Timestamp) {
        if alert.ways.is_empty() {
            self.push(Stage::Route, false, "no group has it".to_owned());
        }
        for way in &alert.ways {
            self.way(way, now);
        }
        match inhibited(alert) {
            None => self.push(Stage::Inhibit, true, "no alert inhibits it".to_owned()),
            Some(_) if alert.inhibitors.is_empty() => {
                self.push(Stage::Inhibit, false, listed(&alert.view.status.inhibited_why));
            }
            Some(_) => {
                for source in &alert.inhibitors {
                    let rule = source.rule.clone().unwrap_or_else(|| "built in".to_owned());
                    self.push(Stage::Inhibit, false, format!("{} fires ({rule})", source.labels));
                }
            }
        }
        match silenced(&alert.silences, now) {
            None => self.push(Stage::Silence, true, "no silence covers it".to_owned()),
            Some(_) => {
                for silence in &alert.silences {
                    let one = silenced(std::slice::from_ref(silence), now).unwrap_or_default();
                    self.push(Stage::Silence, false, format!("{one}: {}", silence.id));
                }
            }
        }
        self.muted(alert, now);
        self.taken(alert, now);
        if !alert.view.resolved {
            self.heard(alert, now);
        }
    }

    fn way(&mut self, way: &Way, now: Timestamp) {
        let route = if way.route == "{}" { "the root route" } else { way.route.as_str() };
        let text = format!("to {} by {route}, in group {}", way.receiver, way.labels);
        if way.hearings.is_empty() {
            let text = format!("{text}; but receiver {} has no integrations", way.receiver);
            return self.push(Stage::Route, false, text);
        }
        self.push(Stage::Route, true, text);
        if !way.flushed {
            return self.push(Stage::Group, false, first_look(way, now));
        }
        let alerts = if way.alerts == 1 { "1 alert".to_owned() } else { format!("{} alerts", way.alerts) };
        let next = clock(way.next_flush, now);
        let text = format!("{alerts}; looked at every {}, next at {next}", lasted(way.group_interval));
        self.push(Stage::Group, true, text);
    }

    fn muted(&mut self, alert: &AlertFacts, now: Timestamp) {
        let mut some = false;
        for way in alert.ways.iter().filter(|way| !way.muted_by.is_empty()) {
            some = true;
            self.push(Stage::Mute, false, format!("{}: {}", way.receiver, muted(way, now)));
        }
        if !some {
            self.push(Stage::Mute, true, "no time interval mutes it now".to_owned());
        }
    }

    fn taken(&mut self, alert: &AlertFacts, now: Timestamp) {
        let handled = &alert.view.handled;
        if let Some(by) = &handled.resolved {
            let (at, note) = (clock(by.at, now), in_brackets(&by.note));
            let text = format!(
                "{} ended it by hand at {at}{note}; it fires again once its condition has cleared",
                by.by
            );
            self.push(Stage::Ack, false, text);
        }
        match (taken(alert, now), &handled.ack) {
            (Some(who), _) => self.push(Stage::Ack, false, format!("{who}: repeats have stopped")),
            (None, Some(old)) => {
                let end = old.until.map(|at| clock(at, now)).unwrap_or_default();
                self.push(Stage::Ack, true, format!("{} had it until {end}", old.by));
            }
            (None, None) => self.push(Stage::Ack, true, "nobody has taken it".to_owned()),
        }
    }

    /// By when somebody should take it.
    fn deadline(&mut self, alert: &AlertFacts, deadline: Option<TimeDelta>, now: Timestamp) {
        let is_taken = alert.view.handled.first_ack_at.is_some() || alert.view.resolved;
        let Some(deadline) = deadline.filter(|_| !is_taken) else { return };
        let until = alert.view.alert.starts_at.saturating_add(deadline);
        let (by, length) = (clock(until, now), lasted(deadline));
        let text = match now <= until {
            true => format!("somebody should take it by {by}, within {length} of firing"),
            false => format!("nobody took it by {by}, within {length} of firing, as its severity asks"),
        };
        self.push(Stage::Ack, now <= until, text);
    }

    /// What each integration has heard, and when it hears next.
    fn heard(&mut self, alert: &AlertFacts, now: Timestamp) {
        for way in &alert.ways {
            for hearing in &way.hearings {
                match heard(way, hearing) {
                    Heard::Knows { at } => self.knows(alert, (way, hearing), at, now),
                    Heard::Muted | Heard::FirstLook | Heard::StandsBy => {}
                    Heard::NextLook if alert.view.status.state == crate::AlertState::Suppressed => {}
                    Heard::OnItsWay | Heard::Waits { .. } | Heard::Refused { .. } | Heard::NextLook => {
                        let why = not_told(way, hearing, now).map(|not| not.why).unwrap_or_default();
                        self.push(Stage::Deliver, false, why);
                    }
                }
            }
        }
    }

    fn knows(
        &mut self,
        alert: &AlertFacts,
        (way, hearing): (&Way, &Hearing),
        at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let told = at.map(|at| format!(", last told at {}", clock(at, now))).unwrap_or_default();
        if hearing.stands_in {
            let text =
                format!("{} stands in for {}, which is not reached{told}", hearing.integration, way.receiver);
            return self.push(Stage::Deliver, true, text);
        }
        let repeat = match (at, taken(alert, now)) {
            (_, Some(_)) => "; not repeated while somebody has it".to_owned(),
            (Some(at), None) => {
                format!(
                    "; repeated after {}, at the first look from {} on",
                    lasted(way.repeat_interval),
                    clock(at.saturating_add(way.repeat_interval), now)
                )
            }
            (None, None) => String::new(),
        };
        self.push(Stage::Deliver, true, format!("{} knows that it fires{told}{repeat}", hearing.integration));
    }

    /// A message, and every attempt at it.
    fn message(&mut self, entry: &LedgerEntry, now: Timestamp) {
        let delivery = &entry.row.delivery;
        let status = match delivery.notification.status() {
            Status::Firing => "firing",
            Status::Resolved => "resolved",
        };
        let (why, to) = (delivery.notification.reason.explain(), &delivery.integration);
        let at = clock(delivery.decided_at, now);
        let head = format!("{at} to {to}, {status}, because {why}");
        let attempts: Vec<String> = (entry.attempts.iter())
            .map(|attempt| format!("{} at {}", attempt.receipt.describe(), clock(attempt.at, now)))
            .collect();
        let outcome = match (&entry.row.status, attempts.is_empty()) {
            (crate::DeliveryStatus::Delivered, true) => "taken".to_owned(),
            (crate::DeliveryStatus::Replaced { .. }, _) => {
                [attempts, vec!["replaced by a later message".to_owned()]].concat().join(", then ")
            }
            (crate::DeliveryStatus::Withdrawn { .. }, _) => {
                [attempts, vec!["taken back".to_owned()]].concat().join(", then ")
            }
            (crate::DeliveryStatus::Waiting { until, .. }, _) => {
                let again = format!("again at {}", clock(*until, now));
                [attempts, vec![again]].concat().join(", then ")
            }
            (crate::DeliveryStatus::InFlight, _) => {
                [attempts, vec!["on its way".to_owned()]].concat().join(", then ")
            }
            (crate::DeliveryStatus::Delivered | crate::DeliveryStatus::Failed { .. }, _) => {
                attempts.join(", then ")
            }
        };
        let passed = entry.row.status == crate::DeliveryStatus::Delivered;
        self.push(Stage::Deliver, passed, format!("{head}: {outcome}"));
    }
}
