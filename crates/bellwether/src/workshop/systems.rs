//! The five systems that users can be sent to: which calls each answers, what its users do, and which of its metrics say
//! how a call ends and how long it takes.

use std::time::Duration;

use super::load_mix;
use super::{Endpoint, Task};

/// A system that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum System {
    /// Login of a game
    S000,
    /// WebSocket service
    S001,
    /// Movie Guru
    S002,
    /// Task MCP HTTP server
    S003,
    /// Inference gateway
    S004,
}

/// A call: method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Such as `POST`.
    pub method: &'static str,
    /// Such as `/login`.
    pub path: &'static str,
}

/// A call of a simulated service, and which of its metrics say how it ends.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// Which.
    pub call: Call,
    /// How often a user makes it, relative to the others.
    pub weight: u32,
    /// The service of the scenario.
    pub service: &'static str,
    /// The counter whose parts are the ways in which it can end; without one, it always succeeds.
    pub outcome: Option<&'static str>,
    /// The histogram of how long it takes, in seconds; without one, it is answered at once.
    pub latency: Option<&'static str>,
}

const fn answered(
    (method, path): (&'static str, &'static str),
    weight: u32,
    service: &'static str,
    outcome: Option<&'static str>,
    latency: Option<&'static str>,
) -> Answered {
    Answered { call: Call { method, path }, weight, service, outcome, latency }
}

const LOGIN: [Answered; 2] = [
    answered(
        ("POST", "/login"),
        1,
        "loadtest",
        Some("loadtest_connections_total"),
        Some("loadtest_login_latency_seconds"),
    ),
    answered(("POST", "/move"), 2, "server", None, None),
];

const WEB_SOCKET: [Answered; 3] = [
    answered(("POST", "/ws/open"), 1, "app", None, None),
    answered(("POST", "/ws/message"), 6, "app", None, None),
    answered(("POST", "/ws/close"), 1, "app", None, None),
];

const TASK_MCP: [Answered; 5] = [
    answered(
        ("GET", "/tasks"),
        12,
        "task-mcp",
        Some("http_server_requests_total"),
        Some("http_server_request_duration"),
    ),
    answered(
        ("POST", "/tools/execute"),
        4,
        "task-mcp",
        Some("tool_executions_total"),
        Some("tool_execution_duration"),
    ),
    answered(("GET", "/stream"), 1, "task-mcp", None, Some("streaming_first_message_seconds")),
    answered(("POST", "/auth"), 2, "task-mcp", Some("authentication_attempts_total"), None),
    answered(("GET", "/health/ready"), 1, "task-mcp", Some("http_requests_total"), None),
];

const GATEWAY: [Answered; 1] = [answered(
    ("POST", "/v1/completions"),
    1,
    "inference-gateway",
    Some("http_requests_total"),
    Some("http_request_duration_seconds"),
)];

impl Call {
    /// Of Movie Guru.
    pub const fn of(endpoint: Endpoint) -> Self {
        let (method, path) = endpoint.method_and_path();
        Self { method, path }
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl System {
    /// By the name of its scenario.
    pub fn named(name: &str) -> Option<Self> {
        [Self::S000, Self::S001, Self::S002, Self::S003, Self::S004]
            .into_iter()
            .find(|one| one.name() == name)
    }

    /// The name of its scenario.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S000 => "s000",
            Self::S001 => "s001",
            Self::S002 => "s002",
            Self::S003 => "s003",
            Self::S004 => "s004",
        }
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::S000 => "Login of a game",
            Self::S001 => "WebSocket service",
            Self::S002 => "Movie Guru",
            Self::S003 => "Task MCP HTTP server",
            Self::S004 => "Inference gateway",
        }
    }

    /// The calls of a simulated service; Movie Guru has a service of its own.
    pub const fn answered(self) -> &'static [Answered] {
        match self {
            Self::S000 => &LOGIN,
            Self::S001 => &WEB_SOCKET,
            Self::S002 => &[],
            Self::S003 => &TASK_MCP,
            Self::S004 => &GATEWAY,
        }
    }

    /// What a user does next: calls, one after the other.
    pub fn task(self, rng: &mut fastrand::Rng) -> Vec<Call> {
        match self {
            // Whoever has logged in plays: the game's traffic goes on after the login.
            Self::S000 => {
                LOGIN.iter().flat_map(|one| std::iter::repeat_n(one.call, one.weight as usize)).collect()
            }
            Self::S002 => Task::draw(rng).calls().iter().map(|endpoint| Call::of(*endpoint)).collect(),
            Self::S001 | Self::S003 | Self::S004 => {
                let all = self.answered();
                let mut left = rng.u32(0..all.iter().map(|one| one.weight).sum());
                let chosen = all.iter().find(|one| match left.checked_sub(one.weight) {
                    Some(rest) => {
                        left = rest;
                        false
                    }
                    None => true,
                });
                chosen.map(|one| one.call).into_iter().collect()
            }
        }
    }

    /// How long a user waits before the next task.
    pub fn pause(self, rng: &mut fastrand::Rng) -> Duration {
        match self {
            // A login a second of each user: fifty users make the document's fifty.
            Self::S000 => Duration::from_secs(1),
            Self::S002 => load_mix::pause(rng),
            Self::S001 | Self::S003 | Self::S004 => Duration::from_millis(rng.u64(100..=300)),
        }
    }

    /// Whether a call is the login that clients measure from the beginning of their connection.
    pub fn is_measured(self, call: Call) -> bool {
        self == Self::S000 && call.path == "/login"
    }
}
