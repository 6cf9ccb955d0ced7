//! The demonstration from its first minute to the all-clear, by the wall clock: the one test that takes minutes,
//! because a five-minute window takes five.

use std::time::{Duration, Instant};

use bellwether::workshop::Phase;
use bellwether_model::TimeDelta;
use serde_json::{Value, json};

use crate::demo_process::{DemoProcess, until};
use crate::webdriver::Browser;

const SLOS: &str = "/api/bellwether/v1/slos";

fn challenge(number: u32) -> Phase {
    Phase::challenge(number).unwrap()
}

/// The objectives, once all five of them know a day.
async fn healthy_slos(demo: &DemoProcess) -> Option<Vec<Value>> {
    let slos = demo.json(&format!("{}{SLOS}", demo.page)).await;
    let slos = slos.as_array().unwrap().clone();
    let knows_a_day = |slo: &Value| {
        let stream = &slo["streams"][0];
        let watched: TimeDelta = stream["watched"].as_str().unwrap().parse().unwrap();
        stream["measurement"] == "complete" && watched >= TimeDelta::DAY
    };
    slos.iter().all(knows_a_day).then_some(slos)
}

/// Only the 10x alert of the chats carries this advice.
const ADVICE: &str = "then roll back the last chat release.";

/// The line about the 10x alert in a message of Slack's shape, if it has one.
fn fast_burn_line(message: &Value) -> Option<String> {
    let text = message["attachments"][0]["text"].as_str().unwrap();
    let lines: Vec<_> = text.lines().collect();
    let advice = lines.iter().position(|line| line.contains(ADVICE))?;
    lines[..advice].iter().rev().find(|line| line.starts_with('•')).map(|line| (*line).to_owned())
}

/// The first message that tells of the 10x alert, or of its end.
async fn told_of_fast_burn(demo: &DemoProcess, is_over: bool) -> Option<String> {
    let lines: Vec<_> = demo.received().await.iter().filter_map(fast_burn_line).collect();
    lines.into_iter().find(|line| line.contains("chat-latency") && line.contains("over: ") == is_over)
}

/// What the person who has the page open sees, if there is a browser here.
async fn browser_sees(browser: Option<&Browser>, words: &str, at_most: Duration) {
    let Some(browser) = browser else { return };
    until(&format!("{words:?} in the browser"), at_most, async || {
        browser.text().await.contains(words).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_broken_chat_is_told_within_two_minutes_and_its_repair_too() {
    let demo = DemoProcess::start("demo");
    let begun = Instant::now();
    let slos =
        until("five objectives that know a day", Duration::from_secs(30), async || healthy_slos(&demo).await)
            .await;
    let names: Vec<_> = slos.iter().map(|slo| slo["id"].as_str().unwrap()).collect();
    let expected = ["chat-engaged", "chat-latency", "chat-relevant", "startup-latency", "startup-success"];
    assert_eq!(names, expected.map(|name| format!("movie-guru/{name}")));
    let chats = &slos[1]["streams"][0];
    // 74,057 chats a day, all in time: the whole budget is there.
    assert!(chats["total"]["total"].as_f64().unwrap() > 70_000.0, "{chats}");
    assert_eq!(chats["budget"]["left_ratio"], json!(1.0));
    until("a calm page with the age of its data", Duration::from_secs(30) - begun.elapsed(), async || {
        let page = demo.text("/").await;
        (page.contains("Nothing is burning") && page.contains("as of data")).then_some(())
    })
    .await;
    let ready_in = begun.elapsed();
    assert_eq!(demo.received().await, Vec::<Value>::new());

    let browser = Browser::start().await;
    if let Some(browser) = &browser {
        browser.open(&demo.page).await;
        browser.run("window.nobodyReloadedThis = true; return 0").await;
    }
    browser_sees(browser.as_ref(), "Nothing is burning", Duration::from_secs(5)).await;

    let (status, _) = demo.post_phase(challenge(6).to_json().to_string()).await;
    assert_eq!(status, 200);
    let broken = Instant::now();
    let at_most = Duration::from_secs(120);
    until("the 10x alert at the receiver", at_most, async || told_of_fast_burn(&demo, false).await).await;
    let told_after = broken.elapsed();
    assert!(told_after > Duration::from_secs(30), "three users cannot burn that fast: {told_after:?}");
    browser_sees(browser.as_ref(), "PAGE", Duration::from_secs(15)).await;
    browser_sees(browser.as_ref(), "chat-latency", Duration::from_secs(1)).await;
    let page = demo.text("/").await;
    assert!(page.contains("movie-guru/chat-latency is burning"), "{page}");
    assert!(!page.contains("Nothing is burning"));
    let alerts = demo.json(&format!("{}/api/v1/alerts", demo.page)).await;
    let is_fast_burn = |alert: &&Value| {
        alert["labels"]["alert"] == "fast-burn-10x" && alert["labels"]["slo"] == "chat-latency"
    };
    assert_eq!(
        alerts["data"]["alerts"].as_array().unwrap().iter().filter(is_fast_burn).count(),
        1,
        "{alerts}"
    );

    // Repaired at the very threshold, a burn rate of few events would waver around it and resolve at once.
    until("a burn rate well above 10", Duration::from_secs(60), async || {
        let chats = demo.json(&format!("{}{SLOS}/movie-guru/chat-latency", demo.page)).await;
        let burn_rate = chats["streams"][0]["burns"][0]["burn_rate"].as_f64().unwrap();
        (burn_rate > 14.0).then_some(())
    })
    .await;
    let (status, _) = demo.post_phase(challenge(7).to_json().to_string()).await;
    assert_eq!(status, 200);
    let repaired = Instant::now();
    let at_most = Duration::from_secs(315);
    until("the end of the 10x alert at the receiver", at_most, async || told_of_fast_burn(&demo, true).await)
        .await;
    let cleared_after = repaired.elapsed();
    assert!(cleared_after > Duration::from_secs(180), "the window is five minutes long: {cleared_after:?}");
    until("a calm page", Duration::from_secs(120), async || {
        demo.text("/").await.contains("Nothing is burning").then_some(())
    })
    .await;
    let calm_after = repaired.elapsed();
    browser_sees(browser.as_ref(), "Nothing is burning", Duration::from_secs(15)).await;
    if let Some(browser) = &browser {
        assert_eq!(
            browser.run("return window.nobodyReloadedThis").await,
            json!(true),
            "the page was reloaded"
        );
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
    eprintln!(
        "demo: addresses after {:?}, all is calm {ready_in:?} later, 10x told {told_after:?} after the fault, \
         resolved {cleared_after:?} and calm {calm_after:?} after the repair",
        demo.started_in
    );
}

#[tokio::test]
async fn the_service_takes_a_phase_whole_or_not_at_all() {
    let demo = DemoProcess::start("demo-phase");
    assert_eq!(demo.phase().await, Phase::demo_start());
    let check = async |body: String, status: u16, says: &str| {
        let before = demo.phase().await;
        let (found, text) = demo.post_phase(body).await;
        assert_eq!(found, status, "{text}");
        assert!(text.contains(says), "{text}");
        assert_eq!(demo.phase().await == before, status != 200);
    };
    let mut body = challenge(6).to_json();
    body["ChatSuccess"] = json!(95);
    check(body.to_string(), 400, "ChatSuccess").await;
    let mut body = challenge(6).to_json();
    body["ChatLatencyMaxMS"] = body["ChatLatencyMinMS"].clone();
    check(body.to_string(), 400, "ChatLatencyMaxMS").await;
    check("{".to_owned(), 400, "JSON").await;
    check(challenge(6).to_json().to_string(), 200, "").await;
    assert_eq!(demo.phase().await, challenge(6));
}
