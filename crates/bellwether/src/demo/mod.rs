//! The demonstration: the Movie Guru service, its users, a stand-in for Slack, a past of one healthy day, and an
//! ordinary server that watches all of it.

pub mod mail_sink;
pub mod past;
pub mod receiver;

use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::Timestamp;
use bellwether_web::view::{DemoPhase, DemoView, Refused};
use bellwether_web::{BoxFuture, Demo};

use crate::clock;
use crate::workshop::{MockState, Phase};

/// The configuration, with placeholders for the two addresses.
const CONFIG: &str = include_str!("bellwether.yml");

/// The configuration for the addresses in use.
pub fn config_text(mock: &str, receiver: &str) -> String {
    CONFIG.replace("MOCK", mock).replace("RECEIVER", receiver)
}

/// One state the service can be put into from the page.
struct Switch {
    name: &'static str,
    title: &'static str,
    expect: &'static str,
    phase: fn() -> Phase,
}

/// The challenges of the workshop as buttons.
const SWITCHES: [Switch; 3] = [
    Switch {
        name: "healthy",
        title: "All well (challenge 7)",
        expect: "Burn rates fall as the bad minutes leave the five-minute window; alerts clear within five minutes.",
        phase: Phase::demo_start,
    },
    Switch {
        name: "chat-degraded",
        title: "Chat degrades (challenge 6)",
        expect: "Three of five chats take longer than 5 s: the 10x alert arrives at the receiver after about a minute.",
        phase: || challenge(6),
    },
    Switch {
        name: "first-day",
        title: "First day (challenge 1)",
        expect: "Slow chats, slow and failing startups: several budgets burn at once.",
        phase: || challenge(1),
    },
];

fn challenge(number: u32) -> Phase {
    Phase::challenge(number).unwrap_or_else(Phase::demo_start)
}

/// The page's switches.
pub struct Switches {
    mock: Arc<MockState>,
    /// The phase last seen and since when; it may also be changed at the service itself.
    seen: Mutex<(Phase, Timestamp)>,
}

impl Switches {
    /// For a running service.
    pub fn new(mock: Arc<MockState>) -> Self {
        let seen = Mutex::new((mock.phase(), clock::now()));
        Self { mock, seen }
    }
}

impl Demo for Switches {
    fn view(&self) -> DemoView {
        let phase = self.mock.phase();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != phase {
            *seen = (phase.clone(), clock::now());
        }
        let as_view = |switch: &Switch| DemoPhase {
            name: switch.name.to_owned(),
            title: switch.title.to_owned(),
            expect: switch.expect.to_owned(),
        };
        // The seed's own challenge 7 differs from ours by a shade of engagement; both are the healthy phase.
        let is_healthy = phase == challenge(7);
        let named = SWITCHES
            .iter()
            .find(|switch| (switch.phase)() == phase || (is_healthy && switch.name == "healthy"));
        DemoView {
            title: "Movie Guru, a simulated service with three users. Break it and watch.".to_owned(),
            phases: SWITCHES.iter().map(as_view).collect(),
            phase: named.map_or("custom", |switch| switch.name).to_owned(),
            since: seen.1,
        }
    }

    fn set_phase(&self, name: String) -> BoxFuture<'_, Result<(), Refused>> {
        let found = SWITCHES.iter().find(|switch| switch.name == name);
        let result = match found {
            Some(switch) => {
                self.mock.set_phase((switch.phase)());
                Ok(())
            }
            None => Err(Refused::NotFound(format!("there is no phase {name:?}"))),
        };
        Box::pin(std::future::ready(result))
    }
}
