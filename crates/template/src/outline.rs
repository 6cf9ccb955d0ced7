//! A text taken apart for those who look at it and do not render it: it is read as far as it can be.

use std::collections::BTreeMap;

use crate::ast::{Node, Span};
use crate::error::TemplateError;
use crate::function_table::Functions;
use crate::parse::{Parsed, parse};
use crate::set::{TEXT_BYTES_MAX, located};

/// What a text holds.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Its own pieces.
    pub root: Vec<Node>,
    /// The templates it defines.
    pub defines: BTreeMap<String, Vec<Node>>,
    /// What is wrong with it, calls of templates that nobody defines excepted.
    pub problems: Vec<TemplateError>,
    /// Every function named, with its place.
    pub functions: Vec<(String, Span)>,
    /// Every template called, with its place.
    pub templates: Vec<(String, Span)>,
}

/// Takes a text apart in which the named functions and variables exist.
pub fn outline(text: &str, known: &Functions, variables: &[&str]) -> Outline {
    if text.len() > TEXT_BYTES_MAX {
        return Outline::default();
    }
    let Parsed { root, defines, problems, functions, templates } = parse(text, known, variables);
    Outline { root, defines, problems: located(problems, "text", text), functions, templates }
}
