//! `bellwether scenario run|list|check`: a small world that misbehaves on cue, and what must come of it.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use crate::cli::scenario::{Run, SamplerKind, Scenario, ScenarioFormat};
use crate::failure::Failure;
use crate::output::{Rows, cut, say};
use crate::scenario::load::Place;
use crate::scenario::model::Scenario as Story;
use crate::scenario::player::{Played, Player, SamplerChoice};
use crate::scenario::real_run;
use crate::scenario::{self, embedded};
use crate::terminal;

/// Runs a subcommand.
pub async fn run(command: &Scenario) -> Result<(), Failure> {
    match command {
        Scenario::Run(arguments) if arguments.real => play_real(arguments).await,
        Scenario::Run(arguments) => play(arguments),
        Scenario::List => list(),
        Scenario::Check { files } => {
            let mut good = true;
            for file in files {
                good &= check(file);
            }
            if good { Ok(()) } else { Err(Failure::Reported) }
        }
    }
}

fn list() -> Result<(), Failure> {
    let mut rows = Rows::new(&["name", "runs", "about"]);
    for name in embedded::names() {
        let Some(place) = embedded::find(name) else { continue };
        let Some(scenario) = place.read().0 else { continue };
        rows.push([name.to_owned(), scenario.runs.len().to_string(), cut(&scenario.about, 60)]);
    }
    rows.print();
    Ok(())
}

fn check(file: &Path) -> bool {
    let mut loader = crate::config::Loader { examine: true, ..Default::default() };
    crate::config::check(file, &mut loader);
    let style = terminal::style(&std::io::stdout());
    let problems: bellwether_diag::Diagnostics =
        loader.diagnostics.iter().chain(loader.refused.iter()).cloned().collect();
    let text = problems.render(&loader.sources, style);
    if text.is_empty() {
        say(&format!("{}: nothing is wrong", file.display()))
    } else {
        say(text.trim_end())
    }
    !problems.has_errors()
}

/// The scenario of a name or a file.
fn read(name: &str) -> Result<(Place, Story), Failure> {
    let path = Path::new(name);
    let place = match embedded::find(name).filter(|_| !path.exists()) {
        Some(place) => place,
        None if path.is_dir() => Place::of(&path.join("scenario.yml")),
        None if path.exists() => Place::of(path),
        None => {
            let names = embedded::names().join(", ");
            return Err(Failure::wrong(format!(
                "there is no scenario and no file {name:?}; scenarios that come with the program: {names}"
            )));
        }
    };
    let (scenario, loader) = place.read();
    let problems = loader.diagnostics.render(&loader.sources, terminal::style(&std::io::stderr()));
    eprint!("{problems}");
    let scenario = scenario.ok_or(Failure::Reported)?;
    Ok((place, scenario))
}

async fn play_real(arguments: &Run) -> Result<(), Failure> {
    crate::install_tls();
    let (place, story) = read(&arguments.scenario)?;
    let Some(real) = &story.real else {
        let why = format!("{} has no real run; write real: with steps, see docs/scenarios.md", story.name);
        return Err(Failure::wrong(why));
    };
    let bar = terminal::spinner("{spinner} {elapsed} {msg}");
    bar.set_message("playing by the clock on the wall");
    let played = real_run::play(&story, real, &place, arguments.length).await;
    bar.finish_and_clear();
    let played = [played.map_err(Failure::failed)?];
    tell(arguments, &story, &played)?;
    if played[0].is_good() { Ok(()) } else { Err(Failure::Unmet) }
}

fn play(arguments: &Run) -> Result<(), Failure> {
    let (place, story) = read(&arguments.scenario)?;
    let is_chosen =
        |name: &str| arguments.run.is_empty() || arguments.run.iter().any(|text| name.contains(text));
    let runs: Vec<_> = story.runs.iter().filter(|run| is_chosen(&run.name)).collect();
    if runs.is_empty() {
        let names: Vec<&str> = story.runs.iter().map(|run| run.name.as_str()).collect();
        return Err(Failure::wrong(format!("no run is called that; there are: {}", names.join(", "))));
    }
    let sampler = match arguments.sampler {
        SamplerKind::Quota => SamplerChoice::Quota,
        SamplerKind::Random => SamplerChoice::Random(arguments.seed),
    };
    let mut player = Player::new(&story, &place, sampler);
    let bar = terminal::bar("{bar:40} {pos} of {len} {msg}");
    bar.set_length(runs.len() as u64);
    let mut all = Vec::new();
    for run in runs {
        bar.set_message(run.name.clone());
        all.push(player.play(run));
        bar.inc(1);
    }
    bar.finish_and_clear();
    tell(arguments, &story, &all)?;
    if all.iter().all(Played::is_good) { Ok(()) } else { Err(Failure::Unmet) }
}

fn tell(arguments: &Run, story: &Story, all: &[Played]) -> Result<(), Failure> {
    let style = match arguments.out {
        Some(_) => bellwether_diag::Style { color: false },
        None => terminal::style(&std::io::stdout()),
    };
    let text = match arguments.format {
        ScenarioFormat::Text => scenario::text(story, all, style),
        ScenarioFormat::Json => {
            let runs: Vec<_> = all.iter().map(scenario::as_json).collect();
            let whole = json!({ "scenario": story.name, "about": story.about, "runs": runs });
            serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
        }
        ScenarioFormat::Html => scenario::page(story, all),
    };
    match &arguments.out {
        None => {
            // A reader that has gone (`| head`) is no error.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Ok(())
        }
        Some(path) => {
            let written = std::fs::write(path, text);
            written.map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
        }
    }
}
