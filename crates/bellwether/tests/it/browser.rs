//! What a person with a phone sees and can do.

use std::time::Duration;

use bellwether::workshop::Phase;
use serde_json::{Value, json};

use crate::demo_process::{DemoProcess, until};
use crate::webdriver::{Browser, Screen};

const PHONE: Screen = Screen { width: 390, height: 844 };
const PAGES: [&str; 16] = [
    "/",
    "/slos",
    "/slos/movie-guru/chat-latency",
    "/alerts",
    "/alerts?by=group",
    "/alerts/NoSuchAlert",
    "/routing?labels=severity%3Dpage",
    "/silences",
    "/silences?matchers=slo%3D~%22.%2B%22",
    "/deliveries",
    "/receivers",
    "/statistics",
    "/targets",
    "/explore",
    "/explore?expr=sum%20by%20(le)(rate(movieguru_chat_latency_milliseconds_bucket%5B5m%5D))",
    "/NoSuchPage",
];
/// What is in the addresses of pages that are none.
const NO_SUCH: &str = "/NoSuch";

/// The names of elements that reach beyond the screen although nothing around them scrolls.
const WIDE_ELEMENTS: &str = "\
    const scrolls = (e) => e && (['auto', 'scroll', 'hidden'].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));\
    return [...document.querySelectorAll('body *')]\
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement))\
        .map((e) => e.tagName + '.' + e.className).slice(0, 5)";

#[tokio::test]
async fn no_page_is_wider_than_a_phone_or_complains() {
    let Some(browser) = Browser::start().await else { return };
    let demo = DemoProcess::start("browser-phone");
    browser.screen(PHONE).await;
    for path in PAGES {
        browser.open(&format!("{}{path}", demo.page)).await;
        let widths = browser.run("return [document.documentElement.scrollWidth, innerWidth]").await;
        let wide = browser.run(WIDE_ELEMENTS).await;
        assert_eq!(widths, json!([PHONE.width, PHONE.width]), "{path} {wide}");
        let complaints: Vec<String> = browser.complaints().await;
        // A page that is none says so with its status, and the browser repeats that.
        let unexpected: Vec<_> = complaints.iter().filter(|text| !text.contains("404 (Not Found)")).collect();
        assert_eq!((unexpected, complaints.is_empty()), (vec![], !path.contains(NO_SUCH)), "{path}");
    }
}

#[tokio::test]
async fn a_button_breaks_the_service_and_a_form_silences_what_follows() {
    let Some(browser) = Browser::start().await else { return };
    let demo = DemoProcess::start("browser-forms");
    browser.screen(PHONE).await;

    browser.open(&demo.page).await;
    browser.click("button[name=phase][value=chat-degraded]").await;
    let degraded = Phase::challenge(6).unwrap();
    until("challenge 6 at the service", Duration::from_secs(5), async || {
        (demo.phase().await == degraded).then_some(())
    })
    .await;
    let pressed = "return document.querySelector('button[aria-pressed=true]')?.value";
    until("the button to look pressed", Duration::from_secs(5), async || {
        (browser.run(pressed).await == json!("chat-degraded")).then_some(())
    })
    .await;

    browser.open(&format!("{}/silences", demo.page)).await;
    browser.type_into("textarea[name=matchers]", "slo=\"chat-latency\"").await;
    browser.type_into("input[name=by]", "Ada").await;
    browser.type_into("input[name=comment]", "the limit is being raised").await;
    browser.click("form[action='/silences'] button.go").await;
    let states = async |wanted: &str| {
        let silences = demo.json(&format!("{}/api/v2/silences", demo.page)).await;
        let state = |silence: &Value| silence["status"]["state"].as_str().unwrap().to_owned();
        (silences.as_array().unwrap().iter().map(state).collect::<Vec<_>>() == [wanted]).then_some(silences)
    };
    let silences = until("a silence", Duration::from_secs(5), async || states("active").await).await;
    assert_eq!(silences[0]["createdBy"], "Ada");
    assert_eq!(silences[0]["matchers"][0]["value"], "chat-latency");
    until("the silence on the page", Duration::from_secs(5), async || {
        browser.text().await.contains("the limit is being raised").then_some(())
    })
    .await;

    browser.click("form[action$='/expire'] button").await;
    until("its end", Duration::from_secs(5), async || states("expired").await).await;
    until("the page to say so", Duration::from_secs(5), async || {
        browser.text().await.contains("1 expired silence").then_some(())
    })
    .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_query_is_completed_and_checked_while_it_is_typed() {
    const AREA: &str = "textarea[name=expr]";
    const ENTER: &str = "\u{E007}";
    let Some(browser) = Browser::start().await else { return };
    let demo = DemoProcess::start("browser-explore");
    browser.screen(PHONE).await;
    browser.open(&format!("{}/explore", demo.page)).await;
    let text = async || browser.run("return document.querySelector('textarea[name=expr]').value").await;
    let first = "return document.querySelector('.options:not([hidden]) li .mono')?.textContent ?? null";
    let suggests = async |expected: &str| {
        until(&format!("{expected} to be suggested"), Duration::from_secs(10), async || {
            (browser.run(first).await == json!(expected)).then_some(())
        })
        .await;
    };

    browser.type_into(AREA, "movieguru_chat_latency_milliseconds_c").await;
    suggests("movieguru_chat_latency_milliseconds_count").await;
    browser.type_into(AREA, ENTER).await;
    assert_eq!(text().await, "movieguru_chat_latency_milliseconds_count");
    browser.type_into(AREA, "{jo").await;
    suggests("job").await;
    browser.type_into(AREA, ENTER).await;
    browser.type_into(AREA, "=\"").await;
    suggests("movie-guru").await;
    browser.type_into(AREA, ENTER).await;
    let whole = "movieguru_chat_latency_milliseconds_count{job=\"movie-guru\"";
    assert_eq!(text().await, whole);

    let marked = "return document.querySelector('.under mark') !== null";
    browser.type_into(AREA, "} +* 2").await;
    until("the mistake to be underlined", Duration::from_secs(10), async || {
        (browser.run(marked).await == json!(true)).then_some(())
    })
    .await;
    let clear = "const a = document.querySelector('textarea[name=expr]'); a.value = ''; a.dispatchEvent(new Event('input'))";
    browser.run(clear).await;
    browser.type_into(AREA, "sum(up) ").await;
    browser.type_into(AREA, ENTER).await;
    until("the graph", Duration::from_secs(10), async || {
        (browser.run("return document.querySelector('.plot svg.chart') !== null").await == json!(true))
            .then_some(())
    })
    .await;
    let address = browser.run("return location.pathname + location.search").await;
    assert!(address.as_str().unwrap().starts_with("/explore?expr=sum%28up%29"), "{address}");

    // The arrow keys read values; a legend's tick takes its line away.
    browser.run("document.querySelector('.plot').focus()").await;
    browser.type_into(".plot", "\u{E012}").await;
    let read = browser.run("return document.querySelector('.read').textContent").await;
    assert!(read.as_str().unwrap().contains(':'), "{read}");
    browser.click(".keys input").await;
    let shown = "return getComputedStyle(document.querySelector('.plot path.l0')).display";
    assert_eq!(browser.run(shown).await, "none");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
