//! `bellwether workshop mock|frontend|load|phase|receiver|check`: the Movie Guru service, its frontend, its users, how it
//! behaves, and somebody who takes messages, each alone; and what of a challenge is met.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::cli::Workshop;
use crate::client::Client;
use crate::demo::mail_sink;
use crate::demo::receiver::{self, Inbox};
use crate::failure::Failure;
use crate::listen::listen;
use crate::output::{Rows, say};
use crate::scenario::embedded;
use crate::workshop::frontend::{self, Instance, WRONG_BACKEND};
use crate::workshop::load_stats::LoadSnapshot;
use crate::workshop::{
    Frontend, LoadControl, LoadOptions, LoadStats, Mock, MockState, MovieGuru, Phase, Sampler, System, http,
    load, load_page, mock,
};
use crate::{clock, shutdown, terminal};

/// Runs one of them until it is interrupted.
pub async fn run(command: Workshop) -> Result<(), Failure> {
    match command {
        Workshop::Mock { system: System::S002, listen, phase } => movie_guru(&listen, phase).await,
        Workshop::Mock { system, listen, phase: _ } => mock_system(system, &listen).await,
        Workshop::Phase { challenge, target } => set_phase(challenge, &target).await,
        Workshop::Check(arguments) => super::workshop_check::run(arguments).await,
        Workshop::Receiver { listen, smtp_listen } => receive(&listen, smtp_listen.as_deref()).await,
        Workshop::Frontend { listen, backend, broken } => serve_pages(&listen, &backend, broken).await,
        Workshop::Load { system, target, users, spawn_rate, run_time, page, autostart } => {
            crate::install_tls();
            let options = LoadOptions {
                system,
                target,
                users,
                spawn_rate_per_s: spawn_rate,
                run_time: run_time.map(bellwether_model::TimeDelta::to_std),
                seed: crate::entropy::seed(),
                logins: Arc::default(),
            };
            match page {
                None => send_users(options).await,
                Some(page) => serve_load(&page, options, autostart).await,
            }
        }
    }
}

async fn serve_load(address: &str, options: LoadOptions, autostart: bool) -> Result<(), Failure> {
    let listener = listen(address, "--page").await?;
    let at = local(&listener)?;
    let control = Arc::new(LoadControl::new(options));
    if autostart {
        let form = control.shown().form;
        control.start(form).map_err(|wrong| {
            let lines: Vec<String> = wrong.into_iter().map(|(_, why)| why).collect();
            Failure::wrong(lines.join("; "))
        })?;
    }
    let metrics = match control.system() {
        System::S000 => ", what its users measure at /metrics",
        System::S001 | System::S002 | System::S003 | System::S004 => "",
    };
    say(&format!("start and stop users at http://{at}/{metrics}; stop this with Ctrl-C"));
    load_page::serve(listener, control, shutdown::requested())
        .await
        .map_err(|error| Failure::failed(error.to_string()))
}

fn phase_of(challenge: u8) -> Result<Phase, Failure> {
    Phase::challenge(u32::from(challenge))
        .ok_or_else(|| Failure::wrong(format!("challenge {challenge} has no phase; write 1, 5, 6 or 7")))
}

async fn set_phase(challenge: u8, target: &str) -> Result<(), Failure> {
    let phase = phase_of(challenge)?.to_json();
    let refused = |why: Failure| match why {
        Failure::Failed(_) => Failure::failed(format!(
            "no service takes a phase at {target}; start it with `bellwether workshop mock`"
        )),
        why => why,
    };
    Client::new(target)?.post("/phase", &phase).await.map_err(refused)?;
    say(&format!("the service is in the phase of challenge {challenge}"));
    Ok(())
}

async fn receive(address: &str, smtp_address: Option<&str>) -> Result<(), Failure> {
    let listener = listen(address, "--listen").await?;
    let inbox =
        Inbox::telling(|message| say(&format!("{}\n{}\n", message.received_at_text, message.summary())));
    if let Some(smtp_address) = smtp_address {
        let smtp = listen(smtp_address, "--smtp-listen").await?;
        say(&format!("mail is taken on {}", local(&smtp)?));
        tokio::spawn(mail_sink::serve(smtp, inbox.clone()));
    }
    let at = local(&listener)?;
    say(&format!("receiving on http://{at}/; GET /messages lists what arrived; stop it with Ctrl-C"));
    tokio::select! {
        ended = receiver::serve(listener, inbox) => ended.map_err(|error| Failure::failed(error.to_string())),
        () = shutdown::requested() => Ok(()),
    }
}

fn local(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::failed(error.to_string()))
}

async fn movie_guru(address: &str, challenge: u8) -> Result<(), Failure> {
    let phase = phase_of(challenge)?;
    let listener = listen(address, "--listen").await?;
    let at = local(&listener)?;
    say(&format!("Movie Guru on http://{at}: GET /metrics, GET and POST /phase; stop it with Ctrl-C"));
    let sampler = Sampler::random(crate::entropy::seed());
    let state = Arc::new(MockState::new(MovieGuru::new(phase), sampler));
    http::serve(listener, state, shutdown::requested())
        .await
        .map_err(|error| Failure::failed(error.to_string()))
}

/// A port for every target: the one asked for, and those that follow; or free ones when none is asked for.
async fn mock_system(system: System, address: &str) -> Result<(), Failure> {
    let place = embedded::find(system.name()).and_then(|place| place.read().0);
    let scenario = place.ok_or_else(|| Failure::failed(format!("{} has no services", system.name())))?;
    let seed = crate::entropy::seed();
    let mock = Arc::new(Mock::new(&scenario.services, system.answered(), clock::now(), seed));
    let mut listeners = vec![listen(address, "--listen").await?];
    let first = local(&listeners[0])?;
    let is_any = address.ends_with(":0");
    let mut rows = Rows::new(&["job", "instance", "metrics"]);
    for (number, labels) in mock.targets().into_iter().enumerate() {
        if number > 0 {
            let port = if is_any {
                Some(0)
            } else {
                first.port().checked_add(u16::try_from(number).unwrap_or(u16::MAX))
            };
            let port = port.ok_or_else(|| Failure::wrong("--listen: no ports follow that one".to_owned()))?;
            listeners.push(listen(&SocketAddr::new(first.ip(), port).to_string(), "--listen").await?);
        }
        rows.push([
            labels.value_or_empty("job").to_owned(),
            labels.value_or_empty("instance").to_owned(),
            format!("http://{}/metrics", local(&listeners[number])?),
        ]);
    }
    rows.print();
    say(&format!("{} on http://{first}: GET, POST and DELETE /faults; stop it with Ctrl-C", system.title()));
    mock::serve(listeners, mock, shutdown::requested())
        .await
        .map_err(|error| Failure::failed(error.to_string()))
}

async fn serve_pages(address: &str, backend: &str, broken: bool) -> Result<(), Failure> {
    let frontend = Frontend::new(backend);
    if broken {
        frontend.deploy(Instance::V2, WRONG_BACKEND);
    }
    let listener = listen(address, "--listen").await?;
    let at = local(&listener)?;
    say(&format!(
        "Movie Guru's frontend on http://{at}: GET / /v1 /v2, POST /v2/backend with an address; stop it with Ctrl-C"
    ));
    frontend::serve(listener, Arc::new(frontend), shutdown::requested())
        .await
        .map_err(|error| Failure::failed(error.to_string()))
}

/// How often the running figures are drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(500);

async fn send_users(options: LoadOptions) -> Result<(), Failure> {
    let stats = Arc::new(LoadStats::default());
    let bar = terminal::spinner("{spinner} {elapsed} {msg}");
    say(&format!("sending {} users to {}; stop them with Ctrl-C", options.users, options.target));
    let draw = async {
        loop {
            tokio::time::sleep(DRAWN_EVERY).await;
            bar.set_message(line(&stats.snapshot()));
            bar.tick();
        }
    };
    let running = load::run(options, stats.clone(), shutdown::requested());
    let result = tokio::select! {
        result = running => result,
        () = draw => Ok(()),
    };
    bar.finish_and_clear();
    result.map_err(|error| Failure::wrong(error.to_string()))?;
    print_summary(&stats.snapshot());
    Ok(())
}

fn line(snapshot: &LoadSnapshot) -> String {
    format!(
        "{} users, {} requests, {} failed, {:.2} requests/s",
        snapshot.users, snapshot.total.requests, snapshot.total.failures, snapshot.requests_per_s
    )
}

fn print_summary(snapshot: &LoadSnapshot) {
    let mut rows = Rows::new(&["endpoint", "requests", "failed", "unanswered"]);
    for (call, calls) in &snapshot.by_endpoint {
        rows.push([
            call.to_string(),
            calls.requests.to_string(),
            calls.failures.to_string(),
            calls.unanswered.to_string(),
        ]);
    }
    say(&line(snapshot));
    if !rows.is_empty() {
        rows.print();
    }
}
