//! The section `dashboards`: pages of panels, in files or in place.

use std::collections::BTreeMap;
use std::path::Path;

use bellwether_diag::{Cx, Diagnostic, Span};
use bellwether_web::view::Dashboard;

use super::loader::Loader;
use super::outline::Section;
use crate::dashboard;

impl Loader {
    /// All of them; two at one address are an error.
    pub(super) fn load_dashboards(&mut self, sections: Vec<Section>, folder: &Path) -> Vec<Dashboard> {
        let mut found: Vec<(Option<Span>, Dashboard)> = Vec::new();
        for section in sections {
            match section {
                Section::File(pattern) => {
                    for path in self.expand(&pattern.value, Some(pattern.span), folder) {
                        let Some(file) = self.read_file(&path, Some(pattern.span)) else { continue };
                        let read = dashboard::read(&self.sources, file, &mut self.diagnostics);
                        found.extend(read.map(|dashboard| (Some(Span::new(file, 0..0)), dashboard)));
                    }
                }
                Section::Inline(node) => {
                    let mut cx = Cx::new(&self.sources, &mut self.diagnostics);
                    let read = dashboard::read_node(&node, None, &mut cx);
                    found.extend(read.map(|dashboard| (Some(node.span), dashboard)));
                }
            }
        }
        let mut seen = BTreeMap::new();
        for (span, dashboard) in &found {
            if let Some(first) = seen.insert(dashboard.name.clone(), *span) {
                let message = format!("two dashboards are called {:?}", dashboard.name);
                let problem = Diagnostic::error("duplicate-dashboard", *span, message);
                let problem = problem.with_help("rename one of the files");
                self.diagnostics.push(match first {
                    Some(first) => problem.with_related(first, "the first one is here"),
                    None => problem,
                });
            }
        }
        found.into_iter().map(|(_, dashboard)| dashboard).collect()
    }
}
