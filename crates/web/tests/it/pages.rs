//! Every page, in every mood, through the router.

use axum::body::Body;
use axum::http::Request;

use crate::ask::{get, send};
use crate::fake::{Fake, Mood};

const PAGES: [&str; 24] = [
    "/",
    "/slos",
    "/slos?sort=burn&q=chat",
    "/slos/movieguru/chat-latency?range=6h",
    "/alerts",
    "/alerts?by=group",
    "/alerts?state=unacked&severity=page&receiver=oncall&owner=nobody&q=chat&sort=newest&page=2",
    "/alerts/00000000000000a1",
    "/alerts/00000000000000b2",
    "/alerts/InstanceDown",
    "/alerts/NeverFired",
    "/groups?key=%7B%7D%3A%7Balertname%3D%22InstanceDown%22%7D",
    "/routing?labels=alertname%3DTargetDown%2Cseverity%3Dpage",
    "/deliveries",
    "/deliveries/k2",
    "/receivers",
    "/receivers/drill?id=drill1&id=k2&unanswered=%3Cscript%3Ealert(3)",
    "/statistics?sort=never",
    "/silences?alert=00000000000000a1",
    "/silences?edit=6b1f0e9c-0000-4000-8000-000000000011",
    "/silences/preview?matchers=note%3D~%22.*%22",
    "/targets",
    "/config",
    "/explore?expr=up",
];

/// Pages of what there is only while it burns, or on a busy night.
const OF_SOMETHING: [&str; 5] =
    ["chat-latency", "/alerts/0", "/alerts/InstanceDown", "/groups?key", "NoSuch"];

#[tokio::test]
async fn every_page_answers_in_every_mood_and_escapes_what_labels_say() {
    for mood in [Mood::Burning, Mood::Busy, Mood::Paged, Mood::Healthy, Mood::Empty, Mood::Stale] {
        for path in PAGES {
            let answer = get(mood, path).await;
            let is_there = match mood {
                Mood::Busy => true,
                Mood::Paged => {
                    !["chat-latency", "000a1", "/groups?key"].iter().any(|what| path.contains(what))
                        || path.starts_with("/silences")
                }
                Mood::Burning => !["b2", "InstanceDown"].iter().any(|what| path.contains(what)),
                Mood::Healthy | Mood::Empty | Mood::Stale => {
                    !OF_SOMETHING.iter().any(|what| path.contains(what))
                }
            };
            assert_eq!(answer.status.as_u16(), if is_there { 200 } else { 404 }, "{mood:?} {path}");
            let text = answer.text();
            let headings = usize::from(!path.starts_with("/silences/preview"));
            assert_eq!(text.matches("<h1").count(), headings, "one heading: {mood:?} {path}");
            for hostile in ["<script>alert", "<b>eu", "<should>", "href=\"javascript:"] {
                assert!(!text.contains(hostile), "{hostile} in {mood:?} {path}");
            }
            for unfinished in ["NaN", ">inf<", "unwrap", "100.00%"] {
                assert!(!text.contains(unfinished), "{unfinished} in {mood:?} {path}");
            }
        }
    }
}

/// A page in a mood says all of these.
async fn check(mood: Mood, path: &str, expected: &[&str]) {
    let text = get(mood, path).await.text().replace('\u{a0}', " ");
    for phrase in expected {
        assert!(text.contains(phrase), "{phrase:?} is missing from {path}:\n{text}");
    }
}

#[tokio::test]
async fn pages_say_what_matters() {
    let burning = &[
        "2 burning, 1 unacked for 4 m, 1 budget gone, next budget ends",
        "in 1 h 52 m",
        "60×",
        "44.1×",
        "41%",
        "UNACKED 4 m",
        "Check the chat model&#39;s queue",
        "https://runbooks.example/chat",
        "/silences?alert=00000000000000a1#new",
        "team-slack failing since",
        "1 critical alert",
        "NOT MEASURED",
        "4 other objectives",
        "Thresholds missed",
        "Chat turns slow",
    ];
    let burning: Vec<_> = burning.iter().map(|p| p.replace("&#39;", "'")).collect();
    check(Mood::Burning, "/", &burning.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let rules = ["Nothing is burning, 42 alerts firing, 41 unacked for 30 m", "All 45", "PaymentsSlow"];
    check(Mood::Paged, "/", &rules).await;
    check(Mood::Busy, "/", &["2 burning, 42 other alerts firing, 42 unacked for 30 m, 1 budget gone"]).await;
    check(Mood::Healthy, "/", &["Nothing is burning", "as of data 8 s old", "no alerts"]).await;
    check(Mood::Stale, "/", &["Nobody can say whether anything burns", "1 h 5 m old", "age bad"]).await;
    check(Mood::Empty, "/", &["There are no objectives", "bellwether check bellwether.yaml", "no data yet"])
        .await;
    check(Mood::Empty, "/targets", &["Nothing is scraped", "bellwether check", "OpenTelemetry"]).await;
    let pushed = ["Pushed", "Remote write 1.0", "4 s ago", "480,000", "1 m 30 s ago: out of order sample"];
    check(Mood::Burning, "/targets", &pushed).await;
    check(Mood::Burning, "/slos", &["38% to 52%", "gone", "partly measured", "not measured", "98.88%"]).await;
    let detail =
        ["cannot fire", "fires after exhaustion", "The same as a table", "goal 99%", "class=\"gap\""];
    check(Mood::Burning, "/slos/movieguru/chat-latency", &detail).await;
    check(Mood::Burning, "/slos/movieguru/page-loads", &["watched 3d of 28d", "region=eu", "none set"]).await;
    check(Mood::Burning, "/slos/nope", &["No objective is called", "movieguru/startup"]).await;
    check(Mood::Burning, "/alerts", &["stopped at silence: ", "hidden by a silence", "pending"]).await;
    check(
        Mood::Burning,
        "/silences?alert=00000000000000a3",
        &["Would hide 1 alert now", "hides 1 alert now"],
    )
    .await;
    check(Mood::Burning, "/silences?matchers=a%3D%3D%3D%22", &["opened and not closed"]).await;
    check(Mood::Burning, "/deliveries?outcome=retrying", &["Retry-After 30", "again in 40 s"]).await;
    check(Mood::Burning, "/nope", &["There is no such page", "Nothing is at /nope.", "/explore"]).await;
}

/// A step of this chart takes 15 minutes; what burns must be seen before it ends.
#[tokio::test]
async fn a_chart_of_a_day_reaches_the_newest_data() {
    let text = get(Mood::Burning, "/slos/movieguru/chat-latency?range=24h").await.text();
    let table = text.split("id=\"table\"").nth(1).unwrap_or_default();
    let newest = table.split("<td class=\"t\">").nth(1).unwrap_or_default();
    assert!(newest.starts_with("02:25 UTC"), "{newest}");
}

#[tokio::test]
async fn an_objective_shows_what_fired_whom_it_concerns_and_what_ate_its_budget() {
    let fired = ["3 alerts fired in this range", "class=\"mark bad\"", "fast-burn (page)", "still firing"];
    check(Mood::Burning, "/slos/movieguru/chat-latency?range=24h", &fired).await;
    let whole = [
        "What ate the budget",
        "aspirational 99.9%",
        "missed",
        "high criticality",
        "mailto:shop@example.com",
        "https://grafana.example/d/1",
    ];
    check(Mood::Burning, "/slos/movieguru/page-loads", &whole).await;
    let page = "/slos/movieguru/chat-latency?outlook=yes";
    check(Mood::Burning, page, &["Rests on", "Goal today", "Goals that the past supports"]).await;
    let written =
        ["slos/chat.yml:3", "in the words of", "As YAML", "name: movieguru/chat-latency", "groups:"];
    check(Mood::Burning, page, &written).await;
    let threshold = ["803.5", "asked for &gt; 1,000", "missed since", "not applicable", "throughput-low"];
    check(Mood::Burning, "/slos/movieguru/throughput", &threshold).await;
    check(Mood::Burning, "/slos/movieguru/journey", &["Members", "/slos/movieguru/chat-latency", "burning"])
        .await;
    let text = get(Mood::Burning, "/slos/movieguru/page-loads").await.text();
    let (us, eu) = (text.find("region=us").unwrap(), text.find("region=eu").unwrap());
    assert!(us < eu, "the stream that spent most comes first");
}

#[tokio::test]
async fn what_burns_most_is_the_first_of_all_objectives() {
    let text = get(Mood::Burning, "/slos").await.text();
    let first = text.split("<tbody>").nth(1).unwrap_or_default();
    assert!(first.find("burning").is_some_and(|burning| burning < first.find("</tr>").unwrap()), "{first}");
}

#[tokio::test]
async fn a_mistake_in_a_query_is_underlined() {
    let text = get(Mood::Burning, "/explore?expr=rate%28up%29").await.text();
    assert!(text.contains("<mark>up</mark>") || text.contains("<mark>rate(up)</mark>"), "{text}");
    assert!(text.contains("range vector"), "{text}");
}

#[tokio::test]
async fn the_first_paint_fits_in_fourteen_kilobytes() {
    let size = async |path: &str| {
        let request = Request::get(path).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        let answer = send(&Fake::new(Mood::Busy), request).await;
        assert_eq!(answer.headers["content-encoding"], "gzip", "{path}");
        answer.bytes.len()
    };
    let mut assets = 0;
    for path in ["/assets/app.css", "/assets/app.js", "/assets/keys.js"] {
        assets += size(path).await;
    }
    let group = "/groups?key=%7B%7D%3A%7Balertname%3D%22InstanceDown%22%7D";
    let pages = ["/", "/alerts", "/alerts?by=group", "/alerts/00000000000000b2", "/silences", "/deliveries"];
    for path in pages.into_iter().chain([group, "/statistics"]) {
        let total = assets + size(path).await;
        assert!(total < 14 * 1024, "{total} bytes of {path}");
    }
}

#[tokio::test]
async fn every_answer_confines_what_a_page_may_load() {
    for path in ["/", "/nope", "/api/v1/labels", "/-/healthy"] {
        let answer = get(Mood::Burning, path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        let text = answer.text();
        assert!(
            !text.contains(" style=") && !text.contains(" onclick="),
            "inline code would be blocked: {path}"
        );
    }
}

#[tokio::test]
async fn a_page_that_missed_a_change_hears_of_it_at_once() {
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    let check = async |seen: Option<&str>, expected: &str| {
        let mut request = Request::get("/events");
        if let Some(seen) = seen {
            request = request.header("last-event-id", seen);
        }
        let router = bellwether_web::router(Fake::new(Mood::Burning));
        let mut body = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_body();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        assert!(text.contains(&format!("event: {expected}")), "{seen:?}: {text}");
        assert!(text.contains("id: 7"), "{text}");
    };
    check(None, "hello").await;
    check(Some("7"), "hello").await;
    check(Some("6"), "change").await;
}
