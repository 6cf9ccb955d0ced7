//! The newcomer's way: `init` looks at a service, writes a configuration that `serve` takes as it is, and a message of a
//! drill arrives at the local receiver.

use std::sync::Arc;

use bellwether::demo::receiver::{self, Inbox};
use bellwether::workshop::{Endpoint, MockState, MovieGuru, Phase, Sampler, http};
use tokio::net::TcpListener;

use crate::process::{Folder, Server, run, text};

#[test]
fn without_a_service_the_workshop_s_is_watched_and_the_file_is_valid() {
    let folder = Folder::new("init-workshop");
    let path = folder.path("bellwether.yml");
    // Nothing may listen at the workshop's port for the test to say something; if it does, its metrics are looked at.
    let ended = run(&["init", "--yes", "--out", text(&path)]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    for part in ["bellwether workshop receiver", "bellwether serve --config", "bellwether drill team"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let written = std::fs::read_to_string(&path).unwrap();
    for part in ["targets: ['127.0.0.1:9998']", "movieguru_", "url: 'http://127.0.0.1:9997/'"] {
        assert!(written.contains(part), "{part}: {written}");
    }
    let ended = run(&["check", text(&path)]);
    assert_eq!((ended.code, ended.stdout.trim()), (Some(0), "1 file checked, nothing wrong"));

    let ended = run(&["init", "--yes", "--out", text(&path)]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stderr.contains("is there already"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written, "what is there is not touched");
}

#[test]
fn a_service_that_does_not_answer_gets_an_example_and_is_told_of() {
    let ended =
        run(&["init", "--yes", "--print", "--metrics", "http://127.0.0.1:1/metrics", "--service", "it's"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stderr.contains("cannot be looked at now"), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("job_name: 'it''s'") && ended.stdout.contains("# slos:"),
        "{}",
        ended.stdout
    );
    let ended = run(&["init", "--yes", "--print", "--metrics", "localhost:8080/metrics"]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stderr.contains("http://localhost:8080/metrics"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_runs_as_it_is_and_a_drill_arrives() {
    let mock = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let metrics = format!("http://{}/metrics", mock.local_addr().unwrap());
    let state = Arc::new(MockState::new(MovieGuru::new(Phase::challenge(5).unwrap()), Sampler::quota()));
    for _ in 0..1000 {
        state.call(Endpoint::Startup);
    }
    tokio::spawn(http::serve(mock, state, std::future::pending()));
    let local = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = format!("http://{}/hook", local.local_addr().unwrap());
    let inbox = Inbox::default();
    tokio::spawn(receiver::serve(local, inbox.clone()));

    let folder = Folder::new("init-runs");
    let path = folder.path("bellwether.yml");
    let arguments = ["init", "--yes", "--metrics", &metrics, "--webhook", &webhook, "--service", "movies"];
    let ended = run(&[&arguments[..], &["--out", text(&path)]].concat());
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let written = std::fs::read_to_string(&path).unwrap();
    let ratio = "ratio: {good: 'movieguru_startup_success_total', total: 'movieguru_startup_attempts_total'}";
    assert!(written.contains(ratio) && written.contains("95.00 % were good so far"), "{written}");

    let server = Server::start(&path, &folder.path("data")).await;
    let status = server.run_text(&["slo", "status"]);
    assert!(status.contains("movies/"), "{status}");
    let ended = server.run(&["drill", "team"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(
        inbox.messages().iter().any(|message| message.summary().contains("Drill")),
        "{:?}",
        inbox.messages()
    );
}
