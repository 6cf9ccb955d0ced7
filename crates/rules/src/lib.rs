//! Prometheus rule files, and what their rules do: (rule, state, now) to samples and alerts.
//!
//! [`RuleFile::read`] turns text into valid rules or reports everything that is wrong with it. [`RuleEngine`] decides
//! when each group is evaluated and what follows from the answers; it reads no clock and asks no source itself.

mod alert_rule;
mod engine;
mod event;
mod expand;
mod file;
mod float_text;
mod group;
mod group_key;
pub mod lint;
mod options;
mod query_text;
mod record_rule;
mod rule_state;
mod snapshot;
mod status;
mod template_place;
pub mod unit_test;

pub use alert_rule::{ActiveAlert, AlertState, RESOLVED_RETENTION};
pub use engine::{GroupGlance, RuleEngine, RuleGlance};
pub use event::{Effect, Event, QueryAnswer, QueryId, QueryResult, RuleQuery, Written};
pub use file::{NameScheme, ReadOptions, Rule, RuleExpr, RuleFile, RuleGroup, RuleKind};
pub use group_key::GroupKey;
pub use options::{EngineOptions, Grid};
pub use rule_state::Health;
pub use snapshot::{EngineSnapshot, GroupSnapshot, RuleChange, RuleSnapshot};
pub use status::{AlertStatus, AlertingStatus, GroupStatus, RuleStatus};
pub use template_place::{TemplateOf, TemplatePlace};
