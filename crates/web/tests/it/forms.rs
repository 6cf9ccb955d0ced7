//! Changes made from a page, and by other sites' pages.

use axum::body::Body;
use axum::http::Request;
use bellwether_model::TimeDelta;

use crate::ask::{get, post, send};
use crate::fake::{Fake, Mood, NOW};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

#[tokio::test]
async fn a_change_asked_for_by_another_site_is_refused() {
    let check = async |header: (&str, &str), expected: u16| {
        let app = Fake::new(Mood::Burning);
        let answer = post(&app, "/alerts/00000000000000a1/ack", header, "by=mallory").await;
        assert_eq!(answer.status.as_u16(), expected, "{header:?}");
        assert_eq!(app.acks.lock().unwrap().is_empty(), expected == 403, "{header:?}");
    };
    check(("sec-fetch-site", "same-origin"), 303).await;
    check(("sec-fetch-site", "none"), 303).await;
    check(("sec-fetch-site", "cross-site"), 403).await;
    check(("sec-fetch-site", "same-site"), 403).await;
    check(("origin", "https://bellwether.example"), 303).await;
    check(("origin", "https://evil.example"), 403).await;
    check(("origin", "null"), 403).await;
    check(("user-agent", "curl"), 303).await;
    let reload = post(&Fake::new(Mood::Burning), "/-/reload", ("sec-fetch-site", "cross-site"), "").await;
    assert_eq!(reload.status.as_u16(), 403);
}

#[tokio::test]
async fn an_acknowledged_alert_has_an_owner_and_the_name_is_remembered() {
    let app = Fake::new(Mood::Burning);
    let answer = post(&app, "/alerts/00000000000000a1/ack", SAME, "by=Ana+Mar%C3%ADa").await;
    assert_eq!(answer.headers["location"], "/");
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("=Ana%20Mar%C3%ADa;"));
    assert_eq!(app.acks.lock().unwrap()["00000000000000a1"], "Ana María");
    let request = Request::get("/").header("cookie", "x=1; bellwether_name=Ana%20Mar%C3%ADa%22");
    let page = send(&Fake::new(Mood::Burning), request.body(Body::empty()).unwrap()).await.text();
    assert!(page.contains("value=\"Ana María&quot;\""), "{page}");
    let nobody = post(&app, "/alerts/00000000000000a1/ack", SAME, "by=+").await;
    assert_eq!(nobody.status.as_u16(), 400);
}

#[tokio::test]
async fn a_silence_is_made_from_what_people_type() {
    let check = async |matchers: &str, expected: Result<&str, &str>| {
        let app = Fake::new(Mood::Burning);
        let form = format!("matchers={matchers}&for=2h&by=sam&comment=moving");
        let answer = post(&app, "/silences", SAME, &form).await;
        let added = app.added.lock().unwrap();
        match expected {
            Ok(text) => {
                let silence = added.first().unwrap_or_else(|| panic!("{}", answer.text()));
                let texts: Vec<_> = silence.matchers.iter().map(ToString::to_string).collect();
                assert_eq!(texts.join(" "), text);
                assert_eq!(silence.ends_at, NOW + TimeDelta(2 * TimeDelta::HOUR.0));
            }
            Err(reason) => {
                assert_eq!((answer.status.as_u16(), added.len()), (400, 0));
                assert!(answer.text().contains(reason), "{}", answer.text());
            }
        }
    };
    check("alertname%3DDiskFull", Ok("alertname=\"DiskFull\"")).await;
    check("a%3D%22x%2Cy%22%2Cb!~%22z.*%22", Ok("a=\"x,y\" b!~\"z.*\"")).await;
    check("%7Ba%3D%22x%22%2C+b!%3D%22%5C%22%22%7D", Ok("a=\"x\" b!=\"\\\"\"")).await;
    check("a%3D~%22%28%22", Err("regular expression")).await;
    check("nonsense", Err("is not a matcher")).await;
    check("", Err("at least one matcher")).await;
}

#[tokio::test]
async fn the_demonstration_changes_phase_only_to_what_exists() {
    let app = Fake::new(Mood::Burning);
    assert_eq!(post(&app, "/demo/phase", SAME, "phase=5").await.status.as_u16(), 303);
    assert_eq!(*app.phase.lock().unwrap(), "5");
    let refused = post(&app, "/demo/phase", SAME, "phase=9").await;
    assert_eq!(refused.status.as_u16(), 400);
    assert!(refused.text().contains("there are 5 and 6"));
    assert!(!get(Mood::Healthy, "/").await.text().contains("Demonstration"));
}
