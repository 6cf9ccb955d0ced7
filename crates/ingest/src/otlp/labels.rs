//! The labels of a point: its attributes, what of the resource is promoted, `job` and `instance` of the service's name,
//! and the scope where that is wanted. Attributes whose names become the same have their values joined with `;`, in
//! the order of the original names.

use bellwether_model::{Labels, LabelsBuilder, METRIC_NAME};

use super::OtlpSettings;
use super::attribute_value::label_value;
use super::message::{KeyValue, ScopeMetrics};
use super::name::label_name;

const SERVICE_NAME: &str = "service.name";
const SERVICE_NAMESPACE: &str = "service.namespace";
const SERVICE_INSTANCE: &str = "service.instance.id";

/// Attributes that name the resource, and become `job` and `instance`.
pub(super) const IDENTIFYING: [&str; 3] = [SERVICE_NAMESPACE, SERVICE_NAME, SERVICE_INSTANCE];

/// What all points of a resource have in common.
#[derive(Default)]
pub(super) struct ResourceLabels {
    job: Option<String>,
    instance: Option<String>,
    promoted: LabelsBuilder,
    promoted_names: Vec<String>,
}

fn attribute(attributes: &[KeyValue<'_>], name: &str) -> Option<String> {
    attributes.iter().find(|a| a.key == name).map(|a| label_value(&a.value).into_owned())
}

impl ResourceLabels {
    pub(super) fn of(attributes: &[KeyValue<'_>], settings: &OtlpSettings) -> Result<Self, String> {
        let namespace = attribute(attributes, SERVICE_NAMESPACE);
        let job = attribute(attributes, SERVICE_NAME).map(|name| match namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        });
        let mut labels = Self { job, instance: attribute(attributes, SERVICE_INSTANCE), ..Self::default() };
        for attribute in attributes.iter().filter(|a| settings.promoted.has(&a.key)) {
            let name = label_name(&attribute.key, settings)?;
            labels.promoted.set(name.clone(), label_value(&attribute.value));
            labels.promoted_names.push(name);
        }
        Ok(labels)
    }

    /// Without what is promoted, for `target_info`, which has all attributes anyway.
    pub(super) fn identity(&self) -> Self {
        Self { job: self.job.clone(), instance: self.instance.clone(), ..Self::default() }
    }
}

/// What all points of a scope have in common.
pub(super) fn scope_labels(
    scope: &ScopeMetrics<'_>,
    settings: &OtlpSettings,
) -> Result<Vec<(String, String)>, String> {
    if !settings.promotes_scope || scope.scope.name.is_empty() {
        return Ok(Vec::new());
    }
    let mut labels = Vec::new();
    for attribute in &scope.scope.attributes {
        let name = label_name(&format!("otel_scope_{}", attribute.key), settings)?;
        labels.push((name, label_value(&attribute.value).into_owned()));
    }
    labels.push(("otel_scope_name".to_owned(), scope.scope.name.clone().into_owned()));
    labels.push(("otel_scope_version".to_owned(), scope.scope.version.clone().into_owned()));
    labels.push(("otel_scope_schema_url".to_owned(), scope.schema_url.clone().into_owned()));
    Ok(labels)
}

/// The labels of a point, its name left out; `left_out` names attributes that do not become labels.
pub(super) fn point_labels(
    attributes: &[KeyValue<'_>],
    left_out: &[&str],
    resource: &ResourceLabels,
    scope: &[(String, String)],
    settings: &OtlpSettings,
) -> Result<LabelsBuilder, String> {
    let is_label = |a: &&KeyValue<'_>| a.key != METRIC_NAME && !left_out.contains(&a.key.as_ref());
    let mut sorted: Vec<&KeyValue<'_>> = attributes.iter().filter(is_label).collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut labels = LabelsBuilder::default();
    for attribute in sorted {
        let name = label_name(&attribute.key, settings)?;
        let value = label_value(&attribute.value);
        // Only escaping makes one name of two; of an attribute that is there twice, the last one counts.
        let joined = labels.get(&name).filter(|_| settings.strategy.escapes());
        let value = joined.map_or_else(|| value.to_string(), |before| format!("{before};{value}"));
        labels.set(name, value);
    }
    for name in &resource.promoted_names {
        if let (None, Some(value)) = (labels.get(name), resource.promoted.get(name)) {
            labels.set(name.as_str(), value);
        }
    }
    let identity = [("job", &resource.job), ("instance", &resource.instance)];
    for (name, value) in identity {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            labels.set(name, value.as_str());
        }
    }
    for (name, value) in scope {
        labels.set(name.as_str(), value.as_str());
    }
    Ok(labels)
}

/// The same labels under a name, with one more where a part of a whole is meant.
pub(super) fn named(base: &LabelsBuilder, name: &str, more: Option<(&str, &str)>) -> Labels {
    let mut labels = base.clone();
    if let Some((label, value)) = more {
        labels.set(label, value);
    }
    labels.set(METRIC_NAME, name);
    labels.build()
}
