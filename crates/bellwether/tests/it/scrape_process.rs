//! Targets of the real program: found in files and over HTTP, behind logins and certificates, compressed, relabelled,
//! and refused for being too much.

use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::forged::{Forged, certificate_for};
use crate::process::{Folder, Server, text};

/// What the other side answers; a test may change it.
#[derive(Default)]
struct Answers {
    /// Who may read `/private`.
    credentials: String,
    /// What `/targets` names; empty: an error.
    targets: String,
    /// Lines that `/growing` has.
    lines: usize,
    /// Header lines that `/targets` was asked with.
    heard: Vec<String>,
}

type Shared = Arc<Mutex<Answers>>;

/// Opens a server that is a target and a discovery; gives its address.
async fn open(answers: Shared) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = axum::Router::new().fallback(answer).with_state(answers);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

async fn answer(State(answers): State<Shared>, request: Request) -> Response {
    let of =
        |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap_or("")).to_owned();
    let plain = |body: String| ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], body).into_response();
    let mut answers = answers.lock().unwrap();
    match request.uri().path() {
        "/metrics" => plain("a 1\nb{x=\"1\"} 2\nb{x=\"2\"} 3\ndropped_total 4\n".to_owned()),
        "/growing" => {
            answers.lines += usize::from(answers.lines > 0);
            plain((0..answers.lines).map(|n| format!("grown{{n=\"{n}\"}} 1\n")).collect())
        }
        "/old" => plain("ancient 1 1000\nfresh 1\n".to_owned()),
        "/private" if of("authorization") != answers.credentials => StatusCode::UNAUTHORIZED.into_response(),
        "/private" => plain("secret 1\n".to_owned()),
        "/packed" if of("accept-encoding") != "gzip" => StatusCode::NOT_ACCEPTABLE.into_response(),
        "/packed" => {
            ([(header::CONTENT_ENCODING, "gzip"), (header::CONTENT_TYPE, "text/plain")], packed(300_000))
                .into_response()
        }
        "/moved" => (StatusCode::FOUND, [(header::LOCATION, "/metrics")]).into_response(),
        "/asked" => plain(format!("asked{{for=\"{}\"}} 1\n", request.uri().query().unwrap_or(""))),
        "/targets" => {
            answers.heard.push(format!(
                "{} {}",
                of("x-prometheus-refresh-interval-seconds"),
                of("authorization")
            ));
            match answers.targets.as_str() {
                "" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                targets => ([(header::CONTENT_TYPE, "application/json")], targets.to_owned()).into_response(),
            }
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A body of one sample behind a long comment, compressed.
fn packed(bytes: usize) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(format!("# {}\npacked 1\n", "x".repeat(bytes)).as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn find<'a>(targets: &'a Value, job: &str) -> Option<&'a Value> {
    targets["data"]["activeTargets"].as_array()?.iter().find(|target| target["scrapePool"] == job)
}

/// Waits until a job's target is up, or down with this in its reason.
async fn settled(server: &Server, job: &str, expected: Result<(), &str>) {
    server
        .until(job, async |server| {
            let targets = server.json("/api/v1/targets").await;
            let Some(target) = find(&targets, job) else { return Err(targets.to_string()) };
            let error = target["lastError"].as_str().unwrap_or("");
            let is_met = match expected {
                Ok(()) => target["health"] == "up",
                Err(part) => target["health"] == "down" && error.contains(part),
            };
            if is_met { Ok(()) } else { Err(target.to_string()) }
        })
        .await;
}

/// Waits until exactly these addresses are scraped for a job.
async fn scraped(server: &Server, job: &str, expected: &[&str]) {
    server
        .until(job, async |server| {
            let targets = server.json("/api/v1/targets").await;
            let all = targets["data"]["activeTargets"].as_array().unwrap();
            let of_job = all.iter().filter(|target| target["scrapePool"] == job);
            let mut found: Vec<&str> =
                of_job.map(|target| target["labels"]["instance"].as_str().unwrap()).collect();
            found.sort_unstable();
            if found == expected { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
}

const GLOBAL: &str = "prometheus:\n  global: {scrape_interval: 1s, scrape_timeout: 1s}\n  scrape_configs:\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_behind_logins_redirects_and_compression_are_reached() {
    let answers = Shared::default();
    answers.lock().unwrap().credentials = "Basic bWU6b25l".to_owned(); // me:one
    let address = open(answers.clone()).await;
    let folder = Folder::new("scrape-reached");
    folder.write("password", "one\n");
    let job = |name: &str, settings: &str| {
        format!("  - {{job_name: {name}, static_configs: [{{targets: ['{address}']}}], {settings}}}\n")
    };
    let jobs = [
        job("basic", "metrics_path: /private, basic_auth: {username: me, password_file: password}"),
        job("nobody", "metrics_path: /private"),
        job("packed", "metrics_path: /packed"),
        job("packed-small", "metrics_path: /packed, body_size_limit: 200KB"),
        job("plain", "metrics_path: /packed, enable_compression: false"),
        job("moved", "metrics_path: /moved"),
        job("unmoved", "metrics_path: /moved, follow_redirects: false"),
        job("params", "metrics_path: /asked, params: {b: ['1', '2'], a: [x y]}"),
    ];
    let config = folder.write("bellwether.yml", &format!("{GLOBAL}{}", jobs.concat()));
    let server = Server::start(&config, &folder.path("data")).await;
    settled(&server, "basic", Ok(())).await;
    settled(&server, "nobody", Err("server returned HTTP status 401 Unauthorized")).await;
    settled(&server, "packed", Ok(())).await;
    settled(&server, "packed-small", Err("body size limit exceeded")).await;
    settled(&server, "plain", Err("server returned HTTP status 406")).await;
    settled(&server, "moved", Ok(())).await;
    settled(&server, "unmoved", Err("server returned HTTP status 302 Found")).await;
    settled(&server, "params", Ok(())).await;
    assert_eq!(server.query("asked").await[0]["metric"]["for"], "a=x+y&b=1&b=2");
    // Another password: the file is read at the next scrape.
    answers.lock().unwrap().credentials = "Basic bWU6dHdv".to_owned(); // me:two
    settled(&server, "basic", Err("401")).await;
    folder.write("password", "two");
    settled(&server, "basic", Ok(())).await;
    let metrics = server.text("/metrics").await;
    let counted = "prometheus_target_scrapes_exceeded_body_size_limit_total ";
    let value = metrics.lines().find_map(|line| line.strip_prefix(counted)).unwrap();
    assert!(value.parse::<f64>().unwrap() >= 1.0, "{value}");
    for shown in [server.stderr(), server.text("/targets").await, server.text("/config").await] {
        assert!(!shown.contains("bWU6dHdv"), "a login is shown");
    }
}

/// A target behind a certificate of its own.
async fn open_encrypted(forged: &Forged) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let acceptor = forged.acceptor(b"http/1.1");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(connection).await else { return };
                let _ = stream.read(&mut [0; 4096]).await;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(format!("{head}encrypted 1\n").as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_targets_are_checked() {
    let forged = certificate_for("target.example");
    let folder = Folder::new("scrape-tls");
    folder.write("ca.pem", &forged.pem());
    let address = open_encrypted(&forged).await;
    let job = |name: &str, tls: &str| {
        format!(
            "  - {{job_name: {name}, scheme: https, static_configs: [{{targets: ['{address}']}}], tls_config: {{{tls}}}}}\n"
        )
    };
    let jobs = [
        job("named", "ca_file: ca.pem, server_name: target.example"),
        job("unnamed", "ca_file: ca.pem"),
        job("unknown", "server_name: target.example"),
        job("anything", "insecure_skip_verify: true, min_version: TLS12"),
    ];
    let config = folder.write("bellwether.yml", &format!("{GLOBAL}{}", jobs.concat()));
    let server = Server::start(&config, &folder.path("data")).await;
    settled(&server, "named", Ok(())).await;
    settled(&server, "anything", Ok(())).await;
    settled(&server, "unnamed", Err("")).await;
    settled(&server, "unknown", Err("")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_in_files_come_and_go_and_a_broken_file_takes_none_away() {
    let address = open(Shared::default()).await;
    let other = open(Shared::default()).await;
    let folder = Folder::new("scrape-files");
    std::fs::create_dir(folder.path("targets")).unwrap();
    let group =
        |addresses: &[&str]| format!("- targets: [{}]\n  labels: {{env: prod}}\n", addresses.join(", "));
    folder.write("targets/one.yml", &group(&[&format!("'{address}'")]));
    let settings = "file_sd_configs: [{files: ['targets/*.yml', 'targets/*.json']}]";
    let config = folder.write("bellwether.yml", &format!("{GLOBAL}  - {{job_name: found, {settings}}}\n"));
    let server = Server::start(&config, &folder.path("data")).await;
    scraped(&server, "found", &[&address]).await;
    settled(&server, "found", Ok(())).await;
    let targets = server.json("/api/v1/targets").await;
    let known = &find(&targets, "found").unwrap()["discoveredLabels"];
    assert!(known["__meta_filepath"].as_str().unwrap().ends_with("targets/one.yml"), "{known}");
    assert_eq!((known["env"].as_str(), known["job"].as_str()), (Some("prod"), Some("found")));

    let json = format!("[{{\"targets\": [\"{other}\"], \"labels\": {{\"env\": \"test\"}}}}]");
    folder.write("targets/two.json", &json);
    let mut both = [address.as_str(), other.as_str()];
    both.sort_unstable();
    scraped(&server, "found", &both).await;
    let is_there = async |server: &Server| match server.query("b{env=\"test\"}").await.as_array() {
        Some(all) if !all.is_empty() => Ok(()),
        _ => Err("no series".to_owned()),
    };
    server.until("series of the second file", is_there).await;

    folder.write("targets/two.json", "[{\"targets\": [");
    server
        .until("the broken file is named", async |server| {
            let metrics = server.text("/metrics").await;
            let is_told = metrics.contains("bellwether_trouble{kind=\"discovery\"} 1")
                && server.text("/targets").await.contains("two.json");
            if is_told { Ok(()) } else { Err("nothing is said".to_owned()) }
        })
        .await;
    scraped(&server, "found", &both).await;

    std::fs::remove_file(folder.path("targets/two.json")).unwrap();
    scraped(&server, "found", &[&address]).await;
    server
        .until("series of the second file end", async |server| {
            match server.query("{env=\"test\"}").await.as_array() {
                Some(all) if all.is_empty() => Ok(()),
                all => Err(format!("{all:?}")),
            }
        })
        .await;
    assert!(server.text("/metrics").await.contains("bellwether_trouble{kind=\"discovery\"} 0"));
    // Who stayed was never interrupted.
    let gaps = server.query("min_over_time(up{env=\"prod\"}[5m])").await;
    assert_eq!(gaps[0]["value"][1], "1", "{gaps}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_names_targets_and_its_errors_take_none_away() {
    let answers = Shared::default();
    let address = open(answers.clone()).await;
    let named = |instance: &str| {
        format!("[{{\"targets\": [\"{address}\"], \"labels\": {{\"instance\": \"{instance}\"}}}}]")
    };
    answers.lock().unwrap().targets = named("one");
    let folder = Folder::new("scrape-http-sd");
    let settings = format!(
        "http_sd_configs: [{{url: 'http://{address}/targets', refresh_interval: 1s, authorization: {{credentials: s3cret-token}}}}]"
    );
    let config = folder.write("bellwether.yml", &format!("{GLOBAL}  - {{job_name: named, {settings}}}\n"));
    let server = Server::start(&config, &folder.path("data")).await;
    scraped(&server, "named", &["one"]).await;
    assert_eq!(answers.lock().unwrap().heard[0], "1 Bearer s3cret-token");
    answers.lock().unwrap().targets = String::new();
    server
        .until("the error is told", async |server| {
            let page = server.text("/targets").await;
            if page.contains("server returned HTTP status 500") { Ok(()) } else { Err("no word".to_owned()) }
        })
        .await;
    scraped(&server, "named", &["one"]).await;
    answers.lock().unwrap().targets = named("two");
    scraped(&server, "named", &["two"]).await;
    assert!(!server.stderr().contains("s3cret-token"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_and_limits_hold_and_say_so() {
    let address = open(Shared::default()).await;
    let folder = Folder::new("scrape-limits");
    let job = |name: &str, settings: &str| {
        format!("  - {{job_name: {name}, static_configs: [{{targets: ['{address}']}}], {settings}}}\n")
    };
    let keep = "metric_relabel_configs: [{source_labels: [__name__], regex: dropped_.*, action: drop}]";
    let two = "static_configs: [{targets: ['127.0.0.1:1', '127.0.0.1:2']}], target_limit: 1";
    let jobs = [
        job("kept", &format!("sample_limit: 3, extra_scrape_metrics: true, {keep}")),
        job("samples", "sample_limit: 3"),
        job("labels", "label_limit: 2"),
        job("names", "label_name_length_limit: 7"),
        job("values", "label_value_length_limit: 8"),
        job("nameless", "metric_relabel_configs: [{regex: __name__, action: labeldrop}]"),
        job("gone", "relabel_configs: [{source_labels: [__address__], regex: '.+', action: drop}]"),
        format!("  - {{job_name: many, {two}}}\n"),
    ];
    let log = folder.path("failed.json");
    let global = GLOBAL.replace("1s}", &format!("1s, scrape_failure_log_file: '{}'}}", text(&log)));
    let config = folder.write("bellwether.yml", &format!("{global}{}", jobs.concat()));
    let server = Server::start(&config, &folder.path("data")).await;
    settled(&server, "kept", Ok(())).await;
    settled(&server, "samples", Err("sample limit exceeded")).await;
    settled(&server, "labels", Err("label_limit exceeded (metric: a, number of labels: 3, limit: 2)")).await;
    settled(
        &server,
        "names",
        Err("label_name_length_limit exceeded (metric: a, label name: __name__, length: 8, limit: 7)"),
    )
    .await;
    settled(
        &server,
        "values",
        Err("label_value_length_limit exceeded (metric: a, label name: instance, value: \"127.0.0.1"),
    )
    .await;
    settled(&server, "nameless", Err("missing metric name (__name__ label)")).await;
    settled(&server, "many", Err("target_limit exceeded (number of targets: 2, limit: 1)")).await;

    let value =
        async |query: &str| server.query(query).await[0]["value"][1].as_str().unwrap_or("").to_owned();
    for (query, expected) in [
        ("scrape_samples_scraped{job='kept'}", "4"),
        ("scrape_samples_post_metric_relabeling{job='kept'}", "3"),
        ("scrape_sample_limit{job='kept'}", "3"),
        ("scrape_timeout_seconds{job='kept'}", "1"),
        ("count({job='kept',__name__=~'a|b|dropped_total'})", "3"),
        ("scrape_samples_scraped{job='samples'}", "4"),
        ("scrape_samples_post_metric_relabeling{job='samples'}", "4"),
        ("count({job='samples',__name__!~'up|scrape_.*'}) or vector(0)", "0"),
        ("up{job='samples'}", "0"),
    ] {
        assert_eq!(value(query).await, expected, "{query}");
    }
    let dropped = server.json("/api/v1/targets?state=dropped").await["data"].take();
    assert_eq!(dropped["droppedTargetCounts"]["gone"], 1, "{dropped}");
    assert_eq!(dropped["droppedTargets"][0]["discoveredLabels"]["__address__"], address.as_str());
    assert_eq!(dropped["droppedTargets"][0]["scrapePool"], "gone");
    let pools = server.json("/api/v1/scrape_pools").await;
    assert!(pools["data"]["scrapePools"].as_array().unwrap().contains(&"gone".into()), "{pools}");
    let metrics = server.text("/metrics").await;
    for name in [
        "scrapes_exceeded_sample_limit",
        "scrape_pool_exceeded_label_limits",
        "scrape_pool_exceeded_target_limit",
    ] {
        let name = format!("prometheus_target_{name}_total ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(name.as_str())).unwrap();
        assert!(value.parse::<f64>().unwrap() >= 1.0, "{name}{value}");
    }
    let failed = std::fs::read_to_string(&log).unwrap();
    let line: Value = serde_json::from_str(failed.lines().next().unwrap()).unwrap();
    assert_eq!((line["job_name"].as_str(), line["level"].as_str()), (Some("many"), Some("ERROR")));
}

/// A metric of the server itself.
async fn counted(server: &Server, name: &str) -> u64 {
    let page = server.text("/metrics").await;
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {page}")).parse().unwrap()
}

#[tokio::test]
async fn a_failure_is_logged_once_though_its_numbers_change_and_old_samples_are_left_out() {
    let answers = Shared::default();
    let address = open(answers.clone()).await;
    let folder = Folder::new("scrape-said-once");
    let config = folder.write(
        "bellwether.yml",
        &format!(
            "prometheus:
  global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
  scrape_configs:
    - {{job_name: growing, metrics_path: /growing, sample_limit: 3, static_configs: [{{targets: ['{address}']}}]}}
    - {{job_name: old, metrics_path: /old, static_configs: [{{targets: ['{address}']}}]}}
"
        ),
    );
    let mut server = Server::start(&config, &folder.path("data")).await;
    let exceeded = "prometheus_target_scrapes_exceeded_sample_limit_total";
    for round in 1..=2 {
        settled(&server, "growing", Ok(())).await;
        answers.lock().unwrap().lines = 4;
        let before = counted(&server, exceeded).await;
        settled(&server, "growing", Err("limit: 3")).await;
        server
            .until("more failures", async |server| match counted(server, exceeded).await - before {
                5.. => Ok(()),
                failures => Err(format!("{failures} in round {round}")),
            })
            .await;
        answers.lock().unwrap().lines = 0;
    }
    settled(&server, "growing", Ok(())).await;
    settled(&server, "old", Ok(())).await;
    let left_out = counted(&server, "prometheus_target_scrapes_sample_out_of_bounds_total").await;
    assert!(left_out > 1, "{left_out}");
    let kept =
        server.json("/api/v1/query?query=scrape_samples_post_metric_relabeling%7Bjob%3D%22old%22%7D").await;
    assert_eq!(
        kept["data"]["result"][0]["value"][1], "2",
        "what is left out was kept by relabelling: {kept}"
    );
    let series = server.json("/api/v1/series?match%5B%5D=ancient&start=0").await;
    assert_eq!(series["data"].as_array().map(Vec::len), Some(0), "{series}");
    server.stop().await;
    let log = server.stderr();
    let said = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!(said("sample limit exceeded"), 2, "{log}");
    // A busy machine may be late with an answer besides.
    assert!(said("scraped again") >= 2, "{log}");
}
