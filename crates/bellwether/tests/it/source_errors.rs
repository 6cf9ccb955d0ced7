//! What a source may answer besides what was asked for, and what is sent to it: a backend that is none.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use bellwether::config::source::SourceConfig;
use bellwether::source::ask_error::AskError;
use bellwether::source::client::RemoteClient;
use bellwether::source::intake::Answered;
use bellwether::source::plan::plan;
use bellwether::source::reader::{Reader, Stretch};
use bellwether_alerts::{Auth, Secret, SecretSource};
use bellwether_model::{TimeDelta, Timestamp};
use bellwether_slo::Selector;
use tokio::net::TcpListener;

type Answer = dyn Fn(&str) -> Response<Body> + Send + Sync;

/// Answers as it was told, and remembers what it was asked.
#[derive(Clone)]
struct Backend {
    answer: Arc<Answer>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    async fn start(answer: impl Fn(&str) -> Response<Body> + Send + Sync + 'static) -> (Self, String) {
        let backend = Self { answer: Arc::new(answer), asked: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(Self::handle).with_state(backend.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (backend, url)
    }

    async fn handle(State(backend): State<Self>, request: Request) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let form = String::from_utf8_lossy(&body).into_owned();
        let headers =
            head.headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
        let asked = format!("{} {}\n{}{form}", head.method, head.uri, headers.collect::<String>());
        backend.asked.lock().unwrap().push(asked);
        (backend.answer)(&form)
    }
}

fn respond(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body.to_owned())).unwrap()
}

const START: Timestamp = Timestamp(1_700_000_000_000);
const STRETCH: Stretch = Stretch { start: START, end: Timestamp(START.0 + 120_000) };

async fn read(config: &SourceConfig) -> Result<Answered, AskError> {
    let client = Arc::new(RemoteClient::build(config)?);
    let fetches = plan([Selector::parse("a_total").unwrap()]);
    Reader::new(client).read(&fetches, &BTreeSet::new(), STRETCH).await
}

fn samples(answered: &Answered) -> Vec<(i64, f64)> {
    let samples = answered.counts.iter().flat_map(|read| &read.samples);
    samples.map(|sample| ((sample.at - START).0, sample.value)).collect()
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_that_says_what_to_do() {
    let check = async |status: u16, headers: &'static [(&str, &str)], body: &'static str, part: &str| {
        let (_, url) = Backend::start(move |_| respond(status, headers, body)).await;
        let error = read(&SourceConfig::at(&url)).await.unwrap_err();
        assert!(error.to_string().contains(part), "{status} {body}: {error}");
        error
    };
    check(401, &[], "no", "refuses us with status 401: no; check basic_auth").await;
    check(403, &[], "", "status 403: it gives no reason").await;
    let limited = check(429, &[("retry-after", "7")], "", "left alone for 7s").await;
    assert_eq!(limited.retry_after(), Some(TimeDelta::from_secs(7)));
    check(503, &[], "still starting", "trouble of its own (status 503): still starting").await;
    check(500, &[], r#"{"status":"error","errorType":"internal","error":"oh"}"#, "(status 500): oh").await;
    check(302, &[("location", "http://else.where/")], "", "it points to http://else.where/").await;
    check(404, &[], "404 page not found", "refuses the request (status 404)").await;
    let bad = r#"{"status":"error","errorType":"bad_data","error":"1:2: parse error"}"#;
    check(400, &[], bad, "(status 400): 1:2: parse error").await;
    check(200, &[], "<html>log in</html>", "cannot be read").await;
    check(200, &[], r#"{"status":"success","data":{"resultType":"matrix","result":[{"me"#, "cut off").await;
    let partial =
        r#"{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["store-1 is away"]}"#;
    check(200, &[], partial, "not complete: store-1 is away").await;
    let partial = r#"{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}"#;
    check(200, &[], partial, "not complete").await;
    check(
        200,
        &[],
        r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
        "no samples over time",
    )
    .await;
}

#[tokio::test]
async fn who_does_not_answer_in_time_or_at_all_is_told_of() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = SourceConfig::at(&format!("http://{}", listener.local_addr().unwrap()));
    config.timeout = TimeDelta::from_millis(20);
    // Nobody accepts: the connection stands, and nothing comes.
    let error = read(&config).await.unwrap_err();
    assert!(matches!(error, AskError::Slow(_)), "{error}");
    drop(listener);
    let error = read(&config).await.unwrap_err();
    assert!(error.to_string().contains("it cannot be reached: no connection"), "{error}");
}

/// One sample every second, for ranges up to a bound.
fn every_second(form: &str, seconds_max: i64) -> Response<Body> {
    let field = |name: &str| {
        let value = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap();
        value.to_owned()
    };
    let query = field("query");
    if query.contains("%22up%22") {
        return respond(200, &[], r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#);
    }
    // Parts of seconds come only when whole ones were too much.
    let seconds: i64 =
        query.rsplit_once("%5B").unwrap().1.trim_end_matches("s%5D").parse().unwrap_or(i64::MAX);
    if seconds > seconds_max {
        let said = "query processing would load too many samples into memory in query execution";
        return respond(
            422,
            &[],
            &format!(r#"{{"status":"error","errorType":"execution","error":"{said}"}}"#),
        );
    }
    let end = field("time").parse::<f64>().unwrap() as i64;
    let values: Vec<String> =
        (end - seconds + 1..=end).map(|at| format!("[{at},\"{}\"]", at - START.0 / 1000)).collect();
    // Twice the same, as a store of two replicas may give it; and what nobody asked for.
    let values = format!("{},{}", values.join(","), values[0]);
    let series = format!(
        r#"{{"metric":{{"__name__":"a_total"}},"values":[{values}]}},{{"metric":{{"__name__":"b_total"}},"values":[[{end},"1"]]}}"#
    );
    respond(
        200,
        &[],
        &format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#),
    )
}

#[tokio::test]
async fn what_is_too_much_at_once_is_asked_for_in_halves() {
    let all: Vec<(i64, f64)> = (1..=120).map(|second| (second * 1000, second as f64)).collect();
    for (seconds_max, requests) in [(120, 1), (60, 3), (30, 7)] {
        let (backend, url) = Backend::start(move |form| every_second(form, seconds_max)).await;
        let answered = read(&SourceConfig::at(&url)).await.unwrap();
        assert_eq!(samples(&answered), all);
        assert_eq!(backend.asked.lock().unwrap().len(), requests);
    }
    let (_, url) = Backend::start(|form| every_second(form, 0)).await;
    let error = read(&SourceConfig::at(&url)).await.unwrap_err();
    assert!(matches!(error, AskError::TooMuch(_)), "{error}");
}

#[tokio::test]
async fn it_is_told_who_asks_and_for_what() {
    let check = async |change: &dyn Fn(&mut SourceConfig), parts: &[&str]| {
        let (backend, url) = Backend::start(|form| every_second(form, 120)).await;
        let mut config = SourceConfig::at(&url);
        change(&mut config);
        read(&config).await.unwrap();
        let asked = backend.asked.lock().unwrap()[0].clone();
        for part in parts {
            assert!(asked.contains(part), "{part:?} is not in {asked}");
        }
    };
    let inline = |text: &str| Some(SecretSource::Inline(Secret::new(text)));
    check(&|_| {}, &["POST /api/v1/query\n", "time=1700000120.000", "partial_response=false", "dedup=true"])
        .await;
    check(
        &|_| {},
        &["max_source_resolution=0s", "nocache=1", "query=%7B__name__%3D%22a_total%22%7D%5B120s%5D"],
    )
    .await;
    check(&|c| c.tenant = Some("shop".into()), &["x-scope-orgid: shop\n"]).await;
    check(&|c| c.url += "/prometheus", &["POST /prometheus/api/v1/query\n"]).await;
    let password = inline("b");
    let basic = Auth::Basic { username: inline("a"), password };
    check(&|c| c.auth = Some(basic.clone()), &["authorization: Basic YTpi\n"]).await;
    let bearer = Auth::Authorization { scheme: "Bearer".into(), credentials: inline("t0ken") };
    check(&|c| c.auth = Some(bearer.clone()), &["authorization: Bearer t0ken\n"]).await;
    let header = |c: &mut SourceConfig| {
        c.headers.insert("X-Team".into(), Secret::new("red"));
    };
    check(&header, &["x-team: red\n"]).await;
    let folder = crate::process::Folder::new("source-token");
    let file = folder.write("token", "from-a-file\n").display().to_string();
    let from_file =
        Auth::Authorization { scheme: "Bearer".into(), credentials: Some(SecretSource::File(file)) };
    check(&|c| c.auth = Some(from_file.clone()), &["authorization: Bearer from-a-file\n"]).await;
    let mut config = SourceConfig::at("http://127.0.0.1:1");
    config.tls.ca_file = Some("/nowhere/ca.pem".into());
    let error = RemoteClient::build(&config).err().unwrap().to_string();
    assert!(error.contains("ca_file /nowhere/ca.pem cannot be read"), "{error}");
}
