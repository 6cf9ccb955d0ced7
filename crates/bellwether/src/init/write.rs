//! The first `bellwether.yml`: short, every line of it explained, and valid as it stands.

use std::fmt::Write as _;

use super::Proposal;

/// Where samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// A service's own page of metrics.
    Scrape {
        /// `http` or `https`.
        scheme: String,
        /// Host and port.
        address: String,
        /// The page's path.
        path: String,
    },
    /// A Prometheus, or what answers like one.
    Prometheus(String),
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverPlan {
    /// A webhook, such as the local receiver.
    Webhook(String),
    /// A Slack incoming webhook whose address stands in a file.
    SlackFile(String),
}

/// What the file will say.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where samples come from.
    pub samples: Samples,
    /// The service's name.
    pub service: String,
    /// Objectives.
    pub objectives: Vec<Proposal>,
    /// Who is told.
    pub receiver: ReceiverPlan,
}

impl Plan {
    /// The file.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# What Bellwether watches, what it promises, and who is told. Every field: docs/configuration.md.\n\
             # `bellwether check bellwether.yml` reads it; a running server reads it again on SIGHUP.\n\n",
        );
        self.samples(&mut text);
        self.slos(&mut text);
        self.routing(&mut text);
        text
    }

    fn samples(&self, text: &mut String) {
        let _ = match &self.samples {
            Samples::Scrape { scheme, address, path } => {
                let scheme =
                    if scheme == "http" { String::new() } else { format!("      scheme: {scheme}\n") };
                let path = if path == "/metrics" {
                    String::new()
                } else {
                    format!("      metrics_path: {}\n", quoted(path))
                };
                write!(
                    text,
                    "prometheus:                # or the name of your prometheus.yml\n  global: {{scrape_interval: 15s}}\n  \
                     scrape_configs:\n    - job_name: {}\n{scheme}{path}      static_configs:\n        - targets: [{}]\n\n",
                    quoted(&self.service),
                    quoted(address),
                )
            }
            Samples::Prometheus(url) => write!(
                text,
                "source:                    # samples are read from there, nothing is scraped\n  prometheus: {}\n\n",
                quoted(url)
            ),
        };
    }

    fn slos(&self, text: &mut String) {
        if self.objectives.is_empty() {
            text.push_str(
                "# Nothing that was seen is a request that succeeds or fails. Write what your users need, for example:\n\
                 # slos:\n#   - name: checkout\n#     goal: 99.9%\n#     window: 30d\n#     indicator:\n\
                 #       ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: 'http_requests_total'}\n\n",
            );
            return;
        }
        text.push_str("slos:                      # without `alerts:` each has four burn-rate alerts, scaled to its window\n");
        for objective in &self.objectives {
            let seen = match objective.so_far {
                Some(share) => format!(
                    "{:.2} % were good so far; that says nothing of outages still to come",
                    share * 100.0
                ),
                None => "nothing was counted yet; choose a goal your users would notice missing".to_owned(),
            };
            let _ = write!(
                text,
                "  - name: {}\n    service: {}\n    description: {}\n    goal: {}            # {seen}\n    window: 30d\n    \
                 min_bad_events: 10       # fewer failures than this wake nobody\n    indicator:\n      {}\n",
                quoted(&objective.name),
                quoted(&self.service),
                quoted(&objective.description),
                quoted(objective.goal),
                objective.indicator,
            );
        }
        text.push('\n');
    }

    fn routing(&self, text: &mut String) {
        text.push_str(
            "alertmanager:              # or the name of your alertmanager.yml\n  route:\n    receiver: team\n    \
             group_by: [service, slo]\n    group_wait: 10s\n    group_interval: 5m\n    repeat_interval: 4h\n  receivers:\n    \
             - name: team\n",
        );
        let _ = match &self.receiver {
            ReceiverPlan::Webhook(url) => write!(
                text,
                "      webhook_configs:\n        - {{url: {}, send_resolved: true}}\n",
                quoted(url)
            ),
            ReceiverPlan::SlackFile(file) => write!(
                text,
                "      slack_configs:       # the file holds the address of an incoming webhook, and nothing else\n        \
                 - {{api_url_file: {}, channel: '#alerts', send_resolved: true}}\n",
                quoted(file)
            ),
        };
    }
}

/// A text in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
