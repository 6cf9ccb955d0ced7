//! Reads a scenario and the configuration of each of its runs, from the disk or from the program itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bellwether_diag::{Diagnostics, FileId, Sources};

use super::decode;
use super::model::{ConfigChoice, Expected, Run, Scenario};
use crate::config::{Config, Loader, folder_of};

/// Files that are part of the program, by their path: names in them start there.
pub type Texts = BTreeMap<PathBuf, &'static str>;

/// Where a scenario and what it names are read from.
#[derive(Clone, Debug)]
pub struct Place {
    /// The scenario file.
    pub file: PathBuf,
    /// Files that stand in for those of the disk.
    pub texts: Texts,
}

/// A configuration, or what is wrong with it.
#[derive(Clone, Debug)]
pub struct ReadConfig {
    /// The configuration, unless something is wrong with it.
    pub config: Option<Config>,
    /// All texts that were read.
    pub sources: Sources,
    /// What is wrong, rules that are left out aside.
    pub diagnostics: Diagnostics,
    /// What is wrong with rules that are left out.
    pub refused: Diagnostics,
}

impl Place {
    /// A file on the disk.
    pub fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), texts: Texts::new() }
    }

    pub(super) fn loader(&self) -> Loader {
        Loader { texts: self.texts.clone(), ..Loader::default() }
    }

    /// Reads the scenario itself; the texts and problems are in the loader.
    pub fn read(&self) -> (Option<Scenario>, Loader) {
        let mut loader = self.loader();
        let file = loader.read_file(&self.file, None);
        let scenario = file.and_then(|file| {
            let Loader { sources, diagnostics, .. } = &mut loader;
            decode::read(sources, file, diagnostics)
        });
        (scenario, loader)
    }

    /// Reads a configuration that a run or a reload names.
    pub fn config(&self, choice: &ConfigChoice) -> ReadConfig {
        let mut loader = self.loader();
        let config = self.load(choice, &mut loader);
        let Loader { sources, diagnostics, refused, .. } = loader;
        ReadConfig { config: config.filter(|_| !diagnostics.has_errors()), sources, diagnostics, refused }
    }

    fn load(&self, choice: &ConfigChoice, loader: &mut Loader) -> Option<Config> {
        let folder = folder_of(&self.file);
        match choice {
            ConfigChoice::File(name, _) => {
                let path = folder.join(name);
                let file = loader.read_file(&path, None)?;
                loader.load(file, &folder_of(&path))
            }
            ConfigChoice::Sections(node) => {
                // What is wrong with them has its place in the scenario.
                if loader.sources.files().next().is_none() {
                    loader.read_file(&self.file, None)?;
                }
                loader.load_sections(node, &folder)
            }
        }
    }
}

impl Loader {
    /// Reports everything that is wrong with a scenario file and with the configurations that it names, those aside
    /// that it expects to be refused.
    pub(crate) fn check_scenario(&mut self, file: FileId, path: &Path) {
        let Self { sources, diagnostics, .. } = self;
        let Some(scenario) = decode::read(sources, file, diagnostics) else { return };
        let place = Place { file: path.to_owned(), texts: self.texts.clone() };
        let mut seen: Vec<&ConfigChoice> = Vec::new();
        for run in scenario.runs.iter().filter(|run| !run.expects_refusal()) {
            if !seen.contains(&&run.config) {
                seen.push(&run.config);
                place.load(&run.config, self);
            }
        }
    }
}

impl Run {
    /// Whether its configuration is expected to be refused.
    pub fn expects_refusal(&self) -> bool {
        self.expect.iter().any(|one| matches!(one.what, Expected::Refused { .. }))
    }
}
