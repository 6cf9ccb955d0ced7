//! How files and the code in documents are written.

mod scalars;

pub(crate) mod folded_template;
pub(crate) mod not_yaml_1_2;
