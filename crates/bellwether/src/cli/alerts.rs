//! Flags of the commands about alerts and messages. An ALERT is a fingerprint, the beginning of one, or a name.

use bellwether_model::TimeDelta;
use bellwether_web::view::DeliveryOutcome;
use clap::{Args, ValueEnum};

use super::Remote;

/// Flags of `explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// Name or fingerprint of an alert, fired or not; or label pairs such as alertname=X severity=critical
    #[arg(required = true, value_name = "ALERT|LABEL=VALUE")]
    pub what: Vec<String>,
    /// Show the routes that were not taken as well
    #[arg(long)]
    pub routes: bool,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}

/// Which alert, and who does something to it.
#[derive(Args, Debug)]
pub struct Subject {
    /// Fingerprint, beginning of one, or name
    #[arg(value_name = "ALERT", required_unless_present = "group", conflicts_with = "group")]
    pub alert: Option<String>,
    /// All alerts of a group that fire, by its key or its labels
    #[arg(long, value_name = "KEY|LABELS")]
    pub group: Option<String>,
    /// Who
    #[arg(long, short, env = "USER", default_value = "unknown")]
    pub author: String,
}

/// Flags of `ack`.
#[derive(Args, Debug)]
pub struct Ack {
    /// Which.
    #[command(flatten)]
    pub subject: Subject,
    /// For how long; without it, until the alert is over
    #[arg(long = "for", visible_alias = "duration", value_name = "DURATION")]
    pub length: Option<TimeDelta>,
    /// What others should know
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}

/// Flags of `unack` and `resolve`.
#[derive(Args, Debug)]
pub struct Handle {
    /// Which.
    #[command(flatten)]
    pub subject: Subject,
    /// What others should know
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}

/// Flags of `note`.
#[derive(Args, Debug)]
pub struct Note {
    /// Fingerprint, beginning of one, or name
    #[arg(value_name = "ALERT")]
    pub alert: String,
    /// What to write down
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Who
    #[arg(long, short, env = "USER", default_value = "unknown")]
    pub author: String,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}

/// Flags of `mark`.
#[derive(Args, Debug)]
pub struct Mark {
    /// Which.
    #[command(flatten)]
    pub subject: Subject,
    /// Nothing was wrong
    #[arg(long, required_unless_present = "real", conflicts_with = "real")]
    pub false_positive: bool,
    /// Something was wrong
    #[arg(long)]
    pub real: bool,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}

/// Flags of `deliveries`.
#[derive(Args, Debug)]
pub struct Deliveries {
    /// Show one message with all its attempts: its ID, or the beginning of it
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Only to this receiver
    #[arg(long, value_name = "NAME")]
    pub receiver: Option<String>,
    /// Only those that speak of this alert: fingerprint, beginning of one, or name
    #[arg(long, value_name = "ALERT")]
    pub alert: Option<String>,
    /// Only those that stand so
    #[arg(long, value_enum, value_name = "STATUS")]
    pub status: Option<Status>,
    /// Only those decided within this time
    #[arg(long, value_name = "DURATION")]
    pub since: Option<TimeDelta>,
    /// At most so many, the newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// Decided and on its way
    Pending,
    /// Tried without success, to be tried again
    Retrying,
    /// Taken by the receiver
    Delivered,
    /// Given up
    Failed,
    /// Replaced by a later message, or nothing was left to say
    Superseded,
}

impl Status {
    /// As the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Retrying => "retrying",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }

    /// As the command line names an outcome.
    pub const fn of(outcome: DeliveryOutcome) -> Self {
        match outcome {
            DeliveryOutcome::Pending => Self::Pending,
            DeliveryOutcome::Retrying => Self::Retrying,
            DeliveryOutcome::Delivered => Self::Delivered,
            DeliveryOutcome::Failed => Self::Failed,
            DeliveryOutcome::Superseded => Self::Superseded,
        }
    }
}

/// Flags of `drill`.
#[derive(Args, Debug)]
pub struct Drill {
    /// The receiver to test
    #[arg(value_name = "RECEIVER", required_unless_present = "all", conflicts_with = "all")]
    pub receiver: Option<String>,
    /// Test all receivers
    #[arg(long)]
    pub all: bool,
    /// Who; the message says so
    #[arg(long, short, env = "USER", default_value = "unknown")]
    pub author: String,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}

/// Flags of `stats`.
#[derive(Args, Debug)]
pub struct Stats {
    /// Over this time until now
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    pub since: TimeDelta,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}
