//! An objective as text: our own YAML, and the rules that Prometheus would need for the same.

use bellwether_diag::{Diagnostics, Sources};
use bellwether_slo::export::{self, Format};
use bellwether_slo::generate::{self, GenerateOptions};
use bellwether_slo::{Documents, Slo, Strictness};
use bellwether_web::view::DefinitionView;

/// Writes an objective down. The rules are made of what is written, so that the page shows nothing that the file would
/// not give.
pub fn view(slo: &Slo) -> DefinitionView {
    let yaml = export::write(std::slice::from_ref(slo), Format::Own).text;
    let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
    let file = sources.add(slo.id(), yaml.as_str());
    let mut documents = Documents::default();
    documents.add_file(&sources, file, &mut found);
    let options = GenerateOptions { strictness: Strictness::Lenient, ..GenerateOptions::default() };
    let made = generate::generate(&documents, &sources, &options, &mut found);
    let rules = match made.iter().any(|document| document.groups.iter().any(|group| !group.rules.is_empty()))
    {
        true => generate::to_yaml(&made, ""),
        false => String::new(),
    };
    DefinitionView { yaml, rules, notes: found.iter().map(|problem| problem.message.clone()).collect() }
}
