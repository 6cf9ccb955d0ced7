//! What a service says of its own health over gRPC: `grpc.health.v1.HealthCheckResponse.ServingStatus`.

use std::fmt;

/// What a service says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving(pub i32);

const SERVING: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

impl Serving {
    /// It is well.
    pub const SERVING: Self = Self(1);

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        SERVING.iter().position(|known| *known == name).map(|number| Self(number as i32))
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        SERVING.into_iter()
    }
}

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match usize::try_from(self.0).ok().and_then(|number| SERVING.get(number)) {
            Some(name) => f.write_str(name),
            None => write!(f, "state {}", self.0),
        }
    }
}
