//! Flags of `init`.

use std::path::PathBuf;

use clap::Args;

/// Flags of `init`.
#[derive(Args, Debug)]
pub struct Init {
    /// Ask nothing: take what the flags say, and the usual for everything else
    #[arg(long, short)]
    pub yes: bool,
    /// The page of metrics of your service, such as http://localhost:8080/metrics
    #[arg(long, value_name = "URL", conflicts_with = "prometheus")]
    pub metrics: Option<String>,
    /// A Prometheus that scrapes your service already, or what answers like one
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<String>,
    /// Only what has these labels there: 'job="shop"'
    #[arg(long, value_name = "MATCHERS", requires = "prometheus")]
    pub select: Option<String>,
    /// What your service is called
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Where alerts are posted
    #[arg(long, value_name = "URL", conflicts_with = "slack_webhook_file")]
    pub webhook: Option<String>,
    /// The file that holds the address of a Slack incoming webhook
    #[arg(long, value_name = "FILE")]
    pub slack_webhook_file: Option<String>,
    /// The file to write; one that is there is never overwritten
    #[arg(long, value_name = "FILE", default_value = "bellwether.yml")]
    pub out: PathBuf,
    /// Print it instead of writing a file
    #[arg(long)]
    pub print: bool,
}
