//! History from elsewhere: all of it comes, once, however often the import is interrupted, and answers are then those of
//! the Prometheus that measured it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bellwether_testkit::peers;
use serde_json::Value;

use crate::process::{DEADLINE, Ended, Folder, Server, client, run, text};
use crate::prometheus_peer::{get, start_prometheus};

/// What Prometheus' own storage library wrote; see the page beside it.
const WRITTEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ingest/tests/data/prometheus");
const ULID: &str = "01HF0000000000000000000000";
pub(crate) const KEEP_ALL: &str = "storage: {retention: 4000d}\n";

/// A directory as a Prometheus leaves it: a block, and a log that repeats it.
pub(crate) fn directory(folder: &Folder) -> PathBuf {
    let dir = folder.path("prometheus");
    let copy = |from: &str, to: &str| {
        let to = dir.join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(Path::new(WRITTEN).join(from), to).unwrap();
    };
    for file in ["index", "meta.json", "tombstones", "chunks/000001"] {
        copy(&format!("block/{file}"), &format!("{ULID}/{file}"));
    }
    copy("wal/00000000", "wal/00000000");
    dir
}

pub(crate) fn import(arguments: &[&str], folder: &Folder, more: &[&str]) -> Ended {
    let (config, data) = (folder.path("bellwether.yml"), folder.path("data"));
    if !config.exists() {
        folder.write("bellwether.yml", KEEP_ALL);
    }
    let common = ["--config", text(&config), "--data", text(&data)];
    run(&[&["import"], arguments, &common[..], more].concat())
}

/// Runs an import that must succeed, and holds what it says against some sentences.
pub(crate) fn check(arguments: &[&str], folder: &Folder, more: &[&str], sentences: &[&str]) {
    let ended = import(arguments, folder, more);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let said = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in sentences {
        assert!(said.contains(sentence), "{sentence:?} is missing in {said:?}");
    }
}

#[test]
fn a_block_and_a_log_come_along_once() {
    let folder = Folder::new("import-once");
    let dir = directory(&folder);
    let arguments = ["prometheus-tsdb", text(&dir)];
    check(&arguments, &folder, &["--dry-run"], &["of 7 series would be imported, from 2023-11-14T22:13:20Z"]);
    assert!(!folder.path("data").exists(), "a dry run writes nothing");
    let blocks_only = ["Imported 1,029 samples of 7 series"];
    check(&arguments, &folder, &["--blocks-only"], &blocks_only);
    // What was deleted in the block is still in the log.
    let rest =
        ["Imported 11 samples", "An earlier import had done 1 block", "1,029 samples were there already"];
    check(&arguments, &folder, &[], &rest);
    check(&arguments, &folder, &["--again"], &["There was nothing new to import."]);
    check(&arguments, &folder, &["--label", "site=old"], &["Imported 1,040 samples of 7 series"]);
    let part = ["--label", "site=part", "--from", "1700000150", "--to", "1700000300", "--blocks-only"];
    check(&arguments, &folder, &part, &["Imported 70 samples of 7 series"]);
}

#[test]
fn what_is_too_old_is_counted_and_not_taken() {
    let folder = Folder::new("import-old");
    let dir = directory(&folder);
    folder.write("bellwether.yml", "{}\n");
    let sentences = [
        "There was nothing new to import.",
        "1,029 samples were too old: samples are kept for 30d, which is since",
    ];
    check(&["prometheus-tsdb", text(&dir)], &folder, &["--blocks-only"], &sentences);
}

#[test]
fn text_comes_along_from_either_format_and_compressed_or_not() {
    let folder = Folder::new("import-text");
    let file = |name: &str, body: &str| text(&folder.write(name, body)).to_owned();
    let open = file("open.txt", "# TYPE a counter\na_total 1 1700000000\na_total 2 1700000015.5\n# EOF\n");
    let plain = file("plain.txt", "a_total 1 1700000000000\na_total 3 1700000030000\n");
    check(
        &["openmetrics", &open],
        &folder,
        &[],
        &["Imported 2 samples of 1 series", "to 2023-11-14T22:13:35.500Z"],
    );
    check(
        &["openmetrics", &plain, "--text"],
        &folder,
        &[],
        &["Imported 1 sample of 1 series", "1 sample was there"],
    );
    check(
        &["openmetrics", &open],
        &folder,
        &[],
        &["There was nothing new", "An earlier import had done 4 lines"],
    );
    let packed = folder.path("open.txt.gz");
    let gzip = Command::new("gzip").args(["-k", &open]).status();
    if gzip.is_ok_and(|status| status.success()) {
        check(
            &["openmetrics", text(&packed)],
            &folder,
            &[],
            &["2 samples were there already and not doubled"],
        );
    }
}

#[test]
fn what_cannot_be_imported_is_refused_with_its_place() {
    let folder = Folder::new("import-wrong");
    let dir = directory(&folder);
    let file = |name: &str, body: &str| text(&folder.write(name, body)).to_owned();
    let check = |arguments: &[&str], code: i32, said: &str| {
        let ended = import(arguments, &folder, &[]);
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        assert!(ended.stderr.contains(said), "{said:?} is missing in {ended:#?}");
    };
    let quote = file("quote.txt", "a 1 1700000000\nb{x=\"1} 3\n# EOF\n");
    check(&["openmetrics", &quote], 2, "quote.txt:2:5: the quote opened here is not closed");
    let bare = file("bare.txt", "a 1 1700000000\nb 3\n# EOF\n");
    check(&["openmetrics", &bare], 2, "bare.txt:2: b has no timestamp");
    let cut = file("cut.txt", "a 1 1700000000\n");
    check(&["openmetrics", &cut], 2, "cut.txt does not end with a line # EOF");
    check(&["openmetrics", "/nowhere"], 2, "there is no file /nowhere");
    check(&["openmetrics", &cut, "--from", "soon"], 2, "--from \"soon\" is not a time");
    check(&["openmetrics", &cut, "--from", "2", "--to", "1"], 2, "is not before --to");
    check(&["openmetrics", &cut, "--label", "x"], 2, "--label \"x\" is not a label");
    check(
        &["prometheus-tsdb", env!("CARGO_MANIFEST_DIR")],
        2,
        "has no blocks and no log of a Prometheus server",
    );
    check(&["remote-read", "localhost"], 2, "is not a URL");
    check(&["remote-read", "http://127.0.0.1:1/api/v1/read"], 1, "nothing listens there");
    check(&["remote-read", "http://127.0.0.1:1/", "--match", "rate(a[5m])"], 2, "is no selector");
    // A changed byte ends it, and can be left out.
    let chunks = dir.join(ULID).join("chunks/000001");
    let mut bytes = std::fs::read(&chunks).unwrap();
    bytes[3000] ^= 1;
    std::fs::write(&chunks, bytes).unwrap();
    check(&["prometheus-tsdb", text(&dir), "--blocks-only"], 1, "chunks/000001 is damaged at byte");
    check(&["prometheus-tsdb", text(&dir), "--blocks-only", "--skip-damaged"], 0, "left out: ");
}

#[tokio::test]
async fn a_running_server_keeps_its_directory_and_its_budgets() {
    let folder = Folder::new("import-server");
    let dir = directory(&folder);
    let objective = "slos:\n- {name: s, goal: \"50%\", window: 3y, indicator: {ratio: {bad: 'absent_total', total: \
                     'requests_total'}}}\n";
    let config = folder.write("bellwether.yml", &format!("{KEEP_ALL}{objective}"));
    let mut server = Server::start(&config, &folder.path("data")).await;
    let refused = import(&["prometheus-tsdb", text(&dir)], &folder, &[]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(
        refused.stderr.contains("another process has") && refused.stderr.contains("stop it"),
        "{refused:#?}"
    );
    server.stop().await;
    let recount = ["The next start counts all budgets anew"];
    check(&["prometheus-tsdb", text(&dir)], &folder, &["--recount"], &recount);
    let names = std::fs::read_dir(folder.path("data")).unwrap();
    let names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("ledger-until-")), "{names:?}");
    let server = Server::start(&config, &folder.path("data")).await;
    let http = client();
    let asked =
        format!("{}/api/v1/query?query=count_over_time(requests_total[1h])&time=1700002300", server.url);
    let (_, body) = get(&http, &asked).await.unwrap();
    assert_eq!(body["data"]["result"][0]["value"][1], "150", "{body:#}");
}

/// Thirty hours of two counters and a gauge, ending a while before now.
pub(crate) fn thirty_hours() -> (String, u64, i64, i64) {
    let now = bellwether::clock::now().0 / 1000;
    let start = (now / 7200 - 20) * 7200;
    let mut body = String::from("# TYPE requests counter\n");
    let points = 30 * 60;
    for code in [200, 500] {
        for point in 0..points {
            let value = point * (700 - code) % 100_003;
            writeln!(body, "requests_total{{code=\"{code}\"}} {value} {}.25", start + point * 60).unwrap();
        }
    }
    body.push_str("# TYPE temperature gauge\n");
    for point in 0..points {
        writeln!(body, "temperature{{room=\"küche\"}} {} {}", point as f64 / 7.0, start + point * 60)
            .unwrap();
    }
    body.push_str("# EOF\n");
    (body, 3 * points as u64, start, start + points * 60)
}

/// Starts an import, and ends it at once when its journal has so many lines; whether it got to its end before.
fn killed_at(lines: usize, blocks: &Path, folder: &Folder) -> bool {
    let data = folder.path("data");
    let mut child: Child = Command::new(env!("CARGO_BIN_EXE_bellwether"))
        .args(["import", "prometheus-tsdb", text(blocks), "--data", text(&data)])
        .args(["--config", text(&folder.path("bellwether.yml"))])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let journal = data.join("import.journal");
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return true;
        }
        let written = std::fs::read_to_string(&journal).unwrap_or_default().lines().count();
        if written >= lines {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        assert!(begun.elapsed() < DEADLINE, "the journal has {written} lines");
        // The journal grows while it is read again.
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn blocks_of_promtool_survive_kills_and_answer_as_in_prometheus() {
    let (Some(promtool), Some(prometheus)) = (peers::program("promtool"), peers::program("prometheus"))
    else {
        return;
    };
    let folder = Folder::new("import-kills");
    let (body, samples, start, end) = thirty_hours();
    let file = folder.write("history.txt", &body);
    folder.write("prometheus.yml", "{}\n");
    let blocks = folder.path("prometheus.yml-data");
    let made = Command::new(promtool)
        .args(["tsdb", "create-blocks-from", "openmetrics", text(&file), text(&blocks)])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let config = folder.write("bellwether.yml", "{}\n");
    let mut kills = 0;
    for lines in (2..200).step_by(5) {
        if killed_at(lines, &blocks, &folder) {
            break;
        }
        kills += 1;
    }
    assert!(kills > 2, "it was killed {kills} times");
    let again = import(&["openmetrics", text(&file)], &folder, &[]);
    assert!(again.stdout.contains("There was nothing new to import."), "{again:#?}");

    let theirs =
        start_prometheus(&prometheus, &folder, "prometheus.yml", &["--storage.tsdb.retention.time=30d"])
            .await;
    let ours = Server::start(&config, &folder.path("data")).await;
    let http = client();
    let begun = Instant::now();
    while get(&http, &format!("{}/api/v1/query?query=1", theirs.url))
        .await
        .is_none_or(|(code, _)| code != 200)
    {
        assert!(begun.elapsed() < DEADLINE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let counted = format!("query?query=sum(count_over_time({{__name__=~\".%2B\"}}[31h]))&time={}", end + 60);
    let (_, body) = get(&http, &format!("{}/api/v1/{counted}", ours.url)).await.unwrap();
    assert_eq!(body["data"]["result"][0]["value"][1], samples.to_string(), "{body:#}");
    for query in [
        "requests_total",
        "rate(requests_total[5m])",
        "increase(requests_total[3h])",
        "temperature",
        "quantile_over_time(0.9,temperature[1h])",
        "resets(requests_total[10h])",
    ] {
        let query = query.replace('+', "%2B");
        let path = format!("query_range?query={query}&start={start}&end={end}&step=97");
        let [a, b] = [&theirs.url, &ours.url].map(|url| format!("{url}/api/v1/{path}"));
        let (a, b) = (get(&http, &a).await.unwrap().1, get(&http, &b).await.unwrap().1);
        assert_eq!(sorted(&a), sorted(&b), "{query}");
        assert!(!sorted(&a).is_empty(), "{query}");
    }
    // The same once more, over the wire.
    let remote = Folder::new("import-remote");
    remote.write("bellwether.yml", "{}\n");
    let url = format!("{}/api/v1/read", theirs.url);
    let told = format!("Imported {} samples of 2 series", 2 * samples / 3);
    let told = told.replacen("3600", "3,600", 1);
    check(&["remote-read", &url], &remote, &["--match", "requests_total", "--step", "5h"], &[&told]);
}

/// The series of an answer, in one order.
pub(crate) fn sorted(body: &Value) -> Vec<String> {
    let series = body["data"]["result"].as_array().cloned().unwrap_or_default();
    let mut texts: Vec<String> = series.iter().map(Value::to_string).collect();
    texts.sort();
    texts
}
