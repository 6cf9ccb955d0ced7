//! `bellwether init`: looks at what a service exposes, proposes objectives, and writes a first configuration.
//!
//! Nothing is needed that it does not print: without a service of one's own it watches the workshop's.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use bellwether_alerts::HttpConfig;
use bellwether_model::TimeDelta;
use bellwether_web::url::encode;
use serde_json::Value;

use crate::cli::init::Init;
use crate::config;
use crate::config::prometheus::{NameEscaping, ScrapeProtocol};
use crate::failure::Failure;
use crate::http::client::Client;
use crate::init::{Plan, Proposal, ReceiverPlan, Samples, Seen, propose};
use crate::output::say;
use crate::scrape::fetch::{self, Request};
use crate::scrape::protocol::accept;
use crate::terminal;

/// The workshop's service, for whoever has none at hand.
const WORKSHOP_METRICS: &str = "http://127.0.0.1:9998/metrics";
/// Where `bellwether workshop receiver` listens.
const LOCAL_RECEIVER: &str = "http://127.0.0.1:9997/";
/// How long anybody may take to answer.
const TIMEOUT: TimeDelta = TimeDelta(10 * TimeDelta::SECOND.0);
const BODY_BYTES_MAX: u64 = 64 << 20;

/// Asks, looks, writes.
pub async fn run(arguments: Init) -> Result<(), Failure> {
    crate::install_tls();
    if !arguments.print && arguments.out.exists() {
        return Err(Failure::wrong(format!(
            "{} is there already; name another with --out, or see this one with --print",
            arguments.out.display()
        )));
    }
    let mut asker = Asker { asks: !arguments.yes && std::io::stdin().is_terminal() };
    let samples = samples(&arguments, &mut asker)?;
    let service = arguments.service.clone().unwrap_or_else(|| service_of(&samples));
    let service = asker.ask("What is your service called?", &service)?;
    let seen = look(&samples, arguments.select.as_deref()).await;
    let objectives = objectives(&seen, &samples, &mut asker)?;
    let receiver = receiver(&arguments, &mut asker)?;
    let plan = Plan { samples, service, objectives, receiver };
    let text = plan.text();
    if arguments.print {
        say(text.trim_end());
        return Ok(());
    }
    let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", arguments.out.display()));
    let mut file = std::fs::File::create_new(&arguments.out).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    checked(&arguments)?;
    next_steps(&arguments, &plan, seen.is_err());
    Ok(())
}

/// Asks on a terminal; elsewhere the usual is taken.
struct Asker {
    asks: bool,
}

impl Asker {
    fn ask(&mut self, question: &str, usual: &str) -> Result<String, Failure> {
        if !self.asks {
            return Ok(usual.to_owned());
        }
        let failed = |error: std::io::Error| Failure::failed(format!("cannot ask: {error}"));
        eprint!("{question} [{usual}] ");
        std::io::stderr().flush().map_err(failed)?;
        let mut answer = String::new();
        if std::io::stdin().lock().read_line(&mut answer).map_err(failed)? == 0 {
            return Err(Failure::failed("the questions were broken off; nothing is written"));
        }
        let answer = answer.trim();
        Ok(if answer.is_empty() { usual.to_owned() } else { answer.to_owned() })
    }
}

fn samples(arguments: &Init, asker: &mut Asker) -> Result<Samples, Failure> {
    if let Some(url) = &arguments.prometheus {
        return Ok(Samples::Prometheus(base(url, "--prometheus")?));
    }
    if let Some(url) = &arguments.metrics {
        return scraped(url);
    }
    let said = "Where are your metrics? The address of a /metrics page, or of a Prometheus\n\
                (the usual is the workshop's service, to try things out)";
    let url = asker.ask(said, WORKSHOP_METRICS)?;
    let after_host = url.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches('/');
    match after_host.contains('/') {
        true => scraped(&url),
        false => Ok(Samples::Prometheus(base(&url, "the address")?)),
    }
}

fn base(url: &str, what: &str) -> Result<String, Failure> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Failure::wrong(format!("{what} {url:?} is not a URL; write it like http://{url}")));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn scraped(url: &str) -> Result<Samples, Failure> {
    let url = base(url, "the address")?;
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
    let (address, path) = rest.split_once('/').unwrap_or((rest, "metrics"));
    Ok(Samples::Scrape { scheme: scheme.to_owned(), address: address.to_owned(), path: format!("/{path}") })
}

fn service_of(samples: &Samples) -> String {
    match samples {
        Samples::Scrape { .. } if url_of(samples) == WORKSHOP_METRICS => "movie-guru".to_owned(),
        Samples::Scrape { address, .. } => {
            let host = address.split(':').next().unwrap_or_default();
            let is_name = !host.is_empty()
                && host != "localhost"
                && !host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            if is_name { host.split('.').next().unwrap_or(host).to_owned() } else { "my-service".to_owned() }
        }
        Samples::Prometheus(_) => "my-service".to_owned(),
    }
}

fn url_of(samples: &Samples) -> String {
    match samples {
        Samples::Scrape { scheme, address, path } => format!("{scheme}://{address}{path}"),
        Samples::Prometheus(url) => url.clone(),
    }
}

/// What is exposed now; a sentence if nobody answers.
async fn look(samples: &Samples, select: Option<&str>) -> Result<Seen, String> {
    let spinner = terminal::spinner("{spinner} {msg}");
    spinner.set_message(format!("looking at {}", url_of(samples)));
    spinner.enable_steady_tick(Duration::from_millis(120));
    let seen = read(samples, select).await;
    spinner.finish_and_clear();
    seen
}

async fn read(samples: &Samples, select: Option<&str>) -> Result<Seen, String> {
    let client = Client::for_reading(HttpConfig::default());
    let url = match samples {
        Samples::Scrape { .. } => url_of(samples),
        Samples::Prometheus(base) => {
            let select = select.map(|select| format!(",{select}")).unwrap_or_default();
            let query = format!("{{__name__=~\".+_(total|bucket|count)\"{select}}}");
            format!("{base}/api/v1/query?query={}", encode(&query, ""))
        }
    };
    let accept = accept(&[ScrapeProtocol::PrometheusText0_0_4], NameEscaping::AllowUtf8);
    let request = Request {
        url: &url,
        accept: &accept,
        compression: true,
        timeout: TIMEOUT,
        body_bytes_max: BODY_BYTES_MAX,
        body_bytes_expected: 0,
    };
    let body = fetch::fetch(&client, request).await.map_err(|error| error.to_string())?.body;
    match samples {
        Samples::Scrape { .. } => Seen::in_body(&body).map_err(|error| error.to_string()),
        Samples::Prometheus(_) => {
            let answer: Value =
                serde_json::from_slice(&body).map_err(|_| "it does not answer as Prometheus does")?;
            Ok(Seen::in_answer(&answer))
        }
    }
}

fn objectives(
    seen: &Result<Seen, String>,
    samples: &Samples,
    asker: &mut Asker,
) -> Result<Vec<Proposal>, Failure> {
    let url = url_of(samples);
    let seen = match seen {
        Ok(seen) => seen,
        Err(_) if url == WORKSHOP_METRICS => return Ok(workshop_objectives()),
        Err(why) => {
            eprintln!("{url} cannot be looked at now ({why}); the file has an example instead of objectives");
            return Ok(Vec::new());
        }
    };
    let proposals = propose(seen);
    eprintln!("{} series at {url}; {} objectives proposed", seen.len(), proposals.len());
    let mut taken = Vec::new();
    for proposal in proposals {
        let so_far = proposal.so_far.map(|share| format!(", {:.2} % good so far", share * 100.0));
        let question = format!(
            "{}: {} of {}{}. Take it?",
            proposal.name,
            proposal.goal,
            proposal.indicator,
            so_far.unwrap_or_default()
        );
        if asker.ask(&question, "yes")?.starts_with(['y', 'Y']) {
            taken.push(proposal);
        }
    }
    Ok(taken)
}

/// What would be proposed of the workshop's service, which need not run yet.
fn workshop_objectives() -> Vec<Proposal> {
    let objective = |name: &str, description: &str, goal, indicator: &str| Proposal {
        name: name.to_owned(),
        description: description.to_owned(),
        goal,
        so_far: None,
        indicator: indicator.to_owned(),
    };
    vec![
        objective(
            "chat-latency",
            "A chat message is answered within five seconds.",
            "99%",
            "latency: {histogram: 'movieguru_chat_latency_milliseconds', threshold: 5000}",
        ),
        objective(
            "startup-success",
            "The application starts.",
            "90%",
            "ratio: {good: 'movieguru_startup_success_total', total: 'movieguru_startup_attempts_total'}",
        ),
    ]
}

fn receiver(arguments: &Init, asker: &mut Asker) -> Result<ReceiverPlan, Failure> {
    if let Some(file) = &arguments.slack_webhook_file {
        return Ok(ReceiverPlan::SlackFile(file.clone()));
    }
    if let Some(url) = &arguments.webhook {
        return Ok(ReceiverPlan::Webhook(base(url, "--webhook")?));
    }
    let said = "Where are alerts posted? A webhook's address, or the file with a Slack webhook's\n\
                (the usual is `bellwether workshop receiver` on this machine)";
    let answer = asker.ask(said, LOCAL_RECEIVER)?;
    match answer.starts_with("http://") || answer.starts_with("https://") {
        true => Ok(ReceiverPlan::Webhook(answer)),
        false => Ok(ReceiverPlan::SlackFile(answer)),
    }
}

/// What was written is read as `serve` would read it.
fn checked(arguments: &Init) -> Result<(), Failure> {
    let mut loader = config::Loader { examine: true, ..config::Loader::default() };
    config::check(&arguments.out, &mut loader);
    if loader.diagnostics.is_empty() {
        return Ok(());
    }
    let text = loader.diagnostics.render(&loader.sources, terminal::style(&std::io::stderr()));
    eprint!("{text}");
    match loader.diagnostics.has_errors() {
        true => Err(Failure::failed(format!(
            "{} is written, but has to be mended first",
            arguments.out.display()
        ))),
        false => Ok(()),
    }
}

fn next_steps(arguments: &Init, plan: &Plan, nobody_answers: bool) {
    let out = arguments.out.display();
    say(&format!("{out} is written. Next, each in a terminal of its own:"));
    say("");
    let flag = if out.to_string() == "bellwether.yml" { String::new() } else { format!(" --config {out}") };
    if nobody_answers && url_of(&plan.samples) == WORKSHOP_METRICS {
        say("  bellwether workshop mock            # a service to watch; it misbehaves when told to");
        say("  bellwether workshop load            # its users");
    }
    if plan.receiver == ReceiverPlan::Webhook(LOCAL_RECEIVER.to_owned()) {
        say("  bellwether workshop receiver        # prints the messages that arrive");
    }
    say(&format!("  bellwether serve{flag}                    # pages at http://127.0.0.1:9999"));
    say("  bellwether drill team               # does a message arrive?");
    say("  bellwether slo status               # budgets and burn rates");
    if nobody_answers && url_of(&plan.samples) == WORKSHOP_METRICS {
        say("");
        say("Then break the service, and watch the 14.4x alert arrive within minutes:");
        say("  bellwether workshop phase 6");
    }
}
