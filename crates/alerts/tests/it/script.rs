//! Tiny scripts in virtual time: what happens on the left, what people hear on the right.
//!
//! ```text
//! 0s    fire api team=web      our rules say that an alert fires
//! 0s    post api               someone says so over the API, without an end
//! 1m    post-again api         and again, as Prometheus does
//! 0s    resolve api
//! 0s    answer 503 | answer 429 60s | answer none | answer lost | answer ok      what receivers answer from now on
//! 0s    answer 503 to desk     what one of them does
//! 0s    ack api team=web by ann for 1h | unack api by ann | end-by-hand api by ann
//! 0s    note api by ann | judge api real by ann | judge api false by ann
//! 0s    drill desk | drill all
//! 0s    silence ID 1h team="web"
//! 0s    expire ID | expire-last a0          that one, or all whose names end like this
//! 0s    crash                  only what was written down survives
//! 0s    end                    the script goes on until then
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_alerts::{
    Action, AlertCore, AlertSource, Answer, Config, Deed, Delivery, DeliveryKey, DrillWish, Effect, Event,
    IntegrationKind, Judgement, Reason, Receipt, Setup, SilenceId, SilenceWish, Status, Subject, Templates,
    parse_matchers,
};
use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Alert, AlertFingerprint, Labels, TimeDelta, Timestamp};

use crate::ledger::Ledger;

pub(crate) const ONE_WEBHOOK: &str = "
route: {receiver: hook, group_by: [team], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
receivers:
  - name: hook
    webhook_configs: [{url: 'http://hook.example/'}]
";

pub(crate) fn config(yaml: &str) -> Arc<Config> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("alertmanager.yml", yaml);
    let config = Config::read(&sources, file, &mut out);
    Arc::new(config.unwrap_or_else(|| panic!("{}", out.render(&sources, Style { color: false }))))
}

pub(crate) fn setup(yaml: &str) -> Setup {
    Setup {
        config: config(yaml),
        templates: Arc::new(Templates::default()),
        external_url: "http://bellwether.example".to_owned(),
        precedence: Arc::default(),
        fallback: None,
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Receipt(Receipt),
    /// No outcome ever comes back.
    None,
}

pub(crate) struct Player {
    pub(crate) core: AlertCore,
    pub(crate) ledger: Ledger,
    pub(crate) heard: Vec<String>,
    pub(crate) accepted: Vec<Delivery>,
    pub(crate) tried: Vec<Delivery>,
    pub(crate) setup: Setup,
    reply: Reply,
    /// Of single receivers.
    replies: BTreeMap<String, Reply>,
    drills: usize,
    /// What time it is: it never goes back.
    now: Timestamp,
    fired: BTreeMap<Labels, Timestamp>,
}

impl Player {
    pub(crate) fn new(yaml: &str) -> Self {
        Self::with(setup(yaml))
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let core = AlertCore::restore(setup.clone(), Default::default(), Timestamp(0));
        let reply = ok();
        Self {
            core,
            ledger: Ledger::default(),
            heard: vec![],
            accepted: vec![],
            tried: vec![],
            setup,
            reply,
            replies: BTreeMap::new(),
            drills: 0,
            now: Timestamp(0),
            fired: BTreeMap::new(),
        }
    }

    pub(crate) fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let (at, what) = line.split_once(' ').unwrap();
            let at = Timestamp(0) + at.parse::<TimeDelta>().unwrap();
            self.run_until(at);
            self.act(what.trim(), at);
        }
    }

    pub(crate) fn run_until(&mut self, end: Timestamp) {
        let mut steps = 0;
        while let Some(wake) = self.core.next_wake().filter(|wake| *wake <= end) {
            self.step(Event::Tick, wake.max(self.now));
            steps += 1;
            assert!(steps < 100_000, "the core never rests");
        }
    }

    fn act(&mut self, what: &str, now: Timestamp) {
        let words: Vec<_> = what.split_whitespace().collect();
        match words.as_slice() {
            ["fire", name, labels @ ..] => {
                let labels = labels_of(name, labels);
                let starts_at = *self.fired.entry(labels.clone()).or_insert(now);
                self.hear(AlertSource::Rules, alert(labels, starts_at, None), now);
            }
            ["post", name, labels @ ..] => {
                self.hear(AlertSource::Api, alert(labels_of(name, labels), now, None), now);
            }
            ["post-again", name, labels @ ..] => {
                let labels = labels_of(name, labels);
                let known = self.core.alert(AlertFingerprint(labels.fingerprint()), now);
                let starts_at = known.map_or(now, |view| view.alert.starts_at);
                self.hear(AlertSource::Api, alert(labels, starts_at, None), now);
            }
            ["resolve", name, labels @ ..] => {
                let labels = labels_of(name, labels);
                let starts_at = self.fired.remove(&labels).unwrap_or(now);
                self.hear(AlertSource::Rules, alert(labels, starts_at, Some(now)), now);
            }
            ["answer", answer @ .., "to", receiver] => {
                self.replies.insert((*receiver).to_owned(), reply_of(answer));
            }
            ["answer", answer @ ..] => self.set_reply(reply_of(answer)),
            [deed @ ("ack" | "unack" | "end-by-hand" | "note"), alert @ .., "by", who] => {
                self.do_to(alert, deed_of(deed, None), who, now);
            }
            ["ack", alert @ .., "by", who, "for", length] => {
                let until = now + length.parse::<TimeDelta>().unwrap();
                self.do_to(alert, deed_of("ack", Some(until)), who, now);
            }
            ["judge", alert @ .., judgement, "by", who] => {
                let judgement = match *judgement {
                    "real" => Judgement::Real,
                    "false" => Judgement::FalsePositive,
                    other => panic!("unknown judgement {other}"),
                };
                self.do_to(alert, Deed::Judge(judgement), who, now);
            }
            ["drill", receiver] => _ = self.drill(receiver, now),
            ["silence", id, length, matchers] => {
                let wish = SilenceWish {
                    id: None,
                    new_id: SilenceId((*id).to_owned()),
                    matchers: parse_matchers(matchers).unwrap(),
                    starts_at: now,
                    ends_at: now + length.parse::<TimeDelta>().unwrap(),
                    created_by: "ann".to_owned(),
                    comment: "testing".to_owned(),
                    annotations: BTreeMap::new(),
                };
                let effects = self.step(Event::SetSilence(wish), now);
                assert!(effects.contains(&Effect::Answer(Answer::Silence(Ok(SilenceId((*id).to_owned()))))));
            }
            ["expire", id] => {
                let id = SilenceId((*id).to_owned());
                self.step(Event::ExpireSilence { id, by: "ann".to_owned() }, now);
            }
            ["expire-last", name] => {
                let covers = |id: &SilenceId| id.0.ends_with(*name);
                let ids = self.core.silences(now).into_iter().map(|view| view.silence.id).filter(covers);
                for id in ids.collect::<Vec<_>>() {
                    self.step(Event::ExpireSilence { id, by: "ann".to_owned() }, now);
                }
            }
            ["crash"] => self.crash(now),
            ["end"] => {}
            other => panic!("unknown line {other:?}"),
        }
        self.run_until(now);
    }

    pub(crate) fn hear(&mut self, source: AlertSource, alert: Alert, now: Timestamp) {
        self.step(Event::Alerts { source, alerts: vec![alert] }, now);
    }

    pub(crate) fn set_reply(&mut self, reply: Reply) {
        self.reply = reply;
        self.replies.clear();
    }

    fn do_to(&mut self, alert: &[&str], deed: Deed, who: &str, now: Timestamp) {
        let labels = labels_of(alert[0], &alert[1..]);
        let subject = Subject::Alert(AlertFingerprint(labels.fingerprint()));
        let action = Action { subject, deed, by: who.to_owned(), note: format!("by {who}") };
        // What may be refused is asked for all the same: a random script does not know what fires.
        self.step(Event::Act(action), now);
    }

    /// Asks for a drill of one receiver, or of `all`; gives the names of the messages.
    pub(crate) fn drill(&mut self, receiver: &str, now: Timestamp) -> Vec<DeliveryKey> {
        self.drills += 1;
        let receiver = Some(receiver.to_owned()).filter(|name| name != "all");
        let wish = DrillWish { receiver, id: format!("d{}", self.drills), by: "ann".to_owned() };
        let effects = self.step(Event::Drill(wish), now);
        let keys = effects.into_iter().find_map(|effect| match effect {
            Effect::Answer(Answer::Drilled(keys)) => Some(keys),
            Effect::Answer(_) | Effect::Record(_) | Effect::Deliver(_) => None,
        });
        keys.expect("an answer")
    }

    pub(crate) fn crash(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.core = AlertCore::restore(self.setup.clone(), self.ledger.restored(), now);
    }

    pub(crate) fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        self.now = self.now.max(now);
        let effects = self.core.step(event, now);
        self.ledger.commit(&effects);
        for effect in &effects {
            if let Effect::Deliver(delivery) = effect {
                self.deliver(delivery, now);
            }
        }
        effects
    }

    fn deliver(&mut self, delivery: &Delivery, now: Timestamp) {
        self.heard.push(line(delivery, now));
        self.tried.push(delivery.clone());
        let reply = self.replies.get(&delivery.integration.receiver).unwrap_or(&self.reply);
        if let Reply::Receipt(receipt) = reply.clone() {
            if let Receipt::Accepted { .. } = receipt {
                self.accepted.push(delivery.clone());
            }
            self.step(Event::Delivered { delivery: delivery.key.clone(), outcome: receipt.into() }, now);
        }
    }
}

pub(crate) fn ok() -> Reply {
    Reply::Receipt(Receipt::Accepted { status: 200 })
}

fn reply_of(answer: &[&str]) -> Reply {
    match answer {
        ["ok"] => ok(),
        ["none"] => Reply::None,
        ["lost"] => Reply::Receipt(Receipt::Unreachable { reason: "connection refused".to_owned() }),
        ["part"] => {
            let left_out = "bob@example.org (550 no such user)".to_owned();
            Reply::Receipt(Receipt::AcceptedInPart { status: 250, left_out })
        }
        [status, after @ ..] => {
            let retry_after = after.first().map(|a| a.parse().unwrap());
            let status = status.parse().unwrap();
            Reply::Receipt(Receipt::Refused { status, body: "busy".to_owned(), retry_after })
        }
        [] => panic!("answer what?"),
    }
}

fn deed_of(word: &str, until: Option<Timestamp>) -> Deed {
    match word {
        "ack" => Deed::Acknowledge { until },
        "unack" => Deed::Unacknowledge,
        "end-by-hand" => Deed::Resolve,
        "note" => Deed::Note,
        other => panic!("unknown deed {other}"),
    }
}

pub(crate) fn labels_of(name: &str, labels: &[&str]) -> Labels {
    let pairs = labels.iter().map(|l| l.split_once('=').unwrap());
    Labels::from_pairs(std::iter::once(("alertname", name)).chain(pairs))
}

pub(crate) fn alert(labels: Labels, starts_at: Timestamp, ends_at: Option<Timestamp>) -> Alert {
    Alert { labels, annotations: Labels::empty(), starts_at, ends_at, generator_url: String::new() }
}

fn line(delivery: &Delivery, now: Timestamp) -> String {
    let names = |status: Status| {
        delivery.notification.with_status(status).map(|a| a.name().to_owned()).collect::<Vec<_>>().join(",")
    };
    let mut line = format!("{} {}", now - Timestamp(0), delivery.reason);
    if delivery.integration.receiver != "hook" {
        line += &format!(" to {}", delivery.integration.receiver);
    }
    if delivery.integration.kind != IntegrationKind::Webhook {
        line += &format!(" by {}", delivery.integration.kind.as_str());
    }
    for status in [Status::Firing, Status::Resolved] {
        if !names(status).is_empty() {
            line += &format!(" {} {}", status.as_str(), names(status));
        }
    }
    if let (Reason::Acknowledged, Some(acked)) = (delivery.reason, &delivery.notification.acked_by) {
        line += &format!(" ({})", acked.by.join(","));
    }
    line
}

/// Plays a script against one webhook and compares what was heard.
pub(crate) fn check(script: &str, heard: &[&str]) {
    check_with(ONE_WEBHOOK, script, heard);
}

/// The same with a configuration of one's own.
pub(crate) fn check_with(yaml: &str, script: &str, heard: &[&str]) {
    let mut player = Player::new(yaml);
    player.play(script);
    assert_eq!(player.heard, heard, "after\n{script}");
}
