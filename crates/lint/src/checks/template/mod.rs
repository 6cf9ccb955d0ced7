//! Texts that show nothing, or something else than was meant, when an alert fires.

mod typing;

pub(crate) mod humanize;
pub(crate) mod label_lost;
pub(crate) mod not_portable;
pub(crate) mod syntax;
pub(crate) mod undefined_template;
pub(crate) mod unknown_field;
pub(crate) mod unknown_function;
pub(crate) mod vector_as_number;
