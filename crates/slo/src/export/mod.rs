//! Objectives written down: in our own way, in everybody else's, as a page for people, as a dashboard.
//!
//! What a way of writing has no words for is an error of its own for each field; whoever writes leniently gets the
//! rest, and the errors as warnings.

mod google;
mod grafana;
mod markdown;
mod openslo;
mod own;
mod pyrra;
mod sloth;
mod text;
mod tree;

use bellwether_diag::{Diagnostic, Severity};

use crate::definition::Slo;

/// Ways of writing objectives down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Our own YAML.
    Own,
    /// OpenSLO v1.
    OpenSlo,
    /// Sloth's specification.
    Sloth,
    /// Pyrra's resource.
    Pyrra,
    /// Google Cloud Monitoring's JSON.
    GoogleCloud,
    /// A page for people.
    Markdown,
    /// A dashboard of Grafana.
    Grafana,
}

/// What was written, and what could not be.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The text.
    pub text: String,
    /// What is not in it.
    pub lost: Vec<Diagnostic>,
}

/// The kind of problem that something is which a format has no words for.
pub const NOT_EXPRESSED: &str = "not-expressed";

/// Writes objectives down.
pub fn write(slos: &[Slo], format: Format) -> Written {
    let mut lost = Lost { format: name(format), found: Vec::new() };
    let text = match format {
        Format::Own => own::file(slos).yaml(),
        Format::OpenSlo => documents(slos.iter().filter_map(|slo| openslo::slo(slo, &mut lost))),
        Format::Sloth => documents(sloth::files(slos, &mut lost)),
        Format::Pyrra => documents(slos.iter().filter_map(|slo| pyrra::slo(slo, &mut lost))),
        Format::GoogleCloud => google::file(slos, &mut lost).json(),
        Format::Markdown => markdown::page(slos),
        Format::Grafana => grafana::dashboard(slos).json(),
    };
    Written { text, lost: lost.found }
}

const fn name(format: Format) -> &'static str {
    match format {
        Format::Own => "this program",
        Format::OpenSlo => "OpenSLO",
        Format::Sloth => "Sloth",
        Format::Pyrra => "Pyrra",
        Format::GoogleCloud => "Google Cloud Monitoring",
        Format::Markdown => "a page",
        Format::Grafana => "Grafana",
    }
}

fn documents(trees: impl IntoIterator<Item = tree::Tree>) -> String {
    trees.into_iter().map(|tree| tree.yaml()).collect::<Vec<_>>().join("---\n")
}

/// What could not be written so far.
struct Lost {
    format: &'static str,
    found: Vec<Diagnostic>,
}

impl Lost {
    /// A field that is left out.
    fn field(&mut self, slo: &Slo, field: &str, why: &str) {
        let message = format!("{:?}: {} has no words for {field}", slo.id(), self.format);
        self.found.push(Diagnostic::error(NOT_EXPRESSED, slo.span, message).with_help(why));
    }

    /// A field that is there, but means something to this program only.
    fn kept_aside(&mut self, slo: &Slo, field: &str) {
        let message =
            format!("{:?}: {field} is kept in an annotation that only this program reads", slo.id());
        let problem =
            Diagnostic { severity: Severity::Warning, ..Diagnostic::error(NOT_EXPRESSED, slo.span, message) };
        self.found.push(problem);
    }

    /// Everything for people that a format has no fields for.
    fn about(&mut self, slo: &Slo) {
        let about = &slo.about;
        let fields = [
            ("its owner", !about.owner.is_empty()),
            ("its criticality", about.criticality.is_some()),
            ("its contacts", !about.contacts.is_empty()),
            ("its links", !about.links.is_empty()),
            ("its runbook", !about.runbook.is_empty()),
            ("what one would like to reach", slo.aspirational.is_some()),
        ];
        for (field, _) in fields.iter().filter(|(_, is_there)| *is_there) {
            self.field(slo, field, "write it where people look for it");
        }
    }

    /// Alerts that only this program knows.
    fn own_alerts(&mut self, slo: &Slo) {
        for alert in &slo.budget_alerts {
            self.field(
                slo,
                &format!("the alert {:?} on what is left of the budget", alert.name),
                "write a rule for it",
            );
        }
        for alert in &slo.threshold_alerts {
            self.field(slo, &format!("the alert {:?} without a budget", alert.name), "write a rule for it");
        }
    }
}
