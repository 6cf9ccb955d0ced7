//! The deciding cores put together: batches in; what to record, send, ask and store out.
//!
//! No clock, no I/O: the running server, the tests in virtual time and every replay drive this same value, so there
//! is no second way in which a sample becomes a message.

use std::borrow::Cow;
use std::sync::Arc;

use bellwether_alerts::{AlertCore, AlertSource, Answer, Delivery, HandOver, Post, PostId, Posted, Record};
use bellwether_ingest::relabel::Relabelling;
use bellwether_model::{Alert, Batch, Labels, SeriesId, TimeDelta, Timestamp};
use bellwether_rules::{QueryId, RuleChange, RuleEngine, RuleQuery, Written};
use bellwether_slo::{Correction, Question, Recalled, SloEngine};

/// What may happen to the pipeline.
#[derive(Debug)]
pub enum Input<'a> {
    /// A batch has become durable. Batches come in the order of the log.
    Batch {
        /// The batch.
        batch: &'a Batch,
        /// Looks up the labels of a series that has not been seen before.
        labels: &'a dyn Lookup,
    },
    /// Something about alerts, silences or deliveries.
    Alerts(bellwether_alerts::Event),
    /// A query that a rule asked has been answered.
    Rules(bellwether_rules::Event),
    /// A question that an objective asked has been answered.
    Answer(bellwether_slo::Answer),
    /// A request to an Alertmanager has been answered, or not.
    Posted(PostId, Posted),
    /// A wake-up is due.
    Tick,
}

/// Finds the labels of a series by its number.
pub trait Lookup: std::fmt::Debug {
    /// The labels; every series of a batch has some.
    fn labels(&self, id: SeriesId) -> Option<Labels>;

    /// Whether a limit had refused the series before it was made, so that it was not born then.
    fn was_refused(&self, _id: SeriesId) -> bool {
        false
    }
}

/// What is to be done, in this order: commit all records, give the answer, then everything else.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Write these down, in one transaction.
    pub records: Vec<Record>,
    /// And what rules must not forget, in the same one.
    pub rule_changes: Vec<RuleChange>,
    /// And corrections as they are from now on.
    pub corrections: Vec<Correction>,
    /// Tell whoever asked.
    pub answer: Option<Answer>,
    /// Send these and report back.
    pub deliveries: Vec<Delivery>,
    /// Post these to Alertmanagers and report back.
    pub posts: Vec<Post>,
    /// What rules ask for: store their results, then answer their queries.
    pub rule_work: Work,
    /// Whether what rules remember may have changed.
    pub rules_changed: bool,
    /// What objectives ask: evaluate and come back with the answers.
    pub questions: Vec<Question>,
}

/// A query that a rule asks.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its number.
    pub id: QueryId,
    /// What to evaluate.
    pub expr: Arc<RuleQuery>,
    /// The moment.
    pub at: Timestamp,
    /// Step of subqueries that state none: how often rules are evaluated.
    pub subquery_step: TimeDelta,
}

/// What one step of the rules asks for: store the results, then answer the queries, which may read them.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// Results to store first.
    pub results: Written,
    /// Queries to answer then.
    pub queries: Vec<Query>,
}

/// A record of the log.
#[derive(Clone, Copy, Debug)]
pub enum Replayed<'a> {
    /// A series was created.
    Series(SeriesId),
    /// A batch was appended.
    Batch(&'a Batch),
    /// What was written here cannot be read.
    Lost,
}

#[derive(Clone, Copy, Debug)]
enum Announced {
    Born,
    Known,
}

/// Objectives, rules and routing.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Budgets and burn-rate alerts.
    pub slo: SloEngine,
    /// Recording and alerting rules.
    pub rules: RuleEngine,
    /// Who hears what, when, and why.
    pub alerts: AlertCore,
    /// What Alertmanagers that are there already are told.
    pub hand_over: HandOver,
    /// Labels that tell this installation's alerts from another's.
    external_labels: Labels,
    /// What is done to alerts before Alertmanagers that are there already are handed them.
    alert_relabel: Relabelling,
    /// Series with smaller numbers have been announced.
    series_seen: u32,
}

impl Pipeline {
    /// From cores in whatever state the last process left them.
    pub fn new(slo: SloEngine, rules: RuleEngine, alerts: AlertCore) -> Self {
        let hand_over = HandOver::default();
        let (external_labels, alert_relabel) = (Labels::empty(), Relabelling::default());
        Self { slo, rules, alerts, hand_over, external_labels, alert_relabel, series_seen: 0 }
    }

    /// The same, telling alerts under these labels from the start.
    pub fn with_external_labels(self, external_labels: Labels) -> Self {
        Self { external_labels, ..self }
    }

    /// The same, relabelling what is handed over from the start.
    pub fn with_alert_relabel(self, alert_relabel: Relabelling) -> Self {
        Self { alert_relabel, ..self }
    }

    /// Relabels what is handed over like this from now on. What fires under labels that are no longer told ends there;
    /// alerts of rules run out by themselves, since they are told anew with every evaluation.
    pub fn set_alert_relabel(&mut self, alert_relabel: Relabelling, now: Timestamp) {
        if self.alert_relabel == alert_relabel {
            return;
        }
        let open = self.alerts.open_ended();
        let ended =
            open.iter().map(|alert| Alert { ends_at: Some(now.max(alert.starts_at)), ..alert.clone() });
        let ended: Vec<Alert> = ended.collect();
        self.hand_over.hear(&relabelled(&ended, &self.alert_relabel), now);
        self.alert_relabel = alert_relabel;
        self.hand_over.hear(&relabelled(&open, &self.alert_relabel), now);
    }

    /// Takes in what happened; what one core says about alerts goes to the one that routes them.
    pub fn step(&mut self, input: Input<'_>, now: Timestamp) -> Outcome {
        let mut outcome = Outcome::default();
        match input {
            Input::Batch { batch, labels } => {
                let alerts = self.count(batch, labels, now);
                self.hear(alerts, now, &mut outcome);
            }
            Input::Alerts(event) => self.route(event, now, &mut outcome),
            Input::Rules(event) => self.run_rules(event, now, &mut outcome),
            Input::Answer(answer) => {
                let effects = self.slo.step(bellwether_slo::Event::Answer(answer), now);
                self.take_slo_effects(effects, now, &mut outcome);
            }
            Input::Posted(id, what) => self.hand_over.posted(id, what, now),
            Input::Tick => {
                let effects = self.slo.step(bellwether_slo::Event::Tick, now);
                self.take_slo_effects(effects, now, &mut outcome);
                self.run_rules(bellwether_rules::Event::Wake, now, &mut outcome);
                self.route(bellwether_alerts::Event::Tick, now, &mut outcome);
            }
        }
        outcome.posts = self.hand_over.posts(now);
        outcome
    }

    /// Routes what objectives say, and passes on what they ask.
    fn take_slo_effects(
        &mut self,
        effects: Vec<bellwether_slo::Effect>,
        now: Timestamp,
        outcome: &mut Outcome,
    ) {
        let mut alerts = Vec::new();
        for effect in effects {
            match effect {
                bellwether_slo::Effect::Alert(alert) => alerts.push(alert),
                bellwether_slo::Effect::Ask(question) => outcome.questions.push(question),
            }
        }
        self.hear(alerts, now, outcome);
    }

    /// Counts a batch that has just arrived, without routing what follows from it.
    fn count(&mut self, batch: &Batch, labels: &dyn Lookup, now: Timestamp) -> Vec<Alert> {
        if let Some(last) = batch.series().map(|id| id.0).max() {
            self.announce(last + 1, Announced::Born, labels, now);
        }
        alerts_of(self.slo.step(bellwether_slo::Event::Batch(batch), now))
    }

    /// Takes in one record of the log while a server starts. Series that the log does not create here existed
    /// before, so their first value is no event; and what follows is routed once, at the end.
    pub fn replay(&mut self, record: Replayed<'_>, labels: &dyn Lookup) -> Vec<Alert> {
        match record {
            Replayed::Series(id) => {
                self.announce(id.0, Announced::Known, labels, Timestamp::MIN);
                self.announce(id.0 + 1, Announced::Born, labels, Timestamp::MIN);
                Vec::new()
            }
            Replayed::Lost => alerts_of(self.slo.step(bellwether_slo::Event::Lost, Timestamp::MIN)),
            Replayed::Batch(batch) => {
                if let Some(last) = batch.series().map(|id| id.0).max() {
                    self.announce(last + 1, Announced::Known, labels, batch.at);
                }
                alerts_of(self.slo.step(bellwether_slo::Event::Batch(batch), batch.at))
            }
        }
    }

    /// Says that all series of the store existed before whatever comes next.
    pub fn announce_known(&mut self, series: u32, labels: &dyn Lookup) {
        self.announce(series, Announced::Known, labels, Timestamp::MIN);
    }

    /// Says that all series of the store that were not announced yet were born after whatever came before.
    pub fn announce_born(&mut self, series: u32, labels: &dyn Lookup) {
        self.announce(series, Announced::Born, labels, Timestamp::MIN);
    }

    /// Routes our own alerts, under the external labels that they do not set themselves.
    pub fn hear(&mut self, mut alerts: Vec<Alert>, now: Timestamp, outcome: &mut Outcome) {
        if !self.external_labels.is_empty() {
            for alert in &mut alerts {
                alert.labels = Labels::from_pairs(self.external_labels.iter().chain(alert.labels.iter()));
            }
        }
        self.route_ours(alerts, now, outcome);
    }

    fn route_ours(&mut self, alerts: Vec<Alert>, now: Timestamp, outcome: &mut Outcome) {
        if !alerts.is_empty() {
            self.hand_over.hear(&relabelled(&alerts, &self.alert_relabel), now);
            self.route(bellwether_alerts::Event::Alerts { source: AlertSource::Rules, alerts }, now, outcome);
        }
    }

    /// Tells alerts under these labels from now on. An alert's labels are its identity, so that what fires under the
    /// old ones ends; whatever still fires is told anew when it is next repeated.
    pub fn set_external_labels(&mut self, labels: Labels, now: Timestamp, outcome: &mut Outcome) {
        if self.external_labels != labels {
            let open = self.alerts.open_ended();
            self.external_labels = labels;
            self.end(open, "it is told under other external labels from now on", now, outcome);
        }
    }

    fn end(&mut self, alerts: Vec<Alert>, why: &str, now: Timestamp, outcome: &mut Outcome) {
        let ended = alerts.into_iter().map(|alert| Alert {
            annotations: Labels::from_pairs([("summary", why)]),
            ends_at: Some(now.max(alert.starts_at)),
            ..alert
        });
        self.route_ours(ended.collect(), now, outcome);
    }

    /// After a restart: what routing remembers as firing is brought back to the objectives, which end it when it is
    /// over. A fold of the samples brings back what follows from samples, but not that there were none. What no
    /// objective has any more would never be ended by anyone, and ends now.
    pub fn recall(&mut self, now: Timestamp, outcome: &mut Outcome) {
        let external: Vec<(String, String)> =
            self.external_labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // Only objectives leave an alert without an end: those of rules and of others run out unless repeated.
        let mut open = self.alerts.open_ended();
        open.retain(|alert| {
            // An objective may set a label that is also an external one: then it knows the alert as it is.
            let added = external.iter().filter(|(name, value)| alert.labels.get(name) == Some(value));
            let added: Vec<&str> = added.map(|(name, _)| name.as_str()).collect();
            let bare = Alert { labels: alert.labels.without(&added), ..alert.clone() };
            [&bare, alert].into_iter().all(|alert| self.slo.recall(alert, now) == Recalled::Orphaned)
        });
        self.end(open, "no objective has this alert any more", now, outcome);
    }

    /// When to call with [`Input::Tick`] at the latest.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.next_wake_of_sources().into_iter().chain(self.alerts.next_wake()).min()
    }

    /// The same without the groups that are due.
    pub fn next_wake_of_sources(&self) -> Option<Timestamp> {
        let cores = [self.slo.next_wake(), self.rules.next_wake(), self.hand_over.next_wake()];
        cores.into_iter().flatten().min()
    }

    /// Announces all series below a number that have not been announced yet.
    fn announce(&mut self, below: u32, how: Announced, known: &dyn Lookup, now: Timestamp) {
        for id in (self.series_seen..below).map(SeriesId) {
            let Some(labels) = known.labels(id) else { continue };
            let event = match how {
                Announced::Born if known.was_refused(id) => {
                    bellwether_slo::Event::SeriesKnown { id, labels: &labels }
                }
                Announced::Born => bellwether_slo::Event::SeriesBorn { id, labels: &labels },
                Announced::Known => bellwether_slo::Event::SeriesKnown { id, labels: &labels },
            };
            self.slo.step(event, now);
        }
        self.series_seen = self.series_seen.max(below);
    }

    fn route(&mut self, event: bellwether_alerts::Event, now: Timestamp, outcome: &mut Outcome) {
        for effect in self.alerts.step(event, now) {
            match effect {
                bellwether_alerts::Effect::Record(record) => outcome.records.push(record),
                bellwether_alerts::Effect::Answer(answer) => outcome.answer = Some(answer),
                bellwether_alerts::Effect::Deliver(delivery) => outcome.deliveries.push(*delivery),
            }
        }
    }

    fn run_rules(&mut self, event: bellwether_rules::Event, now: Timestamp, outcome: &mut Outcome) {
        let effects = self.rules.step(event, now);
        self.take_rule_effects(effects, now, outcome);
    }

    /// The clock was set back: nothing waits for a moment of the time it showed.
    pub fn clock_set_back(&mut self, by: TimeDelta, now: Timestamp) {
        self.rules.clock_set_back(now);
        self.alerts.clock_set_back(by, now);
        self.slo.clock_set_back(now);
    }

    /// Takes in what the rules say, e.g. after they were loaded anew.
    pub fn take_rule_effects(
        &mut self,
        effects: Vec<bellwether_rules::Effect>,
        now: Timestamp,
        outcome: &mut Outcome,
    ) {
        outcome.rules_changed |= !effects.is_empty();
        outcome.rule_changes.extend(self.rules.take_changes());
        for effect in effects {
            match effect {
                bellwether_rules::Effect::Query { id, expr, at } => {
                    let subquery_step = self.rules.options().interval;
                    outcome.rule_work.queries.push(Query { id, expr, at, subquery_step });
                }
                bellwether_rules::Effect::Append(results) => outcome.rule_work.results.append(results),
                bellwether_rules::Effect::Alerts(alerts) => self.hear(alerts, now, outcome),
            }
        }
    }
}

/// Alerts under the labels that rules leave them, without those that a rule drops.
fn relabelled<'a>(alerts: &'a [Alert], rules: &Relabelling) -> Cow<'a, [Alert]> {
    if rules.is_empty() {
        return Cow::Borrowed(alerts);
    }
    let relabel = |alert: &Alert| Some(Alert { labels: rules.of(alert.labels.clone())?, ..alert.clone() });
    Cow::Owned(alerts.iter().filter_map(relabel).collect())
}

/// What objectives say of a batch or of a reload, which ask nothing: only time that passes does.
pub fn alerts_of(effects: Vec<bellwether_slo::Effect>) -> Vec<Alert> {
    let alerts = effects.into_iter().filter_map(|effect| match effect {
        bellwether_slo::Effect::Alert(alert) => Some(alert),
        bellwether_slo::Effect::Ask(_) => None,
    });
    alerts.collect()
}
