//! Texts that show nothing, or something else than was meant, when an alert fires.

pub(crate) mod syntax;
pub(crate) mod unknown_function;
