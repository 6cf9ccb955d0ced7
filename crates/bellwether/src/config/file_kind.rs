//! Files named on the command line, which may be of any kind that is known here: which kind one is, its contents tell.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_alerts::Config as Routing;
use bellwether_diag::yaml::{self, Node, Value};
use bellwether_diag::{Diagnostics, FileId, Severity};
use bellwether_rules::unit_test::TestFile;
use bellwether_slo::{Dialect, Documents, Slo, Strictness};

use super::loader::{Loader, folder_of};
use super::prometheus::PrometheusConfig;

/// Reads one file of any kind we know, told apart by its contents, and reports what is wrong with it.
pub fn check(path: &Path, loader: &mut Loader) {
    let Some(file) = loader.read_file(path, None) else { return };
    let folder = folder_of(path);
    match kind_of(loader, file) {
        Kind::Bellwether => {
            let rules = loader.load(file, &folder).map(|config| config.rules);
            loader.rules.extend(rules.unwrap_or_default());
        }
        Kind::Rules => {
            let groups = loader.decode_rules(file);
            loader.rules.extend(groups);
        }
        Kind::Tests => {
            let Loader { sources, diagnostics, .. } = loader;
            TestFile::read(sources, file, Severity::Error, diagnostics);
        }
        Kind::Alertmanager => {
            loader.decode_routing(file, &folder);
        }
        Kind::Scenario => loader.check_scenario(file, path),
        Kind::Dashboard => {
            let Loader { sources, diagnostics, .. } = loader;
            crate::dashboard::read(sources, file, diagnostics);
        }
        Kind::Objectives => {
            let Loader { sources, diagnostics, objectives, .. } = loader;
            objectives.add_file(sources, file, diagnostics);
        }
        Kind::Prometheus => {
            if let Some(config) = loader.decode::<PrometheusConfig>(file) {
                loader.load_rule_files(&config.rule_files, &folder);
            }
        }
    }
}

/// Reads the objectives of files of any dialect together; of a `bellwether.yml`, those it holds and names.
pub fn read_objectives(paths: &[PathBuf], strictness: Strictness) -> (Vec<Slo>, Loader) {
    let (mut loader, mut documents) = (Loader::default(), Documents::default());
    let mut slos = Vec::new();
    for path in paths {
        let Some(file) = loader.read_file(path, None) else { continue };
        if is_whole(&loader, file) {
            let config = loader.load(file, &folder_of(path));
            slos.extend(config.into_iter().flat_map(|config| config.slos).map(Arc::unwrap_or_clone));
        } else {
            documents.add_file(&loader.sources, file, &mut loader.diagnostics);
        }
    }
    slos.extend(documents.slos(&loader.sources, strictness, &mut loader.diagnostics));
    (slos, loader)
}

/// Reads the routing that a file is, or that the configuration in it holds or names.
pub fn read_routing(path: &Path) -> (Option<Arc<Routing>>, Loader) {
    let mut loader = Loader::default();
    let Some(file) = loader.read_file(path, None) else { return (None, loader) };
    let folder = folder_of(path);
    let routing = match kind_of(&mut loader, file) {
        Kind::Alertmanager => loader.decode_routing(file, &folder).config.map(|(config, _)| Arc::new(config)),
        Kind::Bellwether
        | Kind::Rules
        | Kind::Tests
        | Kind::Prometheus
        | Kind::Objectives
        | Kind::Scenario
        | Kind::Dashboard => loader.load(file, &folder).map(|config| config.routing),
    };
    (routing, loader)
}

/// Whether a file is a configuration of everything, rather than of objectives alone.
fn is_whole(loader: &Loader, file: FileId) -> bool {
    const OTHERS: [&str; 5] = ["prometheus", "alertmanager", "rules", "storage", "receive"];
    let documents = yaml::parse(&loader.sources, file, &mut Diagnostics::new());
    let names_files =
        |slos: &Node| slos.as_sequence().is_some_and(|items| items.iter().any(|i| i.as_text().is_some()));
    documents.first().is_some_and(|first| {
        OTHERS.iter().any(|section| first.get(section).is_some())
            || first.get("slos").is_some_and(names_files)
    })
}

/// The kinds of file that `check` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bellwether,
    Rules,
    Tests,
    Alertmanager,
    Prometheus,
    Scenario,
    Dashboard,
    /// Of any dialect but our own.
    Objectives,
}

fn kind_of(loader: &mut Loader, file: FileId) -> Kind {
    // Problems of syntax are reported by whoever reads the file next.
    let documents = yaml::parse(&loader.sources, file, &mut Diagnostics::new());
    let Some(first) = documents.first() else { return Kind::Bellwether };
    let Value::Mapping(entries) = &first.value else { return Kind::Bellwether };
    if bellwether_slo::Kind::of(first).is_none_or(|kind| kind.dialect() != Dialect::Bellwether) {
        return Kind::Objectives;
    }
    let has =
        |names: &[&str]| entries.iter().any(|(key, _)| key.as_text().is_some_and(|key| names.contains(&key)));
    if has(&["scenario"]) {
        Kind::Scenario
    } else if has(&["panels"]) || first.get("dashboard").is_some_and(|inner| inner.get("panels").is_some()) {
        Kind::Dashboard
    } else if has(&[
        "prometheus",
        "source",
        "alertmanager",
        "alertmanagers",
        "rules",
        "slos",
        "probes",
        "dashboards",
    ]) {
        Kind::Bellwether
    } else if has(&["groups"]) {
        Kind::Rules
    } else if has(&["tests"]) {
        Kind::Tests
    } else if has(&["route", "receivers", "inhibit_rules", "time_intervals"]) {
        Kind::Alertmanager
    } else if has(&["scrape_configs", "rule_files", "alerting", "remote_write", "global"]) {
        Kind::Prometheus
    } else {
        Kind::Bellwether
    }
}
