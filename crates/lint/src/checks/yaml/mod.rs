//! How files and the code in documents are written.

mod scalars;

pub(crate) mod folded_template;
pub(crate) mod not_yaml_1_2;
pub(crate) mod one_line_rule;
pub(crate) mod unindented_block;
