//! What a person with a keyboard does to alerts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::demo_process::{DemoProcess, until};
use crate::webdriver::Browser;

const PATIENCE: Duration = Duration::from_secs(10);
const ESCAPE: &str = "\u{E00C}";

/// Posts alerts that fire for an hour, as another program would.
async fn fire(demo: &DemoProcess, names: &[&str]) {
    let alerts: Vec<Value> = names
        .iter()
        .map(|name| json!({"labels": {"alertname": name, "severity": "page", "team": "<b>web</b>"}}))
        .collect();
    let client = reqwest::Client::new();
    let posted = client.post(format!("{}/api/v2/alerts", demo.page)).json(&alerts).send().await.unwrap();
    assert_eq!(posted.status(), 200);
}

/// Who has an alert, by its name.
async fn holder(demo: &DemoProcess, name: &str) -> Option<String> {
    let alerts = demo.json(&format!("{}/api/bellwether/v1/alerts", demo.page)).await;
    let is_it = |alert: &&Value| alert["labels"]["alertname"] == name;
    let alert = alerts.as_array().unwrap().iter().find(is_it).unwrap().clone();
    alert["ack"]["by"].as_str().map(str::to_owned)
}

async fn until_held(demo: &DemoProcess, name: &str, by: Option<&str>) {
    until(&format!("{name} to be held by {by:?}"), PATIENCE, async || {
        (holder(demo, name).await.as_deref() == by).then_some(())
    })
    .await;
}

async fn until_seen(browser: &Browser, what: &str) {
    until(&format!("{what:?} on the page"), PATIENCE, async || {
        browser.text().await.contains(what).then_some(())
    })
    .await;
}

#[tokio::test]
async fn alerts_are_walked_taken_and_given_back_by_keys() {
    let Some(browser) = Browser::start().await else { return };
    let demo = DemoProcess::start("browser-alerts");
    fire(&demo, &["QueueFull", "RackHot"]).await;
    browser.open(&format!("{}/alerts?sort=name", demo.page)).await;
    until_seen(&browser, "RackHot").await;

    // A letter changes nothing as long as nothing is chosen; and nobody acknowledges without a name.
    browser.press("a").await;
    until_seen(&browser, "j and k choose one first").await;
    browser.press("j").await;
    let focused = "return document.activeElement.textContent";
    assert_eq!(browser.run(focused).await, "QueueFull");
    browser.press("a").await;
    assert_eq!(browser.run("return document.activeElement.name").await, "by");
    browser.press("A").await;
    browser.press("\u{E007}").await;
    until_held(&demo, "QueueFull", Some("A")).await;
    until_seen(&browser, "You have QueueFull").await;
    until_seen(&browser, "A has it since").await;
    browser.press("u").await;
    until_held(&demo, "QueueFull", None).await;

    // The name is known from now on: one letter is enough, and the focus stays where it was.
    browser.open(&format!("{}/alerts?sort=name", demo.page)).await;
    browser.press("j").await;
    browser.press("j").await;
    assert_eq!(browser.run(focused).await, "RackHot");
    browser.press("a").await;
    until_held(&demo, "RackHot", Some("A")).await;
    until_seen(&browser, "A has it since").await;
    assert_eq!(browser.run(focused).await, "RackHot");
    browser.click(".toast button").await;
    until_held(&demo, "RackHot", None).await;

    browser.press("?").await;
    let open = "return document.querySelector('dialog')?.open ?? false";
    assert_eq!(browser.run(open).await, true);
    browser.press(ESCAPE).await;
    assert_eq!(browser.run(open).await, false);

    browser.press("s").await;
    until("the form of a silence", PATIENCE, async || {
        (browser.run("return location.pathname").await == "/silences").then_some(())
    })
    .await;
    until_seen(&browser, "Would hide 1 alert now").await;
    let clear = "const a = document.querySelector('textarea[name=matchers]'); a.value = ''; a.dispatchEvent(new Event('input'))";
    browser.run(clear).await;
    browser.type_into("textarea[name=matchers]", "alertname=~\"QueueFull|RackHot\"").await;
    until_seen(&browser, "Would hide 2 alerts now").await;
    browser.run("document.activeElement.blur()").await;
    browser.press("g").await;
    browser.press("d").await;
    until("the ledger", PATIENCE, async || {
        (browser.run("return location.pathname").await == "/deliveries").then_some(())
    })
    .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
