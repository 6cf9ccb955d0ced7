//! History into a server that runs: all of it comes, once, whoever of the two is killed in between.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::import::{KEEP_ALL, check, directory, thirty_hours};
use crate::process::{DEADLINE, Ended, Folder, Server, run, text};
use crate::prometheus_peer::free_port;
use crate::remote_read_peer::all_of;

const ADMIN: [&str; 1] = ["--enable-admin-api"];

async fn start(port: u16, folder: &Folder, more: &[&str]) -> Server {
    let config = folder.path("bellwether.yml");
    let listen = format!("127.0.0.1:{port}");
    let mut server = Server::spawn_on(&listen, &config, &folder.path("data"), more, &[]);
    server.ready().await;
    server
}

fn import(arguments: &[&str], server: &Server) -> Ended {
    run(&[&["import"], arguments, &["--server", &server.url]].concat())
}

/// Runs an import that must succeed, and holds what it says against a sentence.
fn told(arguments: &[&str], server: &Server, sentence: &str) {
    let ended = import(arguments, server);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let said = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(sentence), "{sentence:?} is missing in {said:?}");
}

#[tokio::test]
async fn what_comes_into_a_running_server_is_what_comes_into_its_directory() {
    let (offline, online) = (Folder::new("import-offline"), Folder::new("import-online"));
    let dir = directory(&offline);
    check(&["prometheus-tsdb", text(&dir)], &offline, &[], &["Imported 1,040 samples of 7 series"]);
    let expected = {
        let server = start(0, &offline, &[]).await;
        let refused = import(&["prometheus-tsdb", text(&dir)], &server);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(refused.stderr.contains("start it with --enable-admin-api"), "{refused:#?}");
        all_of(&server.url, (1_700_000_000, 1_700_003_000)).await
    };
    assert_eq!(expected.len(), 1040);
    online.write("bellwether.yml", KEEP_ALL);
    let server = start(0, &online, &ADMIN).await;
    let arguments = ["prometheus-tsdb", text(&dir)];
    told(&[&arguments[..], &["--dry-run"]].concat(), &server, "of 7 series would be imported");
    told(&arguments, &server, "Imported 1,040 samples of 7 series");
    told(&arguments, &server, "An earlier import had done 1 block already.");
    told(&[&arguments[..], &["--again"]].concat(), &server, "There was nothing new to import.");
    assert_eq!(all_of(&server.url, (1_700_000_000, 1_700_003_000)).await, expected);
    let wrong = run(&["import", "prometheus-tsdb", text(&dir), "--server", &server.url, "--recount"]);
    assert_eq!(wrong.code, Some(2), "{wrong:#?}");
    let wrong = run(&["import", "prometheus-tsdb", text(&dir), "--server", "localhost"]);
    assert!(wrong.stderr.contains("is not a URL"), "{wrong:#?}");
}

#[tokio::test]
async fn what_is_no_history_is_refused_and_nothing_of_it_noted() {
    let folder = Folder::new("import-refused");
    folder.write("bellwether.yml", "storage: {series_limit: 1}\n");
    let now = bellwether::clock::now().0 / 1000;
    let body = format!("a 1 {now}\nb 2 {now}\n# EOF\n");
    let file = folder.write("two.txt", &body);
    let server = start(0, &folder, &ADMIN).await;
    let refused = import(&["openmetrics", text(&file)], &server);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.contains("raise the limit, and the same command goes on"), "{refused:#?}");
    let post = async |query: &str, body: &str| {
        let path = format!("/api/bellwether/v1/import{query}");
        server.send(reqwest::Method::POST, &path, body, &[]).await
    };
    for (query, body, status, says) in [
        ("", "", 400, "source"),
        ("?source=x", "nothing", 400, "no frames of chunks"),
        ("?source=x&part=1", "\u{1}", 400, "they end within one"),
        ("?source=x&part=2", "", 200, "\"samples\":0"),
    ] {
        let answer = post(query, body).await;
        assert_eq!(answer.status, status, "{query} {body:?}: {}", answer.body);
        assert!(answer.body.contains(says), "{query} {body:?}: {}", answer.body);
    }
    let begun = server.text("/api/bellwether/v1/import?source=x").await;
    assert!(begun.contains("\"done\":[\"2\"]"), "{begun}");
}

fn begin(source: &str, target: &str, from: i64) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bellwether"))
        .args(["import", "remote-read", &format!("{source}/api/v1/read"), "--step", "30m"])
        .args(["--from", &from.to_string()])
        .args(["--server", target])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the journal has so many lines; whether the import ended before that.
fn ended_before(child: &mut Child, lines: usize, journal: &Path) -> bool {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return true;
        }
        let written = std::fs::read_to_string(journal).unwrap_or_default().lines().count();
        if written >= lines {
            return false;
        }
        assert!(begun.elapsed() < DEADLINE, "the journal has {written} lines");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn either_side_may_be_killed_and_all_comes_once() {
    let (source, target) = (Folder::new("import-from"), Folder::new("import-to"));
    let (body, samples, start_at, end_at) = thirty_hours();
    let file = source.write("history.txt", &body);
    source.write("bellwether.yml", "{}\n");
    check(&["openmetrics", text(&file)], &source, &[], &[]);
    let from = start(0, &source, &[]).await;
    target.write("bellwether.yml", "{}\n");
    let port = free_port().await;
    let mut to = start(port, &target, &ADMIN).await;
    let journal = target.path("data/import.journal");
    let (mut kills, mut lines) = (0, 3);
    let mut child = begin(&from.url, &to.url, start_at);
    while !ended_before(&mut child, lines, &journal) {
        if kills % 2 == 0 {
            // The import waits for it, and sends again what was not answered.
            to.kill();
            to = start(port, &target, &ADMIN).await;
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
            child = begin(&from.url, &to.url, start_at);
        }
        (kills, lines) = (kills + 1, lines + 9);
    }
    assert!(kills > 3, "{kills} were killed");
    let expected = all_of(&from.url, (start_at, end_at)).await;
    assert_eq!(expected.len() as u64, samples);
    assert_eq!(all_of(&to.url, (start_at, end_at)).await, expected);
    // And once more after it has all been read from the disk again.
    to.kill();
    let to = start(port, &target, &ADMIN).await;
    assert_eq!(all_of(&to.url, (start_at, end_at)).await, expected);
}
