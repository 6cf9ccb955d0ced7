//! The page that asks: what it shows of an answer, where its buttons lead, what it suggests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ask::{get, post};
use crate::fake::{Fake, Mood};

async fn page(path: &str) -> String {
    let answer = get(Mood::Burning, path).await;
    assert_eq!(answer.status.as_u16(), 200, "{path}");
    answer.text()
}

#[tokio::test]
async fn an_answer_is_a_graph_and_a_table_as_the_tab_says() {
    let check = async |path: &str, graph: bool, table: bool| {
        let text = page(path).await;
        assert_eq!(
            (text.contains("<svg class=\"chart\""), text.contains("<tbody>")),
            (graph, table),
            "{path}"
        );
    };
    check("/explore?expr=up", true, true).await;
    check("/explore?expr=up&tab=graph", true, false).await;
    check("/explore?expr=up&tab=table", false, true).await;
    check("/explore?expr=up%5B5m%5D", false, true).await;
    check("/explore?expr=%22text%22", false, true).await;
    check("/explore?expr=sum(", false, false).await;
    check("/explore", false, false).await;
}

#[tokio::test]
async fn remarks_on_an_answer_are_shown_once() {
    let text = page("/explore?expr=rate(up%5B5m%5D)").await;
    assert_eq!(text.matches("metric might not be a counter").count(), 1, "{text}");
    let text = page("/explore?expr=up&range=soon").await;
    assert!(text.contains("is not a length of time"), "{text}");
}

#[tokio::test]
async fn a_mistake_is_underlined_where_it_stands_and_the_text_stays() {
    let text = page("/explore?expr=sum(rate(up))").await;
    assert!(text.contains("sum(rate(<mark>up</mark>))"), "{text}");
    assert!(text.contains("<textarea") && text.contains("\nsum(rate(up))</textarea>"), "{text}");
    assert!(text.contains("aria-invalid=\"true\""), "{text}");
    let hostile = page("/explore?expr=%3C%2Ftextarea%3E%3Cscript%3E").await;
    assert!(!hostile.contains("</textarea><script>"), "{hostile}");
}

#[tokio::test]
async fn several_queries_share_a_page_and_its_time() {
    let text = page("/explore?expr=up&expr=chat_calls_total&range=15m").await;
    assert_eq!(text.matches("<textarea").count(), 2);
    assert!(text.contains("id=\"graph0-t\"") && text.contains("id=\"graph1-t\""), "{text}");
    assert!(text.contains("15m until now, every 5s"), "{text}");
}

#[tokio::test]
async fn lines_carry_their_values_for_those_who_point_at_them() {
    let text = page("/explore?expr=up&range=1m&end=1795227900&step=30s").await;
    assert!(text.contains("data-step=\"30000\"") && text.contains("data-values=\"1 1 1\""), "{text}");
}

#[tokio::test]
async fn links_of_prometheus_page_and_buttons_lead_on() {
    let check = async |path: &str, expected: &str| {
        let answer = get(Mood::Burning, path).await;
        assert!(answer.status.is_redirection(), "{path}: {}", answer.status);
        assert_eq!(answer.headers["location"], expected, "{path}");
    };
    check("/graph?g0.expr=up&g0.tab=1", "/explore?expr=up&tab=table").await;
    check("/query?g0.expr=up&g0.range_input=2h", "/explore?expr=up&range=2h").await;
    check("/graph", "/explore?expr=").await;
    check("/explore?expr=up&tab=both&do=range%3A6h", "/explore?expr=up&range=6h").await;
}

async fn suggested(before: &str) -> (u64, Vec<String>) {
    let form = format!("before={}", bellwether_web::url::encode(before, ""));
    let answer =
        post(&Fake::new(Mood::Burning), "/api/bellwether/v1/complete", ("user-agent", "x"), &form).await;
    let answer = answer.json();
    let texts = answer["suggestions"].as_array().unwrap().iter();
    (answer["replaces"].as_u64().unwrap(), texts.map(|s| s["text"].as_str().unwrap().to_owned()).collect())
}

#[tokio::test]
async fn what_could_stand_there_is_suggested() {
    let check = async |before: &str, replaces: u64, first: &[&str]| {
        let (got, texts) = suggested(before).await;
        assert_eq!(got, replaces, "{before}");
        assert_eq!(texts[..first.len().min(texts.len())], *first, "{before}");
    };
    check("ch", 2, &["changes(", "chat_calls_total"]).await;
    check("rat", 3, &["rate("]).await;
    check("sum by (i", 1, &["instance"]).await;
    check("chat_calls_total{", 0, &["instance", "job"]).await;
    check("chat_calls_total{instance=\"", 0, &["a:1", "b:1"]).await;
    check("up{instance=\"", 0, &["a:1"]).await;
    check("rate(up[", 0, &["1m", "2m", "5m"]).await;
    check("up # ", 0, &[]).await;
    let form = "before=chat_c";
    let app = Fake::new(Mood::Burning);
    let answer = post(&app, "/api/bellwether/v1/complete", ("user-agent", "x"), form).await.json();
    assert_eq!(answer["suggestions"][0]["detail"], "counter: Chats that were answered.");
}

#[tokio::test]
async fn somebody_who_types_is_told_what_is_wrong_without_an_error_of_http() {
    let check = async |query: &str, expected: Value| {
        let path = format!("/api/bellwether/v1/check_query?query={}", bellwether_web::url::encode(query, ""));
        let answer = get(Mood::Burning, &path).await;
        assert_eq!(answer.status.as_u16(), 200);
        let places: Vec<Value> = answer.json()["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| json!([p["line"], p["column"], p["length"]]))
            .collect();
        assert_eq!(json!(places), expected, "{query}");
    };
    check("up", json!([])).await;
    check("sum(\n  rate(up))", json!([[2, 8, 2]])).await;
    check("up{a=\"größe\"} + rate(up)", json!([[1, 22, 2]])).await;
}

#[tokio::test]
async fn the_scripts_of_a_page_are_small() {
    let mut sizes = BTreeMap::new();
    for path in ["/assets/explore.js", "/assets/explore.css"] {
        sizes.insert(path, get(Mood::Burning, path).await.bytes.len());
    }
    assert!(sizes.values().sum::<usize>() < 24 * 1024, "{sizes:?}");
}
