//! What rendering may ask of the world. Everything that is not computed from the data comes through here, so that a
//! test, a backtest and a live server render with the same code.

use bellwether_model::{Labels, Timestamp};

/// The world as a template sees it.
pub trait Context {
    /// The moment of evaluation, for `now` and `since`.
    fn now(&self) -> Timestamp;

    /// Evaluates PromQL at [`Context::now`] for `query`. The error is shown to the template's author.
    fn query(&self, expr: &str) -> Result<Vec<QuerySample>, String> {
        let _ = expr;
        Err("query is not available here".to_owned())
    }

    /// Base URL for `externalURL`.
    fn external_url(&self) -> &str {
        ""
    }

    /// Path part of the base URL, for `pathPrefix`.
    fn path_prefix(&self) -> &str {
        let url = self.external_url();
        let after_scheme = url.find("://").map_or(0, |at| at + 3);
        let path = url[after_scheme..].find('/').map_or("", |at| &url[after_scheme + at..]);
        path.split(['?', '#']).next().unwrap_or("")
    }

    /// Labels of the route that is notifying, for `routeLabels`.
    fn route_labels(&self) -> Labels {
        Labels::empty()
    }
}

/// One element of a query's result.
#[derive(Clone, Debug, PartialEq)]
pub struct QuerySample {
    /// The series.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// A world with a clock and nothing else: `query` is an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockOnly {
    /// What `now` reads.
    pub now: Timestamp,
}

impl Context for ClockOnly {
    fn now(&self) -> Timestamp {
        self.now
    }
}
