//! Names of resources: `projects/P/services/S/serviceLevelObjectives/O`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::view::Refused;

/// The name of a service or of an objective.
#[derive(Clone, Debug)]
pub(super) struct Name(String);

impl Name {
    /// From the parts of a path.
    pub(super) fn of(parts: &BTreeMap<String, String>) -> Self {
        let parent = Parent::of(parts);
        let id = parts.get("objective").or_else(|| parts.get("service")).map(String::as_str);
        let collection = match parts.contains_key("objective") {
            true => parent.collection(),
            false => Parent { service: None, ..parent }.collection(),
        };
        Self(format!("{collection}/{}", id.unwrap_or_default()))
    }

    /// What resources are listed in and made in at a path.
    pub(super) fn parent_of(parts: &BTreeMap<String, String>) -> Parent {
        Parent::of(parts)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A project, or a service of it.
#[derive(Clone, Debug)]
pub(super) struct Parent {
    project: String,
    /// The service's whole name.
    service: Option<String>,
}

impl Parent {
    fn of(parts: &BTreeMap<String, String>) -> Self {
        let project = parts.get("project").cloned().unwrap_or_default();
        let service = parts.get("service").map(|service| format!("projects/{project}/services/{service}"));
        Self { project, service }
    }

    /// The service, where there is one.
    pub(super) fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// What the names of everything in it begin with.
    pub(super) fn collection(&self) -> String {
        match &self.service {
            Some(service) => format!("{service}/serviceLevelObjectives"),
            None => format!("projects/{}/services", self.project),
        }
    }

    /// The field of a list.
    pub(super) const fn collection_name(&self) -> &'static str {
        match self.service {
            Some(_) => "serviceLevelObjectives",
            None => "services",
        }
    }
}

/// Longest identifier that may be chosen.
const ID_LEN_MAX: usize = 100;

/// The identifier that was asked for, or one made of the display name that is not taken.
pub(super) fn new_id(
    parent: &Parent,
    asked: &BTreeMap<String, String>,
    body: &Map<String, Value>,
    taken: impl Fn(&str) -> bool,
) -> Result<String, Refused> {
    let names = match parent.service() {
        Some(_) => ["service_level_objective_id", "serviceLevelObjectiveId"],
        None => ["service_id", "serviceId"],
    };
    if let Some(id) = names.iter().find_map(|name| asked.get(*name)) {
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.len() > ID_LEN_MAX || !id.chars().all(is_good) {
            let name = names[0];
            return Err(Refused::Invalid(format!(
                "{name} {id:?} is no identifier; write up to {ID_LEN_MAX} letters, digits and hyphens"
            )));
        }
        return Ok(id.clone());
    }
    let display = body.get("displayName").and_then(Value::as_str).unwrap_or_default();
    let base = match slug(display) {
        slug if slug.is_empty() => parent.collection_name().trim_end_matches('s').to_owned(),
        slug => slug,
    };
    let numbered = (2u32..).map(|number| format!("{base}-{number}"));
    Ok(std::iter::once(base.clone()).chain(numbered).find(|id| !taken(id)).unwrap_or(base))
}

fn slug(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join("-").chars().take(ID_LEN_MAX - 8).collect()
}
