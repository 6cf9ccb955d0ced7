//! The objectives that a configuration holds and names, read together: one may refer to what stands in another file.

use std::path::Path;

use bellwether_diag::{Cx, Diagnostic, Span};
use bellwether_model::TimeDelta;
use bellwether_slo::{Documents, Slo, Strictness};

use super::loader::Loader;
use super::outline::Section;

impl Loader {
    pub(super) fn load_slos(&mut self, sections: Vec<Section>, folder: &Path) -> Vec<Slo> {
        let mut documents = Documents::default();
        for section in sections {
            match section {
                Section::Inline(node) => {
                    documents.add_item(node, &mut Cx::new(&self.sources, &mut self.diagnostics));
                }
                Section::File(pattern) => {
                    for path in self.expand(&pattern.value, Some(pattern.span), folder) {
                        if let Some(file) = self.read_file(&path, Some(pattern.span)) {
                            documents.add_file(&self.sources, file, &mut self.diagnostics);
                        }
                    }
                }
            }
        }
        self.read_slos(&documents)
    }

    /// Reads the files of objectives that were checked, together: one may refer to what stands in another.
    pub fn check_objectives(&mut self) {
        let documents = std::mem::take(&mut self.objectives);
        self.read_slos(&documents);
    }

    /// The objectives of documents, however many files they came from.
    fn read_slos(&mut self, documents: &Documents) -> Vec<Slo> {
        let slos = documents.slos(&self.sources, Strictness::Strict, &mut self.diagnostics);
        let slos: Vec<Slo> = slos
            .into_iter()
            .map(|slo| Slo { origin: self.origin(slo.span), ..self.scrape_intervals.fit(slo) })
            .collect();
        self.diagnostics.extend(bellwether_slo::check_composites(&slos));
        self.slos.extend(slos.iter().cloned());
        if self.examine {
            self.diagnostics.extend(slos.iter().flat_map(bellwether_slo::examine));
        }
        slos
    }

    /// File and line, as people read them.
    fn origin(&self, span: Option<Span>) -> String {
        span.map_or_else(String::new, |span| {
            format!("{}:{}", self.sources.name(span.file), self.sources.position(span).line)
        })
    }

    /// Budgets reach back as far as their periods whatever samples are kept. What is computed from samples does not:
    /// the past of a new or changed objective, and every value over a whole period.
    pub(super) fn examine_reach(&mut self, slos: &[Slo], retention: TimeDelta) {
        for slo in slos.iter().filter(|_| self.examine) {
            let reach = slo.period.reach();
            let message = match slo.goal {
                // A month is hardly longer than thirty days.
                Some(_) if reach <= retention + TimeDelta::DAY => continue,
                None if reach <= retention => continue,
                Some(_) => format!(
                    "objective {:?} looks back {reach}, and samples are kept for {retention}: when it is new or \
                     changed, no more of its past can be counted",
                    slo.id()
                ),
                None => format!(
                    "objective {:?} looks back {reach}, and samples are kept for {retention}: its value is that of \
                     {retention}",
                    slo.id()
                ),
            };
            let help = format!("write storage: {{retention: {reach}}}, or a shorter window");
            self.diagnostics
                .push(Diagnostic::warning("slo-window-history", slo.span, message).with_help(help));
        }
    }
}
