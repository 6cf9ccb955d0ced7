//! Puts a target's labels (`job`, `instance`, ...) on what it exposed, and settles who wins when both name the same
//! label, in the way Prometheus settles it, so that rules written for Prometheus select the same series.

use bellwether_model::{Labels, LabelsBuilder};

use crate::SeriesLabels;

/// What becomes of a scraped label that the target has too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LabelConflict {
    /// The target's label wins; the scraped one is kept as `exported_<name>`. The default of a scrape configuration.
    #[default]
    RenameScraped,
    /// The scraped label wins (`honor_labels: true`), even an empty one: then the label is absent.
    KeepScraped,
}

/// The labels under which a scraped series is stored.
pub fn target_labels(scraped: &SeriesLabels<'_>, target: &Labels, conflict: LabelConflict) -> Labels {
    let mut labels = LabelsBuilder::default();
    for (name, value) in scraped.iter() {
        labels.set(name, value);
    }
    match conflict {
        LabelConflict::KeepScraped => {
            for (name, value) in target.iter().filter(|(name, _)| scraped.get(name).is_none()) {
                labels.set(name, value);
            }
        }
        LabelConflict::RenameScraped => rename_scraped(&mut labels, scraped, target),
    }
    labels.build()
}

fn rename_scraped(labels: &mut LabelsBuilder, scraped: &SeriesLabels<'_>, target: &Labels) {
    let mut displaced = Vec::new();
    for (name, value) in target.iter() {
        displaced.extend(scraped.get(name).filter(|value| !value.is_empty()).map(|value| (name, value)));
        labels.set(name, value);
    }
    // Short names first, as Prometheus does: `a` takes `exported_a` before a displaced `exported_a` looks for a place.
    displaced.sort_by_key(|(name, _)| name.len());
    for (name, value) in displaced {
        let mut free = format!("exported_{name}");
        while labels.get(&free).is_some() {
            free.insert_str(0, "exported_");
        }
        labels.set(free, value);
    }
}
