//! The checklists of the workshop: every state of notes and server in a table, and one server that is really asked.
//!
//! R002-035, R002-036, R002-040, R002-045, R002-047, R002-049, R002-051 to R002-056, R002-065, R002-069, R002-071, R002-073 to
//! R002-075, R002-089, R002-090, R002-096, R002-097, R002-102, R002-103, R002-107.

use std::sync::Arc;

use bellwether::workshop::{MockState, MovieGuru, Phase, Sampler, http};
use bellwether::workshop_check::{
    Challenge, Dashboard, Growth, Journey, Notes, Objective, Panel, Seen, WrittenObjective, checklist,
};
use bellwether_testkit::cases::ran;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::process::{Folder, Server, client};

const JOURNEYS: &str = "
- Journey Name: Open the application
- Goal: Be logged in
- Steps:
  1. Open the page
  2. Log in

#### UJ 2: Find a film

**Goal:** Get a recommendation

**Steps:**

1. Say what one is in the mood for
";

const OBJECTIVES: &str = "
- Objective: Chats are answered soon
- SLI: share within 5 s
- Target: 99 %
- Time window: rolling 24 hours
- Achievable: 60 %
- Aspirational: 99.5 %

- **Objective:** The application starts
- **Service Level Indicator (SLI):** good of all
- **Target:** 90 %
- **Time window:** 7 days
- Achievable: 90 %
- Aspirational: 99 %
";

#[test]
fn notes_are_read_however_they_are_written() {
    let journey = |name: &str, goal: &str, steps| Journey { name: name.into(), goal: goal.into(), steps };
    let cases: [(&str, &str, Vec<Journey>); 7] = [
        (
            "lists and headings",
            JOURNEYS,
            vec![
                journey("Open the application", "Be logged in", 2),
                journey("Find a film", "Get a recommendation", 1),
            ],
        ),
        ("steps in the line itself", "Name: a\nGoal: b\nSteps: c, d", vec![journey("a", "b", 1)]),
        (
            "the template as it is given",
            "- Journey Name: [Give a descriptive name]\n- Goal: [What?]\n- Steps: [List them]",
            vec![journey("", "", 0)],
        ),
        ("a list after another heading", "Name: a\nGoal: b\n## Later\n- c", vec![journey("a", "b", 0)]),
        ("a block of code", "```\nName: a\n```", vec![]),
        ("a goal that belongs to nothing", "Goal: to be happy\n- one", vec![]),
        ("nothing", "", vec![]),
    ];
    for (what, text, expected) in &cases {
        assert_eq!(&Notes::read(text).journeys, expected, "{what}");
    }
    let headings = Notes::read("# Why not 100 %\nCosts.\n## Stakeholders\n# End").headings;
    assert_eq!(headings, ["why not 100 %", "stakeholders"], "a heading below is something, nothing is not");
    let first = Notes::read(OBJECTIVES).objectives.remove(0);
    let expected = WrittenObjective {
        objective: "Chats are answered soon".into(),
        sli: "share within 5 s".into(),
        target: "99 %".into(),
        window: "rolling 24 hours".into(),
        achievable: "60 %".into(),
        aspirational: "99.5 %".into(),
    };
    assert_eq!(first, expected);
    ran("workshop/notes", cases.len() as u64);
}

/// An objective as the API gives it; alerts are a factor each, those that fire marked by `!`.
fn slo(id: &str, goal: f64, period: &str, counts: &str, alerts: &str, burn: f64) -> Value {
    let alert = |text: &str| {
        let factor: f64 = text.trim_end_matches('!').parse().unwrap();
        let state = if text.ends_with('!') { "firing" } else { "inactive" };
        let verdict = if factor >= 1.0 / (1.0 - goal) - 1e-9 { "cannot_fire" } else { "useful" };
        json!({"name": format!("burn-{factor}x"), "factor": factor, "state": state, "verdict": verdict})
    };
    let alerts: Vec<Value> = alerts.split_whitespace().map(alert).collect();
    let window = |window: &str| json!({"window": window, "burn_rate": burn});
    json!({
        "id": id, "goal_ratio": goal, "aspirational_ratio": null, "period": period,
        "period_text": format!("rolling {period}"), "indicator_text": counts, "source": "file",
        "kind": if counts.contains("probe") { "probe" } else { "ratio" },
        "streams": [{"labels": {}, "total": window(period), "burns": [window("5m")], "alerts": alerts}],
    })
}

const CHAT: &str = "events at or below 5000 in movieguru_chat_latency_milliseconds";
const ENGAGED: &str = "good movieguru_chat_outcome_counter_total{Outcome=\"Engaged\"} of all movieguru_chat_outcome_counter_total";
const STARTUP: &str = "events at or below 1000 in movieguru_startup_latency_milliseconds";
const STARTS: &str = "good movieguru_startup_success_total of all movieguru_startup_attempts_total";

/// The four of challenge 5 with the alerts of challenge 6.
fn four(chat_alerts: &str, chat_burn: f64) -> Vec<Value> {
    vec![
        slo("chat", 0.99, "1d", CHAT, chat_alerts, chat_burn),
        slo("engaged", 0.7, "1d", ENGAGED, "1.5 2 10", 0.9),
        slo("startup", 0.99, "1w", STARTUP, "2 10", 0.0),
        slo("starts", 0.9, "1w", STARTS, "2 8", 0.5),
    ]
}

fn with(mut slo: Value, field: &str, value: Value) -> Value {
    slo[field] = value;
    slo
}

/// Pages of which one panel may be empty.
fn dashboards(titles: &[&str], empty: Option<&str>) -> Vec<Dashboard> {
    let panel = |title: &str, metric: &str| Panel {
        title: title.into(),
        queries: format!("rate({metric}[2m])"),
        has_data: Some(title) != empty,
    };
    let panels = || vec![panel("Rate", "login_success_total"), panel("Latency", "login_latency_bucket")];
    titles.iter().map(|title| Dashboard { title: (*title).to_owned(), panels: panels() }).collect()
}

fn seen(notes: &str, objectives: Vec<Value>) -> Seen {
    let notes = (!notes.is_empty()).then(|| Notes::read(notes));
    let objectives: Vec<Objective> = serde_json::from_value(Value::Array(objectives)).unwrap();
    Seen { notes, objectives, ..Seen::default() }
}

/// Which criteria are met, in order, and what is said of all.
fn check(number: u8, seen: &Seen) -> (String, String) {
    let items = checklist(Challenge::of(number).unwrap(), seen);
    for item in &items {
        assert_eq!(item.met, item.next.is_none(), "what is missing says what to do: {item:?}");
    }
    let marks = items.iter().map(|item| if item.met { '+' } else { '-' }).collect();
    let lines: Vec<String> =
        items.iter().map(|item| format!("{}: {}", item.criterion, item.detail)).collect();
    (marks, lines.join("\n"))
}

#[test]
fn what_is_met_and_what_is_missing_is_told() {
    let grown = |increase| Seen {
        growth: vec![Growth { metric: "movieguru_chat_calls_total", increase }],
        ..seen(JOURNEYS, vec![])
    };
    let shown =
        |titles: &[&str], empty| Seen { dashboards: dashboards(titles, empty), ..seen(OBJECTIVES, vec![]) };
    let all = ["Login", "Startup", "Preferences", "Chat"];
    let people = "## Why not 100 %\nIt costs.\n## Stakeholders\n| support |\n";
    let api = |mut slos: Vec<Value>| {
        slos[3]["source"] = json!("api");
        slos
    };
    let pages = |alerts, burn| slo("pages", 0.99, "1d", "attempts of probe frontend", alerts, burn);
    let and = |mut slos: Vec<Value>, more: Value| {
        slos.push(more);
        slos
    };
    let aspiring = |slo: Value| with(slo, "aspirational_ratio", json!(0.999));

    let cases: Vec<(&str, u8, Seen, &str, &str)> = vec![
        ("users and two journeys", 1, grown(Some(12.0)), "++", "movieguru_chat_calls_total 12"),
        ("no users", 1, grown(Some(0.0)), "-+", "no counter of requests has grown"),
        ("no service", 1, grown(None), "-+", "no counters of Movie Guru"),
        ("no notes", 1, seen("", vec![]), "--", "no notes were given"),
        ("half a journey", 1, seen("Name: a\nGoal: b", vec![]), "--", "0 of 2 are whole; \"a\" lacks steps"),
        ("both headings", 2, seen(people, four("", 0.0)), "+++", "4 on the server"),
        ("a heading over nothing", 2, seen("## Why not 100 %\n", vec![]), "--+", "no heading"),
        (
            "100 % on the server",
            2,
            seen(people, vec![slo("all", 1.0, "1d", CHAT, "", 0.0)]),
            "++-",
            "promised by all",
        ),
        (
            "100 % on paper",
            2,
            seen(&format!("{people}\nObjective: up\nTarget: 100%"), vec![]),
            "++-",
            "promised by up",
        ),
        (
            "two objectives",
            3,
            seen(OBJECTIVES, vec![]),
            "++",
            "Chats are answered soon; The application starts",
        ),
        (
            "no window",
            3,
            seen(&OBJECTIVES.replace("7 days", ""), vec![]),
            "-+",
            "lacks a time window with a number",
        ),
        ("all of it", 3, seen(&OBJECTIVES.replace("90 %", "100 %"), vec![]), "+-", "promises all of it"),
        ("nothing written", 3, seen("", four("", 0.0)), "-", "no notes were given"),
        ("four dashboards", 4, shown(&all, None), "++++++", "2 in the notes"),
        ("three of them", 4, shown(&all[..3], None), "+++-++", "there is no dashboard of that title"),
        ("an empty panel", 4, shown(&all, Some("Latency")), "----++", "without data: \"Latency\""),
        (
            "goals on the server",
            4,
            Seen { notes: None, ..seen("", four("", 0.0).into_iter().map(aspiring).collect()) },
            "----++",
            "4 on the server",
        ),
        ("no goals", 4, seen("", four("", 0.0)), "------", "0 in the notes, 0 on the server"),
        ("all four, one by the API", 5, seen("", api(four("", 0.0))), "+++++", "through the API: starts"),
        ("none by the API", 5, seen("", four("", 0.0)), "++++-", "all 4 come from the configuration"),
        (
            "another goal",
            5,
            seen(
                "",
                api(vec![
                    slo("chat", 0.95, "1d", CHAT, "", 0.0),
                    slo("engaged", 0.7, "1h", ENGAGED, "", 0.0),
                    slo(
                        "other",
                        0.9,
                        "1d",
                        "events at or below 500 in movieguru_chat_latency_milliseconds",
                        "",
                        0.0,
                    ),
                    slo("starts", 0.9, "1w", STARTS, "", 0.0),
                ]),
            ),
            "---++",
            "chat counts it, and promises 95 % over rolling 1d",
        ),
        (
            "engaged or acknowledged is another",
            5,
            seen("", vec![slo("e", 0.7, "1d", &ENGAGED.replace("Engaged", "Engaged|Acknowledged"), "", 0.0)]),
            "-----",
            "no objective counts movieguru_chat_outcome_counter_total",
        ),
        (
            "chat burns",
            6,
            seen("", four("1.5! 10!", 59.98)),
            "++++",
            "burn-1.5x of chat, the burn rate is 59.98",
        ),
        ("all is well", 6, seen("", four("1.5 10", 0.0)), "+++-", "none of its 2 does"),
        (
            "alerts that cannot fire do not count",
            6,
            seen("", four("", 0.0)[1..].to_vec()),
            "+++-",
            "no objective counts",
        ),
        (
            "no alerts",
            6,
            seen("", vec![slo("chat", 0.99, "1d", CHAT, "", 9.0)]),
            "----",
            "chat has no burn-rate alert",
        ),
        (
            "only slow ones",
            6,
            seen("", vec![slo("chat", 0.99, "1d", CHAT, "1.5 2 1.6 1.7!", 9.0)]),
            "++-+",
            "no alert that can",
        ),
        (
            "pages fail, the rest is well",
            7,
            seen("", and(four("", 0.0), pages("10!", 50.0))),
            "++",
            "pages burns at 50.00",
        ),
        (
            "pages are well",
            7,
            seen("", and(four("", 0.0), pages("10", 0.0))),
            "+-",
            "burn rate of pages is 0.00",
        ),
        ("nobody asks from outside", 7, seen("", four("", 0.0)), "+-", "no objective asks from outside"),
        (
            "the backend fails, too",
            7,
            seen("", vec![slo("starts", 0.9, "1w", STARTS, "2!", 5.0), pages("10!", 50.0)]),
            "-+",
            "burn-2x of starts fires",
        ),
        ("an empty server", 7, seen("", vec![]), "--", "no objective counts starts"),
    ];
    for (what, number, seen, marks, says) in &cases {
        let (found, text) = check(*number, seen);
        assert_eq!(&found, marks, "{what}:\n{text}");
        assert!(text.contains(says), "{what}: {says:?} is not in\n{text}");
    }
    assert_eq!((Challenge::of(0), Challenge::of(8)), (None, None));
    ran("workshop/checklists", cases.len() as u64);
}

/// The service on a port of its own, as long as the test runs.
async fn movie_guru() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let state = Arc::new(MockState::new(MovieGuru::new(Phase::challenge(5).unwrap()), Sampler::quota()));
    tokio::spawn(http::serve(listener, state, std::future::pending()));
    address
}

const CONFIG: &str = "
prometheus:
  global: {scrape_interval: 1s, scrape_timeout: 1s}
  scrape_configs: [{job_name: movie-guru, static_configs: [{targets: ['MOCK']}]}]
slos:
  - name: chat-latency
    goal: 99%
    window: 24h
    indicator: {latency: {histogram: movieguru_chat_latency_milliseconds, threshold: 5000}}
  - name: chat-engaged
    goal: 70%
    window: 24h
    indicator:
      ratio: {good: 'movieguru_chat_outcome_counter_total{Outcome=\"Engaged\"}', total: movieguru_chat_outcome_counter_total}
  - name: startup-latency
    goal: 99%
    window: 24h
    indicator: {latency: {histogram: movieguru_startup_latency_milliseconds, threshold: 1000}}
";

fn startup_success() -> Value {
    let metric = |name: &str| {
        format!(
            "metric.type=\"prometheus.googleapis.com/{name}/counter\" resource.type=\"prometheus_target\""
        )
    };
    json!({
        "displayName": "Startup success", "goal": 0.9, "rollingPeriod": "604800s",
        "serviceLevelIndicator": {"requestBased": {"goodTotalRatio": {
            "goodServiceFilter": metric("movieguru_startup_success_total"),
            "totalServiceFilter": metric("movieguru_startup_attempts_total"),
        }}},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_asked() {
    let (folder, mock) = (Folder::new("workshop-check"), movie_guru().await);
    let config = folder.write("bellwether.yml", &CONFIG.replace("MOCK", &mock));
    let notes = folder.write("notes.md", JOURNEYS);
    let server = Server::start(&config, &folder.path("data")).await;
    let first = ["workshop", "check", "1", "--notes", notes.to_str().unwrap()];
    let http = client();
    server
        .until("requests are seen to arrive", async |server| {
            http.post(format!("http://{mock}/chat")).send().await.unwrap();
            let ended = server.run(&first);
            let is_met = ended.code == Some(0) && ended.stdout.ends_with("2 of 2 are met\n");
            if is_met { Ok(()) } else { Err(ended.stdout) }
        })
        .await;

    let before = server.run(&["workshop", "check", "5", "--format", "json"]);
    assert_eq!(before.code, Some(1), "{before:?}");
    let met = |items: &Value| {
        items.as_array().unwrap().iter().map(|item| item["met"].as_bool().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(met(&before.json()), [true, true, true, false, false], "{before:?}");

    let services = "/v3/projects/workshop/services";
    let path = format!("{services}?service_id=guru");
    let body = r#"{"displayName": "Movie Guru", "custom": {}}"#;
    assert_eq!(server.send(reqwest::Method::POST, &path, body, &[]).await.status, 200);
    let path = format!("{services}/guru/serviceLevelObjectives");
    let made = server.send(reqwest::Method::POST, &path, &startup_success().to_string(), &[]).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let after = server.run_text(&["workshop", "check", "5"]);
    assert!(after.contains("✓ startup success: 90 % over 1w: guru/startup-success"), "{after}");
    assert!(after.ends_with("5 of 5 are met\n"), "{after}");

    let none = server.run(&["workshop", "check", "8"]);
    assert_eq!(none.code, Some(2), "{none:?}");
    let unreadable = server.run(&["workshop", "check", "1", "--notes", "/no/such/notes.md"]);
    assert_eq!(unreadable.code, Some(2), "{unreadable:?}");
    assert!(unreadable.stderr.contains("cannot read /no/such/notes.md"), "{unreadable:?}");
}
