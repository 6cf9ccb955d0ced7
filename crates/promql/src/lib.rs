//! PromQL: parse with spans, check types, format, evaluate over a [`SeriesSource`](bellwether_model::SeriesSource).
//!
//! Nothing here reads a clock or opens anything: the moment of a query is handed in, and series come through the
//! source. Range queries are evaluated by columns: every operator takes whole series over all steps at once.
//!
//! ```
//! let expr = bellwether_promql::parse("sum by (job) (rate(http_requests_total[5m]))").unwrap();
//! assert_eq!(expr.to_string(), "sum by (job) (rate(http_requests_total[5m]))");
//!
//! let errors = bellwether_promql::parse("rate(http_requests_total)").unwrap_err();
//! assert_eq!(&errors[0].message, "expected type range vector in call to function \"rate\", got instant vector");
//! ```

mod check;
mod comment;
mod duration;
mod equivalence;
mod eval;
mod function;
mod histogram;
mod kahan;
mod kind;
mod layout;
mod lex;
mod lex_mistake;
mod lex_number;
mod matcher_budget;
mod operator;
mod parse;
mod parse_call;
mod parse_error;
mod parse_halt;
mod parse_recovery;
mod parse_selector;
mod print;
pub mod series_notation;
mod span;
mod syntax;
mod syntax_duration;
mod tree;
mod value;

pub use eval::{EvalError, EvalOptions, Interrupt, Limits, RangeSpec, eval_instant, eval_range};
pub use function::{Function, FunctionSpec};
pub use histogram::{increase, is_reset, observations_up_to};
pub use layout::{format, format_query};
pub use parse::{HEIGHT_MAX, NESTING_MAX, QUERY_BYTES_MAX, parse};
pub use parse_error::{ParseError, render_errors};
pub use syntax::{
    AggregateOp, Aggregation, At, Binary, BinaryOp, Call, DurationExpr, DurationKind, Edges, Expr, ExprKind,
    Grouping, Kind, MatchGroup, MatchLabels, Matching, QueryTimes, RangeSelector, Shift, Span, Subquery,
    VectorSelector, selectors,
};
pub use tree::{parse_query, tree};
pub use value::{Annotation, Evaluated, InstantSeries, RangeSeries, SampleValue, Value};
