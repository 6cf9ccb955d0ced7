//! What the linter says of the files of a configuration, worked out when somebody first asks: reading thousands of rules
//! must not wait for it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bellwether_diag::{Diagnostics, Severity, Sources, yaml};
use bellwether_lint::output::Place;
use bellwether_lint::{Finding, Setup};
use bellwether_web::view::{ConfigFileView, FindingSeverity, FindingView};

use super::shown;

/// Findings that a page shows of one file.
const SHOWN_MAX: usize = 200;

/// The files as they were read, and what is said of them.
#[derive(Clone, Default)]
pub struct LintedFiles {
    files: Arc<Vec<(String, String)>>,
    views: Arc<OnceLock<Vec<ConfigFileView>>>,
}

impl fmt::Debug for LintedFiles {
    /// Names only: the texts hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.files.iter().map(|(name, _)| name)).finish()
    }
}

impl LintedFiles {
    /// Of everything that was read.
    pub(super) fn of(sources: &Sources) -> Self {
        let text = |file| (sources.name(file).to_owned(), sources.text(file).to_owned());
        Self { files: Arc::new(sources.files().map(text).collect()), views: Arc::default() }
    }

    /// Each file with its findings.
    pub fn views(&self) -> Vec<ConfigFileView> {
        self.views.get_or_init(|| self.look()).clone()
    }

    fn look(&self) -> Vec<ConfigFileView> {
        let setup = Setup::read(self.files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        let secrets = self.secrets();
        let findings = bellwether_lint::lint(&setup);
        let view = |input: &bellwether_lint::InputFile| {
            let is_here = |finding: &&Finding| {
                finding.problem.span.is_some_and(|span| setup.sources.whole(span).file == input.file)
            };
            let here = findings.iter().filter(is_here).take(SHOWN_MAX);
            ConfigFileView {
                name: setup.sources.name(input.file).to_owned(),
                findings: here.filter_map(|finding| of_finding(&setup, finding, &secrets)).collect(),
            }
        };
        setup.files.iter().map(view).collect()
    }

    /// Texts that no page may show; a finding may quote what it is about.
    fn secrets(&self) -> BTreeSet<String> {
        let mut secrets = BTreeSet::new();
        for (name, text) in self.files.iter() {
            let mut sources = Sources::new();
            let file = sources.add(name.as_str(), text.as_str());
            for node in yaml::parse(&sources, file, &mut Diagnostics::new()) {
                secrets.extend(shown::secrets(&node));
            }
        }
        secrets
    }
}

fn of_finding(setup: &Setup, finding: &Finding, secrets: &BTreeSet<String>) -> Option<FindingView> {
    let problem = &finding.problem;
    let place = Place::of(&setup.sources, problem.span?);
    let without = |text: &str| {
        let hidden = |text: String, secret: &String| text.replace(secret.as_str(), shown::HIDDEN);
        secrets.iter().fold(text.to_owned(), hidden)
    };
    Some(FindingView {
        id: problem.id.to_owned(),
        severity: match problem.severity {
            Severity::Error => FindingSeverity::Error,
            Severity::Warning => FindingSeverity::Warning,
            Severity::Note => FindingSeverity::Note,
        },
        line: place.start.line,
        column: place.start.column,
        message: without(&problem.message),
        help: problem.help.as_deref().map(without),
    })
}
