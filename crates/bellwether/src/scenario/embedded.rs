//! The scenarios that come with the program: their files are part of it, so that they run anywhere.

use std::path::{Path, PathBuf};

use super::load::{Place, Texts};

/// The folder of the project that they come from, as their files are called in messages.
const FOLDER: &str = "scenarios";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// Every file, by its path below the folder.
        pub const FILES: &[(&str, &str)] =
            &[$(($path, include_str!(concat!("../../../../scenarios/", $path)))),*];
    };
}

files! {
    "s000/as-written/alertmanager/config.yml",
    "s000/as-written/prometheus.alerting.yml",
    "s000/as-written/prometheus.rule_files.yml",
    "s000/as-written/prometheus/rules.yml",
    "s000/repaired/alertmanager/config.yml",
    "s000/repaired/bellwether.yml",
    "s000/repaired/prometheus/prometheus.yml",
    "s000/repaired/prometheus/rules.yml",
    "s000/repaired/slos.yml",
    "s000/scenario.yml",
    "s001/as-written/docker/alert_rules.yml",
    "s001/as-written/docker/alertmanager.yml",
    "s001/repaired/bellwether.yml",
    "s001/repaired/docker/alert_rules.yml",
    "s001/repaired/docker/alertmanager.yml",
    "s001/repaired/docker/prometheus.yml",
    "s001/repaired/docker/templates/websocket.tmpl",
    "s001/scenario.yml",
    "s001/variants/high-error-rate-per-minute.yml",
}

/// The names of all of them, in order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> =
        FILES.iter().filter_map(|(path, _)| path.strip_suffix("/scenario.yml")).collect();
    names.sort_unstable();
    names
}

/// Where a scenario is read from by its name.
pub fn find(name: &str) -> Option<Place> {
    names()
        .contains(&name)
        .then(|| Place { file: Path::new(FOLDER).join(name).join("scenario.yml"), texts: texts() })
}

fn texts() -> Texts {
    FILES.iter().map(|(path, text)| (PathBuf::from(FOLDER).join(path), *text)).collect()
}
