//! What the user typed: the commands, their flags, and their help.

pub mod alerts;
pub mod dashboard;
pub mod import;
pub mod init;
pub mod lint;
pub mod routes;
pub mod scenario;
pub mod silence;
pub mod slo;
pub mod tsdb;
pub mod workshop_check;

use std::path::PathBuf;

use bellwether_model::TimeDelta;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::workshop::System;

/// From a service's metrics to the right person acting, with an error budget in the middle.
#[derive(Debug, Parser)]
#[command(name = "bellwether", version, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Printed under every help page.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it could not be done: a server did not answer, a port is taken, a disk is full; or a test failed, or lint found something
  2  what was given is wrong: a flag, a file, a query; every problem is listed
  3  check --lint-fatal: there are warnings, and no errors";

/// One command, one file under `commands/`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch targets, keep budgets, send alerts
    Serve(Serve),
    /// Start a real service, real traffic, and Bellwether watching it
    Demo(Demo),
    /// Write a first configuration: looks at what a service exposes, and proposes objectives
    Init(init::Init),
    /// Read configuration files and report every mistake in them
    Check(Check),
    /// Find what is wrong with a whole setup: rules, objectives, routes, templates and documents together
    Lint(lint::Lint),
    /// Bring in history that somebody else measured: a Prometheus server's data, or text
    #[command(subcommand)]
    Import(import::Import),
    /// Dashboards: what is in their files
    #[command(subcommand)]
    Dashboard(dashboard::Dashboard),
    /// Run unit tests of rules, in promtool's format
    Test(Test),
    /// Evaluate a PromQL expression on a running server
    Query(Query),
    /// Objectives and their error budgets
    #[command(subcommand)]
    Slo(slo::Slo),
    /// Try a probe once, now, and show what it finds
    Probe(ProbeNow),
    /// The tree of routes, and who hears of an alert with given labels
    #[command(subcommand)]
    Routes(routes::Routes),
    /// Alerts that are active on a running server
    Alerts(Alerts),
    /// Why somebody was or was not told of an alert, or what would happen to labels
    Explain(alerts::Explain),
    /// Take an alert: it is not repeated while somebody has it
    Ack(alerts::Ack),
    /// Give an alert back: it is repeated again
    Unack(alerts::Handle),
    /// End an alert by hand: it fires again only after its condition has cleared
    Resolve(alerts::Handle),
    /// Write something down about an alert
    Note(alerts::Note),
    /// Say whether an alert was right
    Mark(alerts::Mark),
    /// Messages: what was sent to whom, why, and what came back
    Deliveries(alerts::Deliveries),
    /// Send a test message the way real ones go and show what comes back
    Drill(alerts::Drill),
    /// How well alerts and receivers serve
    Stats(alerts::Stats),
    /// Add, list and expire silences on a running server
    #[command(subcommand)]
    Silence(silence::Silence),
    /// Copy everything in a data directory, of a running server or without one; a server can be started on it
    Snapshot(tsdb::Snapshot),
    /// The store's files
    #[command(subcommand)]
    Tsdb(tsdb::Tsdb),
    /// Play a small world that misbehaves on cue: its faults, alerts and messages, under a virtual clock
    #[command(subcommand)]
    Scenario(scenario::Scenario),
    /// The Movie Guru service and its users, each alone
    #[command(subcommand)]
    Workshop(Workshop),
}

/// Flags of `serve`.
#[derive(Args, Debug)]
pub struct Serve {
    /// The configuration; `{}` is a valid one
    #[arg(long, value_name = "FILE", default_value = "bellwether.yml")]
    pub config: PathBuf,
    /// Where samples, the ledger and the state are kept; made if missing
    #[arg(long, value_name = "DIR", default_value = "bellwether-data")]
    pub data: PathBuf,
    /// Where the state is kept instead of in DIR: a PostgreSQL database, postgres://USER:PASSWORD@HOST:5432/DATABASE
    #[arg(long, value_name = "URL", env = "BELLWETHER_STATE", hide_env_values = true)]
    pub state: Option<String>,
    /// Let POST /api/v1/admin/tsdb/snapshot make copies of all data, and imports hand history over
    #[arg(long, alias = "web.enable-admin-api")]
    pub enable_admin_api: bool,
    /// Address of pages and API
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9999")]
    pub listen: String,
    /// Serve Alertmanager's API at this address too, v1 among it, such as 127.0.0.1:9093
    #[arg(long, value_name = "ADDR")]
    pub alertmanager_listen: Option<String>,
    /// Bounds on queries.
    #[command(flatten)]
    pub queries: QueryFlags,
}

/// Bounds on queries, of pages and API alike.
#[derive(Args, Debug)]
#[command(next_help_heading = "Queries")]
pub struct QueryFlags {
    /// The longest a query may take, waiting included
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    pub query_timeout: TimeDelta,
    /// Queries evaluated at once; the rest wait
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    pub query_concurrency: usize,
    /// How old a sample an instant selector accepts
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub query_lookback: TimeDelta,
    /// Samples that one query may hold in memory
    #[arg(long, value_name = "N", default_value_t = 50_000_000)]
    pub query_samples_max: u64,
    /// Memory that one query may hold, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub query_memory_max_mib: u64,
    /// Write every query to the log
    #[arg(long)]
    pub query_log: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a number from 1 on".to_owned()),
        Ok(n) => Ok(n),
    }
}

/// Flags of `demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// Address of pages and API
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9999")]
    pub listen: String,
    /// Address of the Movie Guru service
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9998")]
    pub mock_listen: String,
    /// Address of the receiver; it lists what arrived at GET /messages
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9997")]
    pub receiver_listen: String,
    /// Where to keep data; without it, a temporary folder that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Simulated users
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub users: u32,
}

/// Flags of `check`.
#[derive(Args, Debug)]
pub struct Check {
    /// bellwether.yml, objectives of any dialect, rule files and their tests, alertmanager.yml, prometheus.yml; told apart by their contents
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What else to look for in rules
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub lint: Lint,
    /// Fail with exit code 3 when there are warnings
    #[arg(long)]
    pub lint_fatal: bool,
    /// Only warn of unknown fields in rule files
    #[arg(long)]
    pub ignore_unknown_fields: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What `check` looks for in rules that are allowed, but probably a mistake. The words are promtool's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Lint {
    /// Everything
    #[default]
    All,
    /// Rules that appear twice
    DuplicateRules,
    /// Nothing
    None,
}

/// Flags of `test`.
#[derive(Args, Debug)]
pub struct Test {
    /// Files of tests; they name the rule files they are about
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Run only tests whose name this regular expression matches; may be given more than once
    #[arg(long, value_name = "REGEX")]
    pub run: Vec<String>,
    /// Write the results to a file, in JUnit's XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Which rules to list with what the tests made them do; the missing ones, unless --run is given
    #[arg(long, value_enum, value_name = "WHICH")]
    pub coverage: Option<CoverageShown>,
    /// Fail when fewer rules than this are exercised
    #[arg(long, value_name = "PERCENT")]
    pub coverage_min: Option<f64>,
    /// Only warn of unknown fields in test and rule files
    #[arg(long)]
    pub ignore_unknown_fields: bool,
    /// Show the series behind what is not as expected
    #[arg(long)]
    pub explain: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Which rules are listed with what the tests made them do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CoverageShown {
    /// Those that no test makes record or fire
    Missing,
    /// All
    All,
    /// None
    None,
}

/// Where a running server is, and how to print what it says.
#[derive(Args, Debug)]
pub struct Remote {
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9999")]
    pub server: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Flags of `query`.
#[derive(Args, Debug)]
pub struct Query {
    /// The PromQL expression
    pub expression: String,
    /// Evaluate at this moment (RFC 3339 or Unix seconds) instead of now
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Evaluate over this length of time before the moment
    #[arg(long, value_name = "DURATION")]
    pub range: Option<TimeDelta>,
    /// Distance of two points of the range
    #[arg(long, value_name = "DURATION", requires = "range")]
    pub step: Option<TimeDelta>,
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9999")]
    pub server: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: QueryFormat,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// For people
    #[default]
    #[value(alias = "text")]
    Table,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
}

/// Flags of `probe`.
#[derive(Args, Debug)]
pub struct ProbeNow {
    /// Name of a probe of the configuration; or http, tcp, dns, grpc, to ask the target that follows
    #[arg(value_name = "NAME|KIND")]
    pub what: String,
    /// A URL for http, host:port for the others
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// The configuration that defines the probe
    #[arg(long, value_name = "FILE", default_value = "bellwether.yml")]
    pub config: PathBuf,
    /// dns: the name to ask for
    #[arg(long, value_name = "NAME", requires = "target")]
    pub query: Option<String>,
    /// dns: the type of record to ask for
    #[arg(long = "type", value_name = "TYPE", requires = "target")]
    pub record_type: Option<String>,
    /// grpc: the service to ask for; without it, the server as a whole
    #[arg(long, value_name = "NAME", requires = "target")]
    pub service: Option<String>,
    /// How long the attempt may take
    #[arg(long, value_name = "DURATION", default_value = "10s", requires = "target")]
    pub timeout: TimeDelta,
    /// Status that is good: 200, 2xx, 200-299, or NOT_SERVING of grpc; may be given more than once
    #[arg(long, value_name = "STATUS", requires = "target")]
    pub status: Option<Vec<String>>,
    /// What the answer must contain; may be given more than once
    #[arg(long, value_name = "TEXT", requires = "target")]
    pub contains: Vec<String>,
    /// The attempt must take less than this
    #[arg(long, value_name = "DURATION", requires = "target")]
    pub latency_below: Option<TimeDelta>,
    /// Certificates must be valid for longer than this
    #[arg(long, value_name = "DURATION", requires = "target")]
    pub tls_expires_after: Option<TimeDelta>,
    /// Encrypt the connection; a URL says it itself
    #[arg(long, requires = "target")]
    pub tls: bool,
    /// Who may vouch for the server, instead of those the system trusts
    #[arg(long, value_name = "FILE", requires = "target")]
    pub ca_file: Option<PathBuf>,
    /// Take any certificate
    #[arg(long, requires = "target")]
    pub insecure: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Flags of `alerts`.
#[derive(Args, Debug)]
pub struct Alerts {
    /// Only alerts with this severity
    #[arg(long, value_name = "NAME")]
    pub severity: Option<String>,
    /// Exit with code 1 when a critical alert fires
    #[arg(long)]
    pub check: bool,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}

/// Subcommands of `workshop`.
#[derive(Debug, Subcommand)]
pub enum Workshop {
    /// The service of a system: answers requests, exposes /metrics, and misbehaves as POST /faults says
    Mock {
        /// Which; s002, Movie Guru, has a phase as well
        #[arg(value_enum, value_name = "SYSTEM", default_value = "s002")]
        system: System,
        /// Where it listens; further targets of the system are at the ports that follow
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9998")]
        listen: String,
        /// Challenge of the workshop whose phase s002 starts in: 1, 5, 6 or 7
        #[arg(long, value_name = "N", default_value_t = 5)]
        phase: u8,
    },
    /// Its frontend: two instances whose page names the backend; POST /v2/backend deploys another address
    Frontend {
        /// Where it listens
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9996")]
        listen: String,
        /// The backend's address, as the page names it
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9998")]
        backend: String,
        /// Begin as challenge 7 does: v2 names a backend that does not exist
        #[arg(long)]
        broken: bool,
    },
    /// Users that send requests to a system
    Load {
        /// Whose users they are
        #[arg(value_enum, value_name = "SYSTEM", default_value = "s002")]
        system: System,
        /// The service
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9998")]
        target: String,
        /// How many users at the peak
        #[arg(long, value_name = "N", default_value_t = 3)]
        users: u32,
        /// How many users start each second
        #[arg(long, value_name = "RATE", default_value_t = 1.0)]
        spawn_rate: f64,
        /// Stop after this long; without it, run until interrupted
        #[arg(long, value_name = "DURATION")]
        run_time: Option<TimeDelta>,
        /// Serve a page that starts and stops them, such as 127.0.0.1:8089; nobody starts before its form is sent
        #[arg(long, value_name = "ADDR")]
        page: Option<String>,
        /// Start at once, although there is a page
        #[arg(long, requires = "page")]
        autostart: bool,
    },
    /// Put the running service into the phase of a challenge
    Phase {
        /// Challenge of the workshop: 1, 5, 6 or 7
        #[arg(value_name = "N")]
        challenge: u8,
        /// The service
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9998")]
        target: String,
    },
    /// What of a challenge is met, going by your notes and a running server
    Check(workshop_check::WorkshopCheck),
    /// A local receiver: stands in for Slack, PagerDuty, a ticket system and a mail server, and prints what it takes
    Receiver {
        /// Where it listens
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9997")]
        listen: String,
        /// Where it listens for mail too, such as 127.0.0.1:2525
        #[arg(long, value_name = "ADDR")]
        smtp_listen: Option<String>,
    },
}
