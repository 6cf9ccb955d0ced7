//! Objectives that were made through the interface of Google Cloud Monitoring: kept in the state database, and in force
//! beside those of the configuration.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_diag::{Diagnostics, Severity, Sources, yaml};
use bellwether_slo::{Documents, Slo, Strictness};
use tracing::warn;

use crate::state::{StateDb, StateError};

/// All resources as they are kept.
#[derive(Debug, Default)]
pub struct GoogleObjectives {
    /// The bodies by name, as they were sent.
    resources: Mutex<BTreeMap<String, String>>,
}

impl GoogleObjectives {
    /// Reads what was kept.
    pub async fn open(state: &StateDb) -> Result<Self, StateError> {
        Ok(Self { resources: Mutex::new(state.google_resources().await?.into_iter().collect()) })
    }

    /// The objectives among them. One that an older version kept and this one cannot read is left out, and logged.
    pub fn slos(&self) -> Vec<Arc<Slo>> {
        let resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(name, body): (&String, &String)| {
            let read = objective(name, body)?;
            read.inspect_err(|why| warn!(name, %why, "an objective cannot be read")).ok()
        };
        resources.iter().filter_map(of).map(Arc::new).collect()
    }

    /// Takes over what has been kept.
    pub fn put(&self, name: String, body: String) {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).insert(name, body);
    }

    /// Forgets what has been deleted.
    pub fn delete(&self, names: &[String]) {
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().for_each(|name| drop(resources.remove(name)));
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, String> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The objectives of a configuration with those made through the interface. Of two of one name the configuration's
/// counts: it is the one that people review.
pub fn beside(configured: &[Arc<Slo>], made: Vec<Arc<Slo>>) -> Vec<Arc<Slo>> {
    let is_new = |slo: &Arc<Slo>| {
        let is_taken = configured.iter().any(|known| known.id() == slo.id());
        if is_taken {
            warn!(
                slo = slo.id(),
                "an objective made through the interface gives way to one of the configuration"
            );
        }
        !is_taken
    };
    configured.iter().cloned().chain(made.into_iter().filter(is_new)).collect()
}

/// Whether an objective was made through the interface: it stands in no file.
pub fn is_made(slo: &Slo) -> bool {
    slo.span.is_none()
}

/// The service and the identifier in the name of an objective; `None` for that of a service.
pub fn parts(name: &str) -> Option<(&str, &str)> {
    match name.split('/').collect::<Vec<_>>().as_slice() {
        [_, _, _, service, _, id] => Some((service, id)),
        _ => None,
    }
}

/// Reads an objective; `None` when the resource is a service. Every mistake is said with its place in the body.
pub fn objective(name: &str, body: &str) -> Option<Result<Slo, String>> {
    let (service, id) = parts(name)?;
    let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
    let file = sources.add("body", body);
    let mut documents = Documents::default();
    yaml::parse(&sources, file, &mut found).into_iter().for_each(|node| documents.add_google(node));
    let slos = documents.slos(&sources, Strictness::Strict, &mut found);
    let errors = found.iter().filter(|problem| problem.severity == Severity::Error);
    let lines: Vec<String> = errors
        .map(|problem| {
            let place = problem.span.map(|span| sources.position(span));
            let place = place.map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
            format!("body{place}: {}", problem.sentence())
        })
        .collect();
    Some(match slos.into_iter().next().filter(|_| lines.is_empty()) {
        Some(slo) => Ok(Slo { name: id.to_owned(), service: service.to_owned(), span: None, ..slo }),
        None if lines.is_empty() => Err("body:1:1: there is no objective here".to_owned()),
        None => Err(lines.join("\n")),
    })
}
