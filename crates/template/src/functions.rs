//! Which functions a template may call: Go's own, and those of the product whose templates these are.

use crate::function_table::{Functions, MissingKey};
use crate::{builtins, functions_alertmanager, functions_prometheus};

impl Functions {
    /// Go's own functions only.
    pub fn go() -> Self {
        let mut functions = Self::none();
        builtins::add(&mut functions);
        functions
    }
}

/// What rule annotations and labels may call: Prometheus' functions, Go's, and our `mul div add sub`.
pub fn prometheus_functions() -> Functions {
    let mut functions = Functions::go().with_missing_key(MissingKey::Zero);
    functions_prometheus::add(&mut functions);
    functions
}

/// What notification templates may call: Alertmanager's functions and Go's.
pub fn alertmanager_functions() -> Functions {
    let mut functions = Functions::go().with_missing_key(MissingKey::Zero);
    functions_alertmanager::add(&mut functions);
    functions
}
