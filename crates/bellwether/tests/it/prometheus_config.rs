//! `prometheus.yml` files that Prometheus accepts are accepted, or what is missing is named; those that it refuses are
//! refused.

use std::path::Path;

use bellwether::config::{Loaded, load_text};
use bellwether_diag::{Severity, Style};
use bellwether_testkit::cases;

fn load(path: &Path) -> Loaded {
    load_text("bellwether.yml", &format!("prometheus: {}\n", path.display()))
}

/// What we do not have says so by its name.
fn is_missing(message: &str) -> bool {
    let is_known = message.contains("is Prometheus', but Bellwether");
    is_known
        && ["_sd_configs", "remote_write", "remote_read", "percentage"]
            .iter()
            .any(|name| message.contains(name))
}

#[test]
fn files_of_prometheus_are_taken_as_it_takes_them() {
    let Some(folder) = cases::conformance("prometheus-config") else { return };
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut wrong, mut ran) = (Vec::new(), 0);
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yml")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let loaded = load(path);
        let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        let unexpected: Vec<String> =
            errors.map(|error| error.sentence()).filter(|sentence| !is_missing(sentence)).collect();
        let is_refused = loaded.diagnostics.has_errors();
        let is_bad = name.contains(".bad.") || name.contains(".incompatible.");
        // A rule file that is not there is a mistake here, and none there.
        let unexpected: Vec<_> =
            unexpected.into_iter().filter(|sentence| !sentence.contains("there is no such file")).collect();
        if is_bad != is_refused && (is_bad || !unexpected.is_empty()) || !is_bad && !unexpected.is_empty() {
            wrong.push(format!(
                "{name}: {}",
                loaded.diagnostics.render(&loaded.sources, Style { color: false })
            ));
        }
        ran += 1;
    }
    cases::ran("conformance/prometheus-config", ran);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
