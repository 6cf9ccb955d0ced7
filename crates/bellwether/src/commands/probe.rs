//! `bellwether probe NAME` or `bellwether probe http URL`: one attempt now, with every expectation and phase. What is
//! printed is what the running server would have seen; nothing is stored.

use std::path::Path;

use bellwether_diag::{Diagnostic, Style};
use bellwether_web::view::CheckVerdict;
use serde_json::{Value, json};

use crate::cli::{Format, ProbeNow};
use crate::config::{self, Loaded};
use crate::failure::Failure;
use crate::output::{print_json, say};
use crate::probe::attempt::duration_text;
use crate::probe::pool::check_views;
use crate::probe::{Attempt, Outcome, Probe, Target, run as attempt};
use crate::terminal;

/// Tries, prints, and fails with exit code 1 when something is not as expected.
pub async fn run(arguments: ProbeNow) -> Result<(), Failure> {
    crate::install_tls();
    let probes = match &arguments.target {
        Some(target) => vec![given(&arguments, target)?],
        None => vec![named_or_asked(&arguments)?],
    };
    let (mut all, mut is_met) = (Vec::new(), true);
    for probe in &probes {
        for target in &probe.targets {
            let outcome = attempt(probe, target).await;
            is_met &= matches!(&outcome, Outcome::Tried(attempt) if attempt.succeeded());
            match arguments.format {
                Format::Json => all.push(as_json(probe, target, &outcome)),
                Format::Text => print(probe, target, &outcome),
            }
        }
    }
    if arguments.format == Format::Json {
        print_json(&Value::Array(all));
    }
    if is_met { Ok(()) } else { Err(Failure::Unmet) }
}

/// A probe of the configuration; a protocol alone does not say whom to ask, unless a probe has its name.
fn named_or_asked(arguments: &ProbeNow) -> Result<Probe, Failure> {
    let example = match arguments.what.as_str() {
        "http" => "https://example.org/",
        "tcp" => "db.example.org:5432",
        "dns" => "192.0.2.53:53 --query example.org",
        "grpc" => "orders.example.org:50051",
        _ => return named(&arguments.what, &arguments.config),
    };
    let what = &arguments.what;
    let config = config::load(&arguments.config).config;
    if config.is_some_and(|config| config.probes.iter().any(|probe| probe.name == *what)) {
        return named(what, &arguments.config);
    }
    Err(Failure::wrong(format!("{what} needs to know whom to ask; write bellwether probe {what} {example}")))
}

/// A probe of the configuration.
fn named(name: &str, path: &Path) -> Result<Probe, Failure> {
    let config = loaded(config::load(path))?;
    let names: Vec<&str> = config.probes.iter().map(|probe| probe.name.as_str()).collect();
    match config.probes.iter().find(|probe| probe.name == name) {
        Some(probe) => Ok(probe.clone()),
        None => {
            let help = match (bellwether_diag::suggest(name, names.iter().copied()), names.as_slice()) {
                (Some(near), _) => format!("did you mean {near}?"),
                (None, []) => "it defines none".to_owned(),
                (None, names) => format!("it defines {}", names.join(", ")),
            };
            Err(Failure::wrong(format!("no probe in {} is called {name:?}; {help}", path.display())))
        }
    }
}

/// A probe made of flags: written as a configuration, so that the same reader refuses the same mistakes.
fn given(arguments: &ProbeNow, target: &str) -> Result<Probe, Failure> {
    let mut expect = serde_json::Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        value.map(|value| expect.insert(name.to_owned(), value));
    };
    set("status", arguments.status.as_ref().map(|status| json!(status)));
    let (contains, texts) = match arguments.what.as_str() {
        "http" => ("body_contains", arguments.contains.clone()),
        "dns" => ("answers_match", arguments.contains.iter().map(|text| regex::escape(text)).collect()),
        _ => ("answer_contains", arguments.contains.clone()),
    };
    set(contains, (!texts.is_empty()).then(|| json!(texts)));
    set("latency_below", arguments.latency_below.map(|bound| json!(bound)));
    set("tls_expires_after", arguments.tls_expires_after.map(|bound| json!(bound)));
    let mut tls = serde_json::Map::new();
    if arguments.insecure {
        tls.insert("insecure_skip_verify".to_owned(), json!(true));
    }
    if let Some(path) = &arguments.ca_file {
        tls.insert("ca_file".to_owned(), json!(path));
    }
    let mut settings = serde_json::Map::new();
    if !tls.is_empty() {
        settings.insert("tls_config".to_owned(), Value::Object(tls));
    }
    let texts =
        [("query", &arguments.query), ("type", &arguments.record_type), ("service", &arguments.service)];
    for (name, text) in texts {
        settings.extend(text.iter().map(|text| (name.to_owned(), json!(text))));
    }
    if arguments.tls {
        settings.insert("tls".to_owned(), json!(true));
    }
    let probe = json!({
        "name": "given", "interval": arguments.timeout, "timeout": arguments.timeout, "target": target,
        &arguments.what: settings, "expect": expect,
    });
    // JSON is YAML.
    let text = json!({ "probes": [probe] }).to_string();
    let Loaded { config, diagnostics, .. } = config::load_text("the command line", &text);
    // Nobody wrote that text, so that no place in it is shown.
    let problems: Vec<String> = diagnostics.iter().map(Diagnostic::sentence).collect();
    match config.and_then(|mut config| config.probes.pop()) {
        Some(probe) => Ok(probe),
        None => Err(Failure::wrong(problems.join("\n"))),
    }
}

fn loaded(loaded: Loaded) -> Result<config::Config, Failure> {
    let Loaded { config, sources, diagnostics, .. } = loaded;
    let style: Style = terminal::style(&std::io::stderr());
    let text = diagnostics.render(&sources, style);
    if !text.is_empty() {
        eprintln!("{}", text.trim_end());
    }
    config.ok_or(Failure::Reported)
}

fn print(probe: &Probe, target: &Target, outcome: &Outcome) {
    let color = terminal::style(&std::io::stdout()).color;
    let paint = |code: &str, text: &str| match color {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    let head = format!("{} {}", probe.ask.as_str(), target.address);
    let attempt = match outcome {
        Outcome::NotTried(why) => {
            say(&format!("{}  {head}", paint("33", "not tried")));
            say(&format!("  {why}"));
            return;
        }
        Outcome::Tried(attempt) => attempt,
    };
    let word = if attempt.succeeded() { paint("32", "ok") } else { paint("31", "failed") };
    let address = attempt.facts.address.map(|address| format!("  ({address})")).unwrap_or_default();
    say(&format!("{word}  {head}{address}  {}", duration_text(attempt.took)));
    for check in check_views(attempt) {
        let (mark, found) = match check.verdict {
            CheckVerdict::Met => (paint("32", "+"), check.found),
            CheckVerdict::Unmet => (paint("31", "x"), check.found),
            CheckVerdict::NotReached => (paint("2", "-"), "not reached".to_owned()),
        };
        say(&format!("  {mark} {}: {found}", check.expected));
    }
    print_phases(attempt);
}

/// Cells of the longest phase.
const BAR_CELLS: f64 = 30.0;

fn print_phases(attempt: &Attempt) {
    let longest = attempt.phases.iter().map(|(_, took)| took.as_secs_f64()).fold(0.0, f64::max);
    for (phase, took) in &attempt.phases {
        let share = if longest > 0.0 { took.as_secs_f64() / longest } else { 0.0 };
        let bar = "#".repeat((share * BAR_CELLS).ceil() as usize);
        say(format!("  {:<10} {:>9}  {bar}", phase.as_str(), duration_text(*took)).trim_end());
    }
}

fn as_json(probe: &Probe, target: &Target, outcome: &Outcome) -> Value {
    let base = json!({ "probe": probe.name, "kind": probe.ask.as_str(), "target": target.address });
    let more = match outcome {
        Outcome::NotTried(why) => json!({ "outcome": "not_tried", "why": why }),
        Outcome::Tried(attempt) => {
            let phases: serde_json::Map<String, Value> = attempt
                .phases
                .iter()
                .map(|(phase, took)| (phase.as_str().to_owned(), json!(took.as_secs_f64())))
                .collect();
            json!({
                "outcome": if attempt.succeeded() { "ok" } else { "failed" },
                "reason": attempt.reason().map(|reason| reason.as_str()),
                "seconds": attempt.took.as_secs_f64(),
                "phases": phases,
                "checks": check_views(attempt),
                "status": attempt.facts.http_status,
                "certificate_ends_at": attempt.facts.certificate_ends.map(|at| at.to_string()),
            })
        }
    };
    let (Value::Object(mut base), Value::Object(more)) = (base, more) else { return Value::Null };
    base.extend(more);
    Value::Object(base)
}
