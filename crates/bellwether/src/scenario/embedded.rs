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
    "s002/repaired/alertmanager.yml",
    "s002/repaired/bellwether.yml",
    "s002/repaired/prometheus.yml",
    "s002/repaired/slos.yml",
    "s002/scenario.yml",
    "s003/as-written/alert-rules.yml",
    "s003/as-written/alertmanager.yml",
    "s003/as-written/recording-rules.yml",
    "s003/as-written/slos/api-availability.yml",
    "s003/as-written/slos/authentication-error-rate.yml",
    "s003/as-written/slos/health-check-availability.yml",
    "s003/as-written/slos/http-error-rate.yml",
    "s003/as-written/slos/http-request-latency.yml",
    "s003/as-written/slos/request-throughput.yml",
    "s003/as-written/slos/streaming-connection-throughput.yml",
    "s003/as-written/slos/streaming-response-latency.yml",
    "s003/as-written/slos/tool-execution-error-rate.yml",
    "s003/as-written/slos/tool-execution-latency.yml",
    "s003/repaired/alert-rules.yml",
    "s003/repaired/alertmanager.yml",
    "s003/repaired/bellwether.yml",
    "s003/repaired/prometheus.yml",
    "s003/repaired/recording-rules.yml",
    "s003/repaired/slos.yml",
    "s003/scenario.yml",
    "s003/variants/alert-rules-in-a-group.yml",
    "s004/as-written/cause-alert.yml",
    "s004/as-written/config/alertmanager/alertmanager.yml",
    "s004/as-written/config/prometheus/alerting_rules.yml",
    "s004/as-written/symptom-alerts.yml",
    "s004/repaired/bellwether.yml",
    "s004/repaired/config/alertmanager/alertmanager.yml",
    "s004/repaired/config/prometheus/alerting_rules.yml",
    "s004/repaired/config/prometheus/prometheus.yml",
    "s004/repaired/config/prometheus/recording_rules.yml",
    "s004/repaired/config/prometheus/scrape.yml",
    "s004/repaired/config/prometheus/symptom_rules.yml",
    "s004/repaired/slos.yml",
    "s004/scenario.yml",
    "s004/variants/alerting_rules-in-prometheus.yml",
    "s004/variants/symptom-alerts-in-a-group.yml",
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
