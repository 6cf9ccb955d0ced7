//! `bellwether.yml` and everything it names, read at once: every mistake in every file is reported, and either the
//! whole configuration is good or none of it is used.

mod ack_deadlines;
pub mod alertmanagers;
mod dashboards;
mod delivery;
mod file_kind;
mod linted;
mod loader;
mod objectives;
mod otlp;
mod outline;
mod probe_asks;
mod probes;
pub mod prometheus;
mod prometheus_storage;
pub mod receive;
mod routing;
mod rule_files;
mod scrape_config_files;
pub mod scrape_intervals;
mod shown;
pub mod source;
pub mod storage;

use std::path::Path;
use std::sync::Arc;

use bellwether_alerts::AckDeadlines;
use bellwether_diag::yaml::Node;
use bellwether_diag::{Diagnostic, Diagnostics, FileId, Sources};
use bellwether_model::TimeDelta;
use bellwether_rules::RuleFile;
use bellwether_slo::Slo;
use bellwether_web::view::Dashboard;

pub use file_kind::{check, read_objectives, read_routing};
pub use linted::LintedFiles;
pub use loader::{Loader, folder_of};
pub use routing::{RoutingShown, TemplateFile};

use crate::probe::Probe;
use alertmanagers::AlertmanagerMember;
use outline::{Outline, Section};
use prometheus::PrometheusConfig;
use receive::ReceiveConfig;
use scrape_intervals::ScrapeIntervals;
use source::SourceConfig;
use storage::StorageConfig;

/// How long samples are kept unless the configuration says otherwise.
pub(crate) const RETENTION_DEFAULT: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);

/// A configuration in which nothing is wrong.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is scraped, and the settings for all.
    pub prometheus: PrometheusConfig,
    /// The store that everything is read from instead, if there is one.
    pub source: Option<SourceConfig>,
    /// Who is told, which may be nobody.
    pub routing: Arc<bellwether_alerts::Config>,
    /// The same as others may see it.
    pub routing_shown: RoutingShown,
    /// Who is told what could not be delivered to somebody else.
    pub fallback: Option<bellwether_alerts::Fallback>,
    /// Who is handed every alert besides.
    pub alertmanagers: Vec<AlertmanagerMember>,
    /// How soon somebody should take an alert, by its severity.
    pub ack_deadlines: AckDeadlines,
    /// Texts of the template files that the routing names, by file name.
    pub templates: Vec<TemplateFile>,
    /// Groups of rules, with the file each stands in.
    pub rules: Vec<(String, RuleFile)>,
    /// The objectives.
    pub slos: Vec<Arc<Slo>>,
    /// What is asked from outside.
    pub probes: Vec<Probe>,
    /// Pages of panels.
    pub dashboards: Arc<Vec<Dashboard>>,
    /// How long samples are kept.
    pub retention: TimeDelta,
    /// What else is set of the store.
    pub storage: StorageConfig,
    /// What is made of samples that are pushed.
    pub receive: ReceiveConfig,
    /// Where people reach this server; links in messages start with it.
    pub external_url: Option<String>,
    /// The file, and those of its sections that are files of their own, as others may see them: without secrets.
    pub shown: String,
    /// The files as they were read, for the linter.
    pub linted: LintedFiles,
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

impl Loader {
    fn finish(self, config: Option<Config>) -> Loaded {
        let config = config.filter(|_| !self.diagnostics.has_errors());
        Loaded { config, sources: self.sources, diagnostics: self.diagnostics, refused: self.refused }
    }

    pub(crate) fn load(&mut self, file: FileId, folder: &Path) -> Option<Config> {
        let outline = self.outline(file)?;
        self.show(file);
        self.load_outline(outline, folder)
    }

    /// Reads sections that stand in a file which is no `bellwether.yml`.
    pub(crate) fn load_sections(&mut self, sections: &Node, folder: &Path) -> Option<Config> {
        let outline = self.outline_of(sections)?;
        self.load_outline(outline, folder)
    }

    fn load_outline(&mut self, outline: Outline, folder: &Path) -> Option<Config> {
        let prometheus = self.load_prometheus(outline.prometheus, folder);
        self.scrape_intervals = prometheus.as_ref().map(ScrapeIntervals::of).unwrap_or_default();
        let source = self.load_source(outline.source, prometheus.as_ref(), folder);
        let routing = self.load_routing(outline.alertmanager, folder);
        let fallback = self.fallback(outline.delivery, routing.config.as_ref().map(|(config, _)| config));
        self.load_rules(outline.rules, folder);
        let dashboards = self.load_dashboards(outline.dashboards, folder);
        let slos = self.load_slos(outline.slos, folder);
        let storage = match &prometheus {
            Some(prometheus) => outline.storage.or(&prometheus.storage),
            None => outline.storage,
        };
        let retention = storage.retention.unwrap_or(RETENTION_DEFAULT);
        self.examine_reach(&slos, retention);
        let global = prometheus.as_ref().map(|prometheus| prometheus.global.clone()).unwrap_or_default();
        let probes = self.load_probes(&outline.probes, &global, folder);
        self.refuse_unknown_probes(&slos, &probes);
        if self.diagnostics.has_errors() {
            return None;
        }
        let (mut prometheus, (routing_config, routing_shown)) = (prometheus?, routing.config?);
        let mut alertmanagers = outline.alertmanagers;
        for member in &mut alertmanagers {
            self.resolve_files(member.http.secret_files_mut(), folder);
        }
        alertmanagers.append(&mut prometheus.alertmanagers);
        Some(Config {
            prometheus,
            alertmanagers,
            ack_deadlines: outline.ack_deadlines,
            source,
            routing: Arc::new(routing_config),
            routing_shown,
            templates: routing.templates,
            fallback,
            rules: std::mem::take(&mut self.rules),
            slos: slos.into_iter().map(Arc::new).collect(),
            probes,
            dashboards: Arc::new(dashboards),
            retention,
            storage,
            receive: outline.receive,
            external_url: outline.external_url,
            shown: std::mem::take(&mut self.shown),
            linted: LintedFiles::of(&self.sources),
        })
    }

    fn load_prometheus(&mut self, section: Option<Section>, folder: &Path) -> Option<PrometheusConfig> {
        let (mut config, base) = match section {
            None => return Some(PrometheusConfig::default()),
            Some(Section::Inline(node)) => (self.decode_node::<PrometheusConfig>(&node), folder.to_owned()),
            Some(Section::File(name)) => {
                let path = folder.join(&name.value);
                let file = self.read_file(&path, Some(name.span))?;
                self.show(file);
                (self.decode(file), folder_of(&path))
            }
        };
        if let Some(config) = &mut config {
            for member in &mut config.alertmanagers {
                self.resolve_files(member.http.secret_files_mut(), &base);
            }
            self.resolve_job_files(&mut config.jobs, &base);
            self.load_scrape_config_files(config, &base);
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
