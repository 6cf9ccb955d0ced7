//! What users do and how often: the workshop's seven tasks with their weights, one every one to two seconds per user.

use std::time::Duration;

use crate::workshop::Endpoint;

/// Something a user does; one or two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// Asks for a film.
    Chat,
    /// Changes the preferences and looks at them.
    Preferences,
    /// Logs in.
    Login,
    /// Logs out.
    Logout,
    /// Forgets the conversation.
    HistoryDelete,
    /// Reads the conversation again.
    HistoryGet,
    /// Opens the start page.
    Startup,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Chat,
        Self::Preferences,
        Self::Login,
        Self::Logout,
        Self::HistoryDelete,
        Self::HistoryGet,
        Self::Startup,
    ];

    /// How often it is chosen, relative to the others.
    pub const fn weight(self) -> u32 {
        match self {
            Self::Chat => 6,
            Self::Preferences => 3,
            Self::Login | Self::Logout | Self::HistoryDelete | Self::HistoryGet | Self::Startup => 1,
        }
    }

    /// The calls it makes, in order.
    pub const fn calls(self) -> &'static [Endpoint] {
        match self {
            Self::Chat => &[Endpoint::Chat],
            Self::Preferences => &[Endpoint::PreferencesUpdate, Endpoint::PreferencesGet],
            Self::Login => &[Endpoint::Login],
            Self::Logout => &[Endpoint::Logout],
            Self::HistoryDelete => &[Endpoint::HistoryDelete],
            Self::HistoryGet => &[Endpoint::HistoryGet],
            Self::Startup => &[Endpoint::Startup],
        }
    }

    /// Chooses one by weight.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        let mut left = rng.u32(0..weights());
        for task in Self::ALL {
            if left < task.weight() {
                return task;
            }
            left -= task.weight();
        }
        Self::Chat
    }
}

fn weights() -> u32 {
    Task::ALL.iter().map(|task| task.weight()).sum()
}

/// A user's pause between two tasks, shortest and longest; all in between are equally likely.
const PAUSE_MS: (u64, u64) = (1000, 2000);

/// How long a user waits before the next task.
pub fn pause(rng: &mut fastrand::Rng) -> Duration {
    Duration::from_millis(rng.u64(PAUSE_MS.0..=PAUSE_MS.1))
}

/// Calls per second to each endpoint, in the order of [`Endpoint::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallRates(pub [f64; 8]);

impl CallRates {
    /// What so many users make on average: 3 users make 2.43 calls per second, of which 0.857 are chats.
    pub fn of_users(users: u32) -> Self {
        let pause_s = (PAUSE_MS.0 + PAUSE_MS.1) as f64 / 2.0 / 1000.0;
        let tasks_per_s = f64::from(users) / pause_s;
        Self(Endpoint::ALL.map(|endpoint| {
            let makes_it = |task: &Task| task.calls().contains(&endpoint);
            let weight: u32 = Task::ALL.into_iter().filter(makes_it).map(Task::weight).sum();
            tasks_per_s * f64::from(weight) / f64::from(weights())
        }))
    }

    /// Calls per second to all endpoints together.
    pub fn total(&self) -> f64 {
        self.0.iter().sum()
    }
}
