//! The default notification texts, under the names Alertmanager's users know, in our own words.

use crate::functions::alertmanager_functions;
use crate::set::TemplateSet;

/// The text of the default templates, for people who want to start from it.
pub const DEFAULT_TEMPLATES: &str = include_str!("default.tmpl");

/// A set with the default templates; a user's files are parsed into it and may redefine any of them.
pub fn default_templates() -> TemplateSet {
    let mut set = TemplateSet::new(alertmanager_functions());
    if let Err(problems) = set.parse("default.tmpl", DEFAULT_TEMPLATES) {
        // The text is part of the program, and a test parses it.
        unreachable!("the default templates are broken: {}", problems[0]);
    }
    set
}
