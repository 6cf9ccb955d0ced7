//! Who is told: the routing configuration, and the template files that it names.

use std::path::Path;

use bellwether_alerts::{Config as Routing, MessageTexts, TemplateFiles};
use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Diagnostics, FileId};

use super::loader::{Loader, folder_of};
use super::outline::Section;
use super::shown;

/// The routing configuration as others may see it.
#[derive(Clone, Debug)]
pub struct RoutingShown {
    /// As YAML, without secrets, in a form that Alertmanager's tools read.
    pub text: String,
    /// Names of the receivers, in the order of the file.
    pub receivers: Vec<String>,
}

impl RoutingShown {
    fn of(config: &Routing, document: &Node) -> Self {
        let receivers = document.get("receivers").and_then(Node::as_sequence).unwrap_or_default();
        let name = |receiver: &Node| receiver.get("name").and_then(Node::as_text).map(str::to_owned);
        Self {
            text: shown::yaml_without(&config.secret_spans, document),
            receivers: receivers.iter().filter_map(name).collect(),
        }
    }

    /// Where nothing is configured.
    fn nobody(config: &Routing) -> Self {
        let name = &config.route.receiver;
        let text = format!("route:\n  receiver: {name}\nreceivers:\n- name: {name}\n");
        Self { text, receivers: vec![name.clone()] }
    }
}

/// What is read of routing: the configuration if it is good, how it is shown, and the files of templates.
pub(super) struct LoadedRouting {
    pub(super) config: Option<(Routing, RoutingShown)>,
    pub(super) templates: Vec<TemplateFile>,
}

/// A file of templates.
#[derive(Clone, Debug)]
pub struct TemplateFile {
    /// Its name, as error messages give it.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Loader {
    pub(super) fn load_routing(&mut self, section: Option<Section>, folder: &Path) -> LoadedRouting {
        match section {
            None => {
                let config = Routing::nobody();
                let shown = RoutingShown::nobody(&config);
                LoadedRouting { config: Some((config, shown)), templates: Vec::new() }
            }
            Some(Section::Inline(node)) => {
                let config = self.decode_node::<Routing>(&node);
                self.loaded(config, Some(&node), folder)
            }
            Some(Section::File(name)) => {
                let path = folder.join(&name.value);
                let Some(file) = self.read_file(&path, Some(name.span)) else {
                    return LoadedRouting { config: None, templates: Vec::new() };
                };
                self.show(file);
                self.decode_routing(file, &folder_of(&path))
            }
        }
    }

    pub(super) fn decode_routing(&mut self, file: FileId, folder: &Path) -> LoadedRouting {
        let config: Option<Routing> = self.decode(file);
        // Its problems of form have just been reported.
        let documents = yaml::parse(&self.sources, file, &mut Diagnostics::new());
        self.loaded(config, documents.first(), folder)
    }

    fn loaded(
        &mut self,
        mut config: Option<Routing>,
        document: Option<&Node>,
        folder: &Path,
    ) -> LoadedRouting {
        config.iter_mut().for_each(|config| self.resolve_files(config.secret_files_mut(), folder));
        let templates = document.map(|document| self.load_templates(document, folder)).unwrap_or_default();
        let config = config.zip(document).map(|(config, document)| {
            let shown = RoutingShown::of(&config, document);
            (config, shown)
        });
        LoadedRouting { config, templates }
    }

    /// Reads the template files that a routing configuration names and reports what is wrong with them and with the
    /// texts in the configuration itself.
    fn load_templates(&mut self, document: &Node, folder: &Path) -> Vec<TemplateFile> {
        let texts = MessageTexts::find(document);
        let (mut files, mut is_complete) = (Vec::new(), true);
        for pattern in &texts.patterns {
            for path in self.expand(pattern.as_text().unwrap_or_default(), Some(pattern.span), folder) {
                let file = self.read_file(&path, Some(pattern.span));
                is_complete &= file.is_some();
                files.extend(file);
            }
        }
        texts.check(TemplateFiles { files: &files, is_complete }, &self.sources, &mut self.diagnostics);
        let read = |file| TemplateFile {
            name: self.sources.name(file).to_owned(),
            text: self.sources.text(file).to_owned(),
        };
        files.into_iter().map(read).collect()
    }
}
