//! Prometheus rule files, and what their rules do: (rule, state, now) to samples and alerts.
//!
//! [`RuleFile::read`] turns text into valid rules or reports everything that is wrong with it. [`RuleEngine`] decides
//! when each group is evaluated and what follows from the answers; it reads no clock and asks no source itself.

mod alert_rule;
mod engine;
mod expand;
mod file;
mod float_text;
mod group;
mod record_rule;
mod snapshot;
mod status;

pub use alert_rule::{ActiveAlert, AlertState, RESOLVED_RETENTION};
pub use engine::{
    Effect, EngineOptions, Event, GroupKey, QueryAnswer, QueryId, QueryResult, RuleEngine, RuleQuery,
};
pub use file::{NameScheme, ReadOptions, Rule, RuleExpr, RuleFile, RuleGroup, RuleKind};
pub use group::Health;
pub use snapshot::{EngineSnapshot, GroupSnapshot, RuleSnapshot};
pub use status::{AlertStatus, AlertingStatus, GroupStatus, RuleStatus};
