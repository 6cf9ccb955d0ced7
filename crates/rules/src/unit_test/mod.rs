//! Unit tests of rules, in promtool's format: series go in, rules are evaluated in virtual time, and what alerts and
//! queries say is compared with what was expected.
//!
//! A test drives [`crate::RuleEngine`] itself, so what passes here is what the server does. Nothing here opens a
//! file: whoever calls reads the test file, then the rule files it names, and hands both in.

mod coverage;
mod expect;
mod explain;
mod file;
mod junit;
mod memory;
mod report;
mod run;
mod series;

pub use coverage::{Coverage, RuleId, RuleUse, Use};
pub use expect::{Field, FieldKind, Item, Mismatch};
pub use file::{AlertTest, ExpectedAlert, ExpectedSample, InputSeries, QueryTest, TestFile, UnitTest};
pub use junit::{Case, CaseSuite, junit_xml};
pub use report::render_failure;
pub use run::{Failure, Outcome, Suite};
