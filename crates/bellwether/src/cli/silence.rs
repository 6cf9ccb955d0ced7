//! Flags of `silence`.

use std::path::PathBuf;

use bellwether_model::TimeDelta;
use clap::Subcommand;

use super::Remote;

/// Subcommands of `silence`.
#[derive(Debug, Subcommand)]
pub enum Silence {
    /// Stop notifications for alerts whose labels match
    Add {
        /// Matchers such as alertname=HighLatency or 'job=~"api|web"'
        #[arg(required = true, value_name = "MATCHER")]
        matchers: Vec<String>,
        /// For how long
        #[arg(long, visible_alias = "for", value_name = "DURATION", default_value = "1h")]
        duration: TimeDelta,
        /// Why
        #[arg(long, short)]
        comment: String,
        /// Who
        #[arg(long, short, env = "USER", default_value = "unknown")]
        author: String,
        /// What else is to be said of it, such as ticket=OPS-7; may be repeated
        #[arg(long = "annotation", value_name = "NAME=VALUE", value_parser = annotation)]
        annotations: Vec<(String, String)>,
        /// The server
        #[command(flatten)]
        remote: Remote,
    },
    /// Silences that are active or pending
    List {
        /// Show expired ones too
        #[arg(long)]
        expired: bool,
        /// The server
        #[command(flatten)]
        remote: Remote,
    },
    /// Change until when a silence holds, or why; what is not given stays
    Update {
        /// Its identifier
        #[arg(value_name = "ID")]
        id: String,
        /// For how long from now on
        #[arg(long, visible_alias = "for", value_name = "DURATION")]
        duration: Option<TimeDelta>,
        /// Why
        #[arg(long, short)]
        comment: Option<String>,
        /// Who
        #[arg(long, short)]
        author: Option<String>,
        /// The server
        #[command(flatten)]
        remote: Remote,
    },
    /// Which firing alerts a silence would hide now
    Preview {
        /// Matchers such as alertname=HighLatency or 'job=~"api|web"'
        #[arg(required = true, value_name = "MATCHER")]
        matchers: Vec<String>,
        /// The server
        #[command(flatten)]
        remote: Remote,
    },
    /// Print silences as `amtool silence query -o json` does
    Export {
        /// Expired ones too
        #[arg(long)]
        expired: bool,
        /// The server's address
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9999")]
        server: String,
    },
    /// Make or change the silences of a file that `export` or amtool wrote; without one, of standard input
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// The server
        #[command(flatten)]
        remote: Remote,
    },
    /// End silences now
    Expire {
        /// Their identifiers
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// The server
        #[command(flatten)]
        remote: Remote,
    },
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write a name and a value, such as ticket=OPS-7".to_owned()),
    }
}
