//! Objectives, the SLI ledger, error budgets and burn rates.
//!
//! An [`Slo`] is read from text once and is valid from then on. The [`Ledger`] counts its events exactly, as a fold
//! over the batches of the sample log; any window is a difference of two of its cumulative values. [`SloEngine`] puts
//! both together: batches in, alert transitions out. Nothing here reads a clock, a file or a socket, and nothing
//! here evaluates PromQL or knows who is told of an alert.

mod adopt;
mod alert_facts;
mod alert_meaning;
mod alert_state;
mod alert_template;
mod alert_text;
mod alert_verdict;
mod alerting;
mod announce;
mod apply;
mod blocks;
mod book;
mod budget;
mod burn;
mod burn_alert;
mod calculator;
mod checkpoint;
mod checkpoint_late;
mod checkpoint_natives;
mod composite;
mod composite_check;
mod composite_measure;
mod corrected;
mod correction;
mod correction_list;
mod corrections;
mod coverage;
mod credit;
mod credit_native;
mod decode;
mod decode_alert;
mod decode_budgeting;
mod decode_composite;
mod decode_parts;
mod decode_period;
mod decode_sampled;
mod decode_threshold_alert;
mod default_alerts;
mod definition;
mod dialect;
mod engine;
mod event;
mod examine;
pub mod export;
mod forecast;
pub mod generate;
mod goal;
mod indicator;
mod known_metrics;
mod late;
mod late_gap;
mod ledger;
mod measure;
mod past;
mod period;
mod period_report;
mod question;
pub mod recognise;
mod recognise_sum;
mod replay;
mod report;
mod resample;
mod sampled;
mod sampled_answer;
mod sampled_engine;
mod sampled_query;
mod selector;
mod sli;
mod slices;
mod slower;
mod status;
mod stream;
mod suggest;
mod threshold_alert;
mod vouch;
mod what_if;
mod whole_threshold;
mod wire;
mod yaml_text;

pub use alert_meaning::{ERROR_RATIOS, ExplainedAlert, Noticed, Trouble, alert_meanings};
pub use alert_verdict::{
    arithmetic, budget_arithmetic, budget_verdict, burn_arithmetic, burn_verdict, verdict,
};
pub use budget::{Ahead, Spending, budget, exhaustion, expected_budget};
pub use burn::{AlertWindows, budget_condition, burn_rate, condition, window_status};
pub use burn_alert::{BudgetAlert, BurnAlert};
pub use calculator::{
    AlertMeaning, BurnRateMeaning, Calculation, GoalMeaning, NeedsMeaning, OutageMeaning, SpanBudget,
    calculate,
};
pub use checkpoint::{BlocksFile, Checkpoint, RestoreError};
pub use composite_check::check_composites;
pub use correction::{
    Correction, CorrectionError, CorrectionEvent, CorrectionKind, CorrectionScope, CorrectionState,
    CorrectionWish, Revocation,
};
pub use decode::SloFile;
pub use default_alerts::{DefaultAlerts, default_alerts, fit_to_scrape};
pub use definition::{About, Criticality, Dialect, Slo};
pub use dialect::{Document, Documents, Kind, NOT_CARRIED, Strictness, parse, read};
pub use engine::{EngineSettings, SloEngine};
pub use event::{Backfill, Effect, Event, Recalled, WantedBackfill};
pub use examine::examine;
pub use forecast::{Forecast, ForecastMethod, LeftAtEnd, forecast};
pub use goal::{Counts, Factor, Goal, GoalError, Share, burns_faster, is_left_below};
pub use indicator::{
    Ask, Budgeting, Combination, Comparison, Composite, Events, Finite, Indicator, Latency, Member,
    PROBE_ATTEMPTS, PROBE_FAILURES, QueryEvents, Ratio, Threshold, ThresholdCheck, WINDOW_PLACEHOLDER,
    probe_ratio,
};
pub use ledger::{Ledger, LedgerSettings, StreamId};
pub use past::Past;
pub use period::{Calendar, CalendarUnit, Period, Stretch, UnknownZone, zone_named};
pub use period_report::{ReportRequest, ReportSpan, SloReport, StreamReport};
pub use question::{Answer, AskError, Question, QuestionId};
pub use replay::{Fired, Replay};
pub use sampled::AskCounts;
pub use sampled_query::SampledQuery;
pub use selector::{Selector, SelectorError};
pub use status::{
    BudgetAlertStatus, BudgetStatus, BurnAlertState, BurnAlertStatus, CorrectionMark, Exhaustion,
    ExpectationBasis, ExpectedBudget, HistoryPoint, Measurement, MemberStatus, PeriodStatus, SloStatus,
    StreamStatus, TargetStatus, ThresholdAlertStatus, ThresholdStatus, Verdict, WindowStatus,
};
pub use stream::Window;
pub use suggest::{GoalOutlook, Suggestion, suggest};
pub use threshold_alert::ThresholdAlert;
pub use what_if::{WhatIf, what_if};
