//! `scrape_config_files` of `prometheus.yml`: files with more jobs, and the files that jobs name in their turn.

use std::path::Path;

use bellwether_diag::Cx;
use bellwether_diag::yaml;

use super::loader::{Loader, folder_of};
use super::prometheus::{PrometheusConfig, ScrapeJob};

impl Loader {
    /// Adds the jobs of all files that are named. A pattern without a file is none's mistake, as in Prometheus.
    pub(super) fn load_scrape_config_files(&mut self, config: &mut PrometheusConfig, folder: &Path) {
        for pattern in config.scrape_config_files.clone() {
            for path in self.expand(&pattern.value, Some(pattern.span), folder) {
                let Some(file) = self.read_file(&path, Some(pattern.span)) else { continue };
                self.show(file);
                let documents = yaml::parse(&self.sources, file, &mut self.diagnostics);
                let Some(document) = documents.first().filter(|document| !document.is_null()) else {
                    continue;
                };
                let added = {
                    let mut cx = Cx::new(&self.sources, &mut self.diagnostics);
                    if let Some(second) = documents.get(1) {
                        let help = "put each in a file of its own";
                        cx.error_help(second.span, "the file has more than one document", help);
                    }
                    config.add_file(document, &mut cx)
                };
                self.resolve_job_files(&mut config.jobs[added..], &folder_of(&path));
            }
        }
    }

    /// Makes the names of files that jobs read later independent of the working directory.
    pub(super) fn resolve_job_files(&mut self, jobs: &mut [ScrapeJob], folder: &Path) {
        for job in jobs {
            let (files, secrets) = job.files_mut();
            for file in files {
                *file = folder.join(&*file).display().to_string();
            }
            self.resolve_files(secrets, folder);
        }
    }
}
