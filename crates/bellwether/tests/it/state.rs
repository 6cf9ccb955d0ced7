use std::sync::Arc;

use std::collections::BTreeMap;

use bellwether::health::{Health, Trouble};
use bellwether::recorder::Recorder;
use bellwether::state::{Decided, DeliveryQuery, Location, StateDb, StateError};
use bellwether_alerts::{
    AlertCore, AlertSource, AuditRow, Config, Effect, Event, Receipt, Record, Restored, Setup, SilenceId,
    SilenceWish, parse_matchers,
};
use bellwether_diag::{Diagnostics, Sources};
use bellwether_model::{Alert, AlertFingerprint, Labels, TimeDelta, Timestamp};
use bellwether_rules::{EngineSnapshot, RuleChange};
use bellwether_testkit::postgres::{self, Postgres};
use sqlx::{Connection, SqliteConnection};

use crate::process::Folder;

const ROUTING: &str = "
route: {receiver: hook, group_by: [alertname], group_wait: 10s}
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/secret'}]}]
";

/// Where a test keeps its state: in a file, or on a real server.
enum Place {
    File(Folder),
    Server(Arc<Postgres>, Location),
}

impl Place {
    fn file(name: &str) -> Self {
        Self::File(Folder::new(&format!("state-{name}")))
    }

    /// `None`, and a line that says so, when there is no PostgreSQL.
    fn server(name: &str) -> Option<Self> {
        let server = postgres::shared()?;
        let location = server.database(name).parse().unwrap();
        Some(Self::Server(server, location))
    }

    fn location(&self) -> Location {
        match self {
            Self::File(folder) => Location::file(folder.path("state.db")),
            Self::Server(_, location) => location.clone(),
        }
    }

    async fn open(&self) -> StateDb {
        StateDb::open(&self.location()).await.unwrap()
    }

    /// As somebody else who looks into the database.
    async fn run(&self, database: &str, statement: &'static str) {
        match self {
            Self::File(folder) => {
                let url = format!("sqlite://{}", folder.path("state.db").display());
                let mut other = SqliteConnection::connect(&url).await.unwrap();
                sqlx::query(statement).execute(&mut other).await.unwrap();
                other.close().await.unwrap();
            }
            Self::Server(server, _) => _ = server.run(database, statement),
        }
    }
}

/// The same tests on both databases.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::Place::file(stringify!($name))).await;
            })*
        }
        mod postgresql {
            $(#[tokio::test]
            async fn $name() {
                if let Some(place) = super::Place::server(stringify!($name)) {
                    super::$name(&place).await;
                }
            })*
        }
    };
}

on_both! {
    what_was_recorded_is_what_comes_back
    ledger_rows_are_found
    writing_twice_writes_the_same_rows
    rules_come_back
    statistics_are_read_page_by_page
    newer_databases_are_left_alone
    broken_rows_are_named
    decisions_together_are_as_decisions_apart
    lists_go_on_where_a_page_ended
    anything_people_write_can_be_kept
}

/// What statistics are made of: no test messages, and nothing twice.
async fn statistics_are_read_page_by_page(place: &Place) {
    let state = place.open().await;
    let mut core = AlertCore::restore(setup(), Restored::default(), Timestamp(0));
    let mut keys = Vec::new();
    for (name, at) in [("a", 0), ("b", 60), ("c", 120)] {
        let now = Timestamp::from_secs(at);
        let mut effects = core.step(fire(name), now);
        let due = now + TimeDelta::from_secs(10);
        effects.extend(core.step(Event::Tick, due));
        let sent = effects.iter().find_map(|effect| match effect {
            Effect::Deliver(delivery) => Some(delivery.key.clone()),
            Effect::Record(_) | Effect::Answer(_) => None,
        });
        let key = sent.unwrap();
        let receipt = match name {
            "b" => Receipt::Refused { status: 404, body: String::new(), retry_after: None },
            _ => Receipt::Accepted { status: 200 },
        };
        let outcome = Event::Delivered { delivery: key.clone(), outcome: receipt.into() };
        effects.extend(core.step(outcome, due + TimeDelta::SECOND));
        state.record(&records(&effects)).await.unwrap();
        keys.push(key);
    }
    let drill = bellwether_alerts::DrillWish { receiver: None, id: "1".to_owned(), by: "ann".to_owned() };
    state.record(&records(&core.step(Event::Drill(drill), Timestamp::from_secs(180)))).await.unwrap();

    let all = state.message_outcomes(Timestamp(0), None).await.unwrap();
    let seen: Vec<_> = (all.iter())
        .map(|one| {
            (&one.key, one.status.as_str(), one.attempts, one.attempted_at.map(|at| at - one.decided_at))
        })
        .collect();
    let second = Some(TimeDelta::SECOND);
    assert_eq!(
        seen,
        [
            (&keys[0], "delivered", 1, second),
            // An alert that has fired for long waits for no company, and the answer was slow.
            (&keys[1], "failed", 1, Some(TimeDelta::from_secs(11))),
            (&keys[2], "delivered", 1, Some(TimeDelta::from_secs(11)))
        ]
    );
    assert_eq!(all[0].integration, "hook/webhook[0]");
    let after = (all[0].decided_at, all[0].key.clone());
    assert_eq!(state.message_outcomes(Timestamp(0), Some(&after)).await.unwrap(), all[1..]);
    assert_eq!(state.message_outcomes(Timestamp::from_secs(100), None).await.unwrap(), all[2..]);

    let life = |name: &str, end: i64| {
        let labels = Labels::from_pairs([("alertname", name)]);
        let alert = Alert {
            labels,
            annotations: Labels::empty(),
            starts_at: Timestamp(0),
            ends_at: Some(Timestamp::from_secs(end)),
            generator_url: String::new(),
        };
        bellwether_alerts::EpisodeRow {
            alert,
            receivers: Default::default(),
            told_at: None,
            handled: Default::default(),
        }
    };
    let lives = [life("a", 10), life("b", 20), life("c", 20)];
    let rows: Vec<Record> = lives.iter().map(|life| Record::Episode(Box::new(life.clone()))).collect();
    state.record(&rows).await.unwrap();
    let all = state.lives(Timestamp(0), None).await.unwrap();
    assert_eq!(all.len(), 3);
    for (index, life) in all.iter().enumerate() {
        let after = (life.alert.ends_at.unwrap(), life.alert.fingerprint());
        assert_eq!(state.lives(Timestamp(0), Some(&after)).await.unwrap(), all[index + 1..]);
    }
    assert_eq!(state.lives(Timestamp::from_secs(11), None).await.unwrap(), all[1..]);
}

fn setup() -> Setup {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("alertmanager.yml", ROUTING);
    let config = Arc::new(Config::read(&sources, file, &mut out).expect("a valid file"));
    Setup {
        config,
        templates: Arc::default(),
        external_url: "http://bellwether.example".into(),
        precedence: Arc::default(),
        fallback: None,
    }
}

fn records(effects: &[Effect]) -> Vec<Record> {
    let record = |effect: &Effect| match effect {
        Effect::Record(record) => Some(record.clone()),
        Effect::Answer(_) | Effect::Deliver(_) => None,
    };
    effects.iter().filter_map(record).collect()
}

fn fire(name: &str) -> Event {
    let labels = Labels::from_pairs([("alertname", name)]);
    let alert = Alert {
        labels,
        annotations: Labels::from_pairs([("summary", "it's \"slow\"\nüber")]),
        starts_at: Timestamp(0),
        ends_at: None,
        generator_url: String::new(),
    };
    Event::Alerts { source: AlertSource::Api, alerts: vec![alert] }
}

/// A core that has lived through a bit of everything, with its records in the database.
async fn lived_through(db: &StateDb) -> AlertCore {
    let mut decisions = Vec::new();
    let core = live_through(|records| decisions.push(records));
    for records in decisions {
        db.record(&records).await.unwrap();
    }
    core
}

fn live_through(mut record: impl FnMut(Vec<Record>)) -> AlertCore {
    let mut core = AlertCore::restore(setup(), Restored::default(), Timestamp(0));
    let wish = SilenceWish {
        id: None,
        new_id: SilenceId("s1".into()),
        matchers: parse_matchers("alertname=quiet, team!~\"a|b\"").unwrap(),
        starts_at: Timestamp(0),
        ends_at: Timestamp(0) + TimeDelta::HOUR,
        created_by: "ann".into(),
        comment: "deploy".into(),
        annotations: BTreeMap::from([("ticket".to_owned(), "OPS-7".to_owned())]),
    };
    let events = [
        (0, Event::SetSilence(wish)),
        (0, fire("api")),
        (1, fire("quiet")),
        (2, fire("db")),
        (20, Event::Tick),
    ];
    for (at, event) in events {
        let effects = core.step(event, Timestamp::from_secs(at));
        record(records(&effects));
        for effect in &effects {
            let Effect::Deliver(delivery) = effect else { continue };
            let receipt = match delivery.notification.group_labels.get("alertname") {
                Some("api") => Receipt::Accepted { status: 200 },
                _ => Receipt::Refused { status: 503, body: "busy".into(), retry_after: None },
            };
            let event = Event::Delivered { delivery: delivery.key.clone(), outcome: receipt.into() };
            record(records(&core.step(event, Timestamp::from_secs(at))));
        }
    }
    core
}

fn by_key(mut restored: Restored) -> Restored {
    restored.alerts.sort_by_key(|row| row.alert.fingerprint().to_string());
    restored.groups.sort_by(|a, b| a.id.cmp(&b.id));
    restored.told.sort_by(|a, b| (&a.group, &a.integration).cmp(&(&b.group, &b.integration)));
    restored.deliveries.sort_by(|a, b| a.delivery.key.cmp(&b.delivery.key));
    for row in &mut restored.deliveries {
        row.updated_at = Timestamp(0);
    }
    restored
}

async fn what_was_recorded_is_what_comes_back(place: &Place) {
    let db = place.open().await;
    let core = lived_through(&db).await;
    // Without a goodbye, as after kill -9.
    let first = db.epoch();
    drop(db);
    let again = place.open().await;
    let restored = again.restore().await.unwrap();
    assert_eq!(by_key(restored.clone()), by_key(core.snapshot()));
    assert_eq!((restored.alerts.len(), restored.groups.len(), restored.told.len()), (3, 3, 1));
    assert_eq!((restored.silences.len(), restored.deliveries.len()), (1, 1));
    assert_eq!((first, again.epoch()), (1, 2));
}

async fn ledger_rows_are_found(place: &Place) {
    let db = place.open().await;
    lived_through(&db).await;
    let all = db.deliveries(&DeliveryQuery::default(), 10).await.unwrap();
    assert_eq!(all.len(), 2);
    let count = async |query: DeliveryQuery| db.deliveries(&query, 10).await.unwrap().len();
    let status = |s: &str| DeliveryQuery { status: Some(s.into()), ..DeliveryQuery::default() };
    assert_eq!((count(status("delivered")).await, count(status("waiting")).await), (1, 1));
    let receiver = |r: &str| DeliveryQuery { receiver: Some(r.into()), ..DeliveryQuery::default() };
    assert_eq!((count(receiver("hook")).await, count(receiver("nobody")).await), (2, 0));
    let since = |s| DeliveryQuery { since: Some(Timestamp::from_secs(s)), ..DeliveryQuery::default() };
    assert_eq!((count(since(10)).await, count(since(3600)).await), (2, 0));
    let named = |name: &str| AlertFingerprint(Labels::from_pairs([("alertname", name)]).fingerprint());
    let of_alert = async |name: &str| db.deliveries_of_alert(named(name), 10).await.unwrap();
    let api = of_alert("api").await;
    assert_eq!((api.len(), of_alert("quiet").await.len()), (1, 0));
    assert_eq!(api[0].delivery.notification.group_labels.get("alertname"), Some("api"));
    assert_eq!(db.attempts(&all[0].delivery.key).await.unwrap().len(), 1);
    assert_eq!(db.audit(10).await.unwrap()[0].action, "silence.set");
    let pruned = db.prune(Timestamp::from_secs(3600)).await.unwrap();
    assert_eq!((pruned.deliveries, pruned.episodes, pruned.audit), (1, 0, 1), "what is open stays");
    assert_eq!(count(DeliveryQuery::default()).await, 1);
}

async fn writing_twice_writes_the_same_rows(place: &Place) {
    let db = place.open().await;
    let mut core = AlertCore::restore(setup(), Restored::default(), Timestamp(0));
    let effects = core.step(fire("api"), Timestamp(0));
    db.record(&records(&effects)).await.unwrap();
    let once = db.restore().await.unwrap();
    db.record(&records(&effects)).await.unwrap();
    assert_eq!(db.restore().await.unwrap(), once);
}

/// A rule of group `g` that has written a series.
fn change(place: usize, name: &str, series: &str) -> RuleChange {
    let body = serde_json::json!({
        "group": {"file": "f", "name": "g"}, "place": place,
        "rule": {"records": true, "name": name, "labels": {}, "health": "ok", "last_error": null,
            "template_error": null, "evaluated_at": 1, "known_at": 1, "duration": "0s",
            "series": [{"__name__": series}], "alerts": []},
    });
    serde_json::from_value(body).unwrap()
}

async fn rules_come_back(place: &Place) {
    let db = place.open().await;
    assert_eq!(db.rules().await.unwrap(), None);
    let mut whole = EngineSnapshot::default();
    whole.apply([change(0, "a", "old"), change(1, "b", "b")]);
    db.save_rules(&whole).await.unwrap();
    // A decision and what led to it are one transaction.
    let effects = {
        let mut core = AlertCore::restore(setup(), Restored::default(), Timestamp(0));
        core.step(fire("A"), Timestamp(0))
    };
    let rules = vec![change(0, "a", "new")];
    let decided = Decided { records: records(&effects), rules, ..Decided::default() };
    db.record_all(&decided).await.unwrap();
    // Nothing is closed: the process is gone.
    drop(db);
    let db = place.open().await;
    let series = |rules: &EngineSnapshot| {
        let rules = rules.groups[0].rules.iter();
        rules.map(|rule| rule.series.iter().next().unwrap().to_string()).collect::<Vec<_>>()
    };
    let restored = db.rules().await.unwrap().unwrap();
    assert_eq!(
        (series(&restored), db.restore().await.unwrap().alerts.len()),
        (vec!["new".into(), "b".into()], 1)
    );
    db.save_rules(&whole).await.unwrap();
    assert_eq!(db.rules().await.unwrap(), Some(whole), "what is written down later counts");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_says_why() {
    let folder = Folder::new("state-broken");
    folder.write("state.db", &"this is not a database, it is a sentence of some length".repeat(100));
    let error = StateDb::open(&Location::file(folder.path("state.db"))).await.unwrap_err();
    assert!(error.to_string().contains("it is not a state database"), "{error}");
    let error = StateDb::open(&Location::file(folder.path("nowhere/state.db"))).await.unwrap_err();
    assert!(error.to_string().contains("does its folder exist"), "{error}");
}

async fn newer_databases_are_left_alone(place: &Place) {
    place.open().await.close().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, '', 0)";
    place.run("newer_databases_are_left_alone", later).await;
    let error = StateDb::open(&place.location()).await.unwrap_err();
    assert!(matches!(error, StateError::Newer { version: 9999, .. }), "{error}");
}

async fn broken_rows_are_named(place: &Place) {
    let db = place.open().await;
    place.run("broken_rows_are_named", "INSERT INTO silences VALUES ('s9', 1, 0, '{}')").await;
    let error = db.restore().await.unwrap_err().to_string();
    assert!(error.starts_with("state database: row \"s9\" of table silences cannot be read"), "{error}");
}

/// All records of a life, in one batch instead of one after the other.
async fn decisions_together_are_as_decisions_apart(place: &Place) {
    let apart = Place::file("apart");
    let one_by_one = apart.open().await;
    let core = lived_through(&one_by_one).await;
    let together = place.open().await;
    let mut decided = Decided::default();
    live_through(|records| decided.append(Decided { records, ..Decided::default() }));
    together.record_all(&decided).await.unwrap();
    assert_eq!(by_key(together.restore().await.unwrap()), by_key(core.snapshot()));
    let all = DeliveryQuery::default();
    let rows = together.deliveries(&all, 10).await.unwrap();
    assert_eq!(rows, one_by_one.deliveries(&all, 10).await.unwrap());
    for row in rows {
        let key = &row.delivery.key;
        assert_eq!(together.attempts(key).await.unwrap(), one_by_one.attempts(key).await.unwrap());
        assert_eq!(together.delivery(key).await.unwrap(), Some(row));
    }
}

async fn lists_go_on_where_a_page_ended(place: &Place) {
    let db = place.open().await;
    let mut core = AlertCore::restore(setup(), Restored::default(), Timestamp(0));
    let names: Vec<String> = (0..10).map(|number| format!("a{number}")).collect();
    for name in &names {
        db.record(&records(&core.step(fire(name), Timestamp(0)))).await.unwrap();
    }
    db.record(&records(&core.step(Event::Tick, Timestamp::from_secs(10)))).await.unwrap();
    let whole = db.deliveries(&DeliveryQuery::default(), 100).await.unwrap();
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let query = DeliveryQuery { after: after.take(), ..DeliveryQuery::default() };
        let page = db.deliveries(&query, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.delivery.decided_at, last.delivery.key.clone()));
        pages.extend(page);
    }
    assert_eq!((pages.len(), pages), (10, whole));
}

/// An index takes only so much of a text, and PostgreSQL no character zero.
async fn anything_people_write_can_be_kept(place: &Place) {
    let db = place.open().await;
    let mut core = AlertCore::restore(setup(), Restored::default(), Timestamp(0));
    let names = ["\0", "x\0y", &"ü".repeat(40_000), &"long ".repeat(10_000), "'; DROP TABLE alerts; --"];
    for name in names {
        db.record(&records(&core.step(fire(name), Timestamp(0)))).await.unwrap();
    }
    db.record(&records(&core.step(Event::Tick, Timestamp::from_secs(10)))).await.unwrap();
    let restored = db.restore().await.unwrap();
    assert_eq!(by_key(restored.clone()), by_key(core.snapshot()));
    let group = restored.groups.iter().map(|row| row.id.0.clone()).max_by_key(String::len);
    let query = DeliveryQuery { group, ..DeliveryQuery::default() };
    assert_eq!(db.deliveries(&query, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_servers_do_not_decide_over_one_database() {
    let Some(place) = Place::server("two_servers") else { return };
    let first = place.open().await;
    let refused = StateDb::open(&place.location()).await.unwrap_err();
    let sentence = refused.to_string();
    assert!(sentence.contains("another Bellwether uses it"), "{sentence}");
    assert!(!format!("{sentence} {refused:?} {:?}", place.location()).contains(postgres::PASSWORD));
    // The first loses its connection, as when it hangs; another starts, and is gone again.
    let Place::Server(server, _) = &place else { return };
    let pids = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'two_servers' AND pid <> \
                pg_backend_pid()";
    server.run("two_servers", pids);
    place.open().await.close().await;
    first.record(&audit("a")).await.expect_err("its connection is gone");
    let error = first.record(&audit("a")).await.expect_err("somebody else has written since");
    assert!(error.to_string().contains("another server has written"), "{error}");
}

#[tokio::test]
async fn decisions_wait_while_the_server_is_away() {
    let Some(server) = postgres::start("away") else { return };
    let location: Location = server.database("state").parse().unwrap();
    let state = Arc::new(StateDb::open(&location).await.unwrap());
    let health = Arc::new(Health::default());
    let mut recorder = Recorder::new(state.clone(), health.clone());
    let decided = |subject: &str| Decided { records: audit(subject), ..Decided::default() };
    recorder.record(decided("a")).await.unwrap();
    server.stop();
    recorder.record(decided("b")).await.unwrap_err();
    assert!(health.has(Trouble::State) && !recorder.is_well());
    recorder.record(decided("c")).await.unwrap_err();
    server.start();
    recorder.finish().await;
    assert!(recorder.is_well() && !health.has(Trouble::State));
    let mut subjects: Vec<String> =
        state.audit(10).await.unwrap().into_iter().map(|row| row.subject).collect();
    subjects.sort();
    assert_eq!(subjects, ["a", "b", "c"]);
}

fn audit(subject: &str) -> Vec<Record> {
    let [who, action, detail] = ["ann", "silence.set", "deploy"].map(str::to_owned);
    vec![Record::Audit(AuditRow { at: Timestamp(0), who, action, subject: subject.to_owned(), detail })]
}
