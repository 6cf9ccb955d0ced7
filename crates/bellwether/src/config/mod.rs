//! `bellwether.yml` and everything it names, read at once: every mistake in every file is reported, and either the
//! whole configuration is good or none of it is used.

pub mod alertmanagers;
mod loader;
mod objectives;
mod outline;
mod probe_asks;
mod probes;
pub mod prometheus;
mod routing;
mod rule_files;
pub mod scrape_intervals;
mod shown;
pub mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_diag::yaml::{self, Node, Value};
use bellwether_diag::{Diagnostic, Diagnostics, FileId, Severity, Sources};
use bellwether_model::TimeDelta;
use bellwether_rules::RuleFile;
use bellwether_rules::unit_test::TestFile;
use bellwether_slo::{Dialect, Documents, Slo, Strictness};

use crate::probe::Probe;
pub use loader::{Loader, folder_of};
pub use routing::TemplateFile;

use alertmanagers::AlertmanagerMember;
use outline::Section;
use prometheus::PrometheusConfig;
use scrape_intervals::ScrapeIntervals;
use source::SourceConfig;

/// How long samples are kept unless the configuration says otherwise.
const RETENTION_DEFAULT: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);

/// A configuration in which nothing is wrong.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is scraped, and the settings for all.
    pub prometheus: PrometheusConfig,
    /// The store that everything is read from instead, if there is one.
    pub source: Option<SourceConfig>,
    /// Who is told; `None` when nobody is.
    pub routing: Arc<bellwether_alerts::Config>,
    /// Who is handed every alert besides.
    pub alertmanagers: Vec<AlertmanagerMember>,
    /// Texts of the template files that the routing names, by file name.
    pub templates: Vec<TemplateFile>,
    /// Groups of rules, with the file each stands in.
    pub rules: Vec<(String, RuleFile)>,
    /// The objectives.
    pub slos: Vec<Arc<Slo>>,
    /// What is asked from outside.
    pub probes: Vec<Probe>,
    /// How long samples are kept.
    pub retention: TimeDelta,
    /// Where people reach this server; links in messages start with it.
    pub external_url: Option<String>,
    /// The file, and those of its sections that are files of their own, as others may see them: without secrets.
    pub shown: String,
}

/// What reading came to.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, unless something is wrong.
    pub config: Option<Config>,
    /// All texts that were read.
    pub sources: Sources,
    /// All problems because of which there is no configuration, and all warnings.
    pub diagnostics: Diagnostics,
    /// What is wrong with rules that were left out of it.
    pub refused: Diagnostics,
}

impl Loaded {
    /// Everything that is wrong, for whoever takes a configuration whole or not at all.
    pub fn all_problems(&self) -> Diagnostics {
        self.diagnostics.iter().chain(self.refused.iter()).cloned().collect()
    }
}

/// Reads a configuration file and everything it names.
pub fn load(path: &Path) -> Loaded {
    let mut loader = Loader::default();
    let config = loader.read_file(path, None).and_then(|file| loader.load(file, &folder_of(path)));
    loader.finish(config)
}

/// Reads a configuration that is no file, such as the demonstration's.
pub fn load_text(name: &str, text: &str) -> Loaded {
    let mut loader = Loader::default();
    let file = loader.sources.add(name, text);
    let config = loader.load(file, Path::new("."));
    loader.finish(config)
}

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

/// Whether a file is a configuration of everything, rather than of objectives alone.
fn is_whole(loader: &Loader, file: FileId) -> bool {
    const OTHERS: [&str; 4] = ["prometheus", "alertmanager", "rules", "storage"];
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
    if has(&["prometheus", "source", "alertmanager", "alertmanagers", "rules", "slos", "probes"]) {
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

impl Loader {
    fn finish(self, config: Option<Config>) -> Loaded {
        let config = config.filter(|_| !self.diagnostics.has_errors());
        Loaded { config, sources: self.sources, diagnostics: self.diagnostics, refused: self.refused }
    }

    fn load(&mut self, file: FileId, folder: &Path) -> Option<Config> {
        let outline = self.outline(file)?;
        self.show(file);
        let prometheus = self.load_prometheus(outline.prometheus, folder);
        self.scrape_intervals = prometheus.as_ref().map(ScrapeIntervals::of).unwrap_or_default();
        let source = self.load_source(outline.source, prometheus.as_ref(), folder);
        let (routing, templates) = self.load_routing(outline.alertmanager, folder);
        self.load_rules(outline.rules, folder);
        let slos = self.load_slos(outline.slos, folder);
        self.examine_reach(&slos, outline.retention.unwrap_or(RETENTION_DEFAULT));
        let global = prometheus.as_ref().map(|prometheus| prometheus.global.clone()).unwrap_or_default();
        let probes = self.load_probes(&outline.probes, &global, folder);
        self.refuse_unknown_probes(&slos, &probes);
        if self.diagnostics.has_errors() {
            return None;
        }
        let mut prometheus = prometheus?;
        let mut alertmanagers = outline.alertmanagers;
        for member in &mut alertmanagers {
            self.resolve_files(member.http.secret_files_mut(), folder);
        }
        alertmanagers.append(&mut prometheus.alertmanagers);
        Some(Config {
            prometheus,
            alertmanagers,
            source,
            routing: Arc::new(routing?),
            templates,
            rules: std::mem::take(&mut self.rules),
            slos: slos.into_iter().map(Arc::new).collect(),
            probes,
            retention: outline.retention.unwrap_or(RETENTION_DEFAULT),
            external_url: outline.external_url,
            shown: std::mem::take(&mut self.shown),
        })
    }

    fn load_prometheus(&mut self, section: Option<Section>, folder: &Path) -> Option<PrometheusConfig> {
        let (config, base) = match section {
            None => return Some(PrometheusConfig::default()),
            Some(Section::Inline(node)) => (self.decode_node::<PrometheusConfig>(&node), folder.to_owned()),
            Some(Section::File(name)) => {
                let path = folder.join(&name.value);
                let file = self.read_file(&path, Some(name.span))?;
                self.show(file);
                (self.decode(file), folder_of(&path))
            }
        };
        let mut config = config;
        if let Some(config) = &mut config {
            for member in &mut config.alertmanagers {
                self.resolve_files(member.http.secret_files_mut(), &base);
            }
            self.load_rule_files(&config.rule_files.clone(), &base);
        }
        config
    }

    /// Who reads from elsewhere does not scrape: queries would see half of what there is.
    fn load_source(
        &mut self,
        source: Option<SourceConfig>,
        prometheus: Option<&PrometheusConfig>,
        folder: &Path,
    ) -> Option<SourceConfig> {
        let mut source = source?;
        source.resolve_files(folder, &mut self.diagnostics);
        if prometheus.is_some_and(|prometheus| !prometheus.jobs.is_empty()) {
            let message = "targets are scraped here, and a source is read";
            let help = "let the source scrape the targets and leave out scrape_configs, or leave out source";
            self.diagnostics
                .push(Diagnostic::error("source-and-targets", source.span, message).with_help(help));
        }
        Some(source)
    }
}
