//! Objectives, the SLI ledger, error budgets and burn rates.
//!
//! An [`Slo`] is read from text once and is valid from then on. The [`Ledger`] counts its events exactly, as a fold
//! over the batches of the sample log; any window is a difference of two of its cumulative values. [`SloEngine`] puts
//! both together: batches in, alert transitions out. Nothing here reads a clock, a file or a socket, and nothing
//! here evaluates PromQL or knows who is told of an alert.

mod alert;
mod budget;
mod burn;
mod burn_alert;
mod composite;
mod correction;
mod decode;
mod definition;
mod dialect;
mod engine;
mod event;
mod examine;
pub mod export;
pub mod generate;
mod goal;
mod indicator;
mod known_metrics;
mod ledger;
mod measure;
mod outlook;
mod period;
mod period_report;
pub mod recognise;
mod report;
mod rows;
mod sampled;
mod selector;
mod status;
mod threshold_alert;
mod yaml_text;

pub use alert::defaults::{DefaultAlerts, default_alerts, fit_to_scrape};
pub use alert::meaning::{ERROR_RATIOS, ExplainedAlert, Noticed, Trouble, alert_meanings, burn_meaning};
pub use alert::text::labels_of_alert;
pub use alert::verdict::{
    arithmetic, budget_arithmetic, budget_verdict, burn_arithmetic, burn_verdict, verdict,
};
pub use budget::{Ahead, Spending, budget, exhaustion, expected_budget};
pub use burn::{AlertWindows, budget_condition, burn_rate, condition, window_status};
pub use burn_alert::{BudgetAlert, BurnAlert};
pub use composite::check::check_composites;
pub use correction::{
    Correction, CorrectionError, CorrectionEvent, CorrectionKind, CorrectionScope, CorrectionState,
    CorrectionWish, Revocation,
};
pub use decode::SloFile;
pub use definition::{About, Criticality, Dialect, Slo};
pub use dialect::{Document, Documents, Kind, NOT_CARRIED, Strictness, parse, read};
pub use engine::{EngineSettings, RETENTION_OF_COUNTS, SloEngine};
pub use event::{Backfill, Effect, Event, Recalled, WantedBackfill};
pub use examine::examine;
pub use goal::{Counts, Factor, Goal, GoalError, Share, burns_faster, is_left_below};
pub use indicator::{
    Ask, Budgeting, Combination, Comparison, Composite, Events, Finite, Indicator, Latency, Member,
    PROBE_ATTEMPTS, PROBE_FAILURES, QueryEvents, Ratio, Threshold, ThresholdCheck, WINDOW_PLACEHOLDER,
    probe_ratio,
};
pub use ledger::checkpoint::{BlocksFile, Checkpoint, RestoreError};
pub use ledger::let_go::LetGo;
pub use ledger::stream::Window;
pub use ledger::{Ledger, LedgerSettings, StreamId};
pub use outlook::calculator::{
    AlertMeaning, BurnRateMeaning, Calculation, GoalMeaning, NeedsMeaning, OutageMeaning, SpanBudget,
    calculate,
};
pub use outlook::forecast::{Forecast, ForecastMethod, LeftAtEnd, forecast};
pub use outlook::past::Past;
pub use outlook::replay::{Fired, Replay};
pub use outlook::suggest::{GoalOutlook, Suggestion, suggest};
pub use outlook::what_if::{WhatIf, what_if};
pub use period::{Calendar, CalendarUnit, Period, Stretch, UnknownZone, zone_named};
pub use period_report::{ReportRequest, ReportSpan, SloReport, StreamReport};
pub use rows::{Row, RowRange, RowStream};
pub use sampled::AskCounts;
pub use sampled::query::SampledQuery;
pub use sampled::question::{Answer, AskError, Question, QuestionId};
pub use selector::{Selector, SelectorError};
pub use status::{
    BudgetAlertStatus, BudgetStatus, BurnAlertState, BurnAlertStatus, CorrectionMark, Exhaustion,
    ExpectationBasis, ExpectedBudget, HistoryPoint, Measurement, MemberStatus, PeriodStatus, SloStatus,
    StreamStatus, TargetStatus, ThresholdAlertStatus, ThresholdStatus, Verdict, WindowStatus,
};
pub use threshold_alert::ThresholdAlert;
