//! Go's text/template in Rust: what rule annotations and notification templates are written in.
//!
//! Texts are parsed once into a [`TemplateSet`] with positions, every unknown function and variable of a file is
//! reported, and rendering is bounded in output, steps and depth. Nothing here reads a clock or a store: `now` and
//! `query` come through [`Context`]. It is not a general Go: there are no channels, complex numbers or function values.
//!
//! ```
//! use bellwether_template::{AlertTemplateData, ClockOnly, expand};
//! let data = AlertTemplateData {
//!     labels: [("job", "login")].into_iter().collect(),
//!     external_labels: Default::default(),
//!     external_url: String::new(),
//!     value: 0.9951.into(),
//! };
//! let text = expand("{{ $labels.job }}: {{ $value | humanizePercentage }}", &data, &ClockOnly::default())?;
//! assert_eq!(text, "login: 99.51%");
//! # Ok::<(), bellwether_template::TemplateError>(())
//! ```

mod alert;
pub mod ast;
mod builtins;
mod compare;
mod context;
mod defaults;
mod error;
mod exec;
mod function_table;
mod functions;
mod functions_alertmanager;
mod functions_prometheus;
mod html;
mod humanize;
mod json;
mod lex;
mod literal;
mod methods;
mod moment;
mod notification;
mod number;
mod outline;
mod parse;
mod printf;
mod set;
mod value;

pub use alert::{
    ALERT_VARIABLES, AlertTemplateData, AlertValue, check_alert_text, check_variables, expand,
    expand_variables, expand_with,
};
pub use context::{ClockOnly, Context, QuerySample};
pub use defaults::{DEFAULT_TEMPLATES, default_templates};
pub use error::TemplateError;
pub use exec::Limits;
pub use function_table::{Call, Function, Functions, MissingKey, Native};
pub use functions::{alertmanager_functions, prometheus_functions};
pub use moment::Moment;
pub use notification::{AlertData, AlertStatus, NotificationData};
pub use outline::{Outline, outline};
pub use set::{Escape, References, TemplateSet};
pub use value::{Element, Map, Object, SafeKind, Value};
