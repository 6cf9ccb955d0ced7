//! Who is told: the routing configuration, and the template files that it names.

use std::path::Path;

use bellwether_alerts::{Config as Routing, MessageTexts, TemplateFiles};
use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Diagnostics, FileId};

use super::loader::{Loader, folder_of};
use super::outline::Section;

/// A file of templates.
#[derive(Clone, Debug)]
pub struct TemplateFile {
    /// Its name, as error messages give it.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Loader {
    pub(super) fn load_routing(
        &mut self,
        section: Option<Section>,
        folder: &Path,
    ) -> (Option<Routing>, Vec<TemplateFile>) {
        match section {
            None => (Some(Routing::nobody()), Vec::new()),
            Some(Section::Inline(node)) => {
                let mut config = self.decode_node::<Routing>(&node);
                let templates = self.load_templates(&node, folder);
                config.iter_mut().for_each(|config| self.resolve_files(config.secret_files_mut(), folder));
                (config, templates)
            }
            Some(Section::File(name)) => {
                let path = folder.join(&name.value);
                let Some(file) = self.read_file(&path, Some(name.span)) else { return (None, Vec::new()) };
                self.show(file);
                self.decode_routing(file, &folder_of(&path))
            }
        }
    }

    pub(super) fn decode_routing(
        &mut self,
        file: FileId,
        folder: &Path,
    ) -> (Option<Routing>, Vec<TemplateFile>) {
        let mut config: Option<Routing> = self.decode(file);
        config.iter_mut().for_each(|config| self.resolve_files(config.secret_files_mut(), folder));
        // Its problems of form have just been reported.
        let documents = yaml::parse(&self.sources, file, &mut Diagnostics::new());
        let templates = documents.first().map(|document| self.load_templates(document, folder));
        (config, templates.unwrap_or_default())
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
