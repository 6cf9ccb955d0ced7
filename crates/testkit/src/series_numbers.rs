//! Numbers for series in the order in which they are first asked for, as a store gives them.

use bellwether_model::{Labels, SeriesId};

/// The series numbered so far.
#[derive(Clone, Debug, Default)]
pub struct SeriesNumbers {
    names: Vec<Labels>,
}

impl SeriesNumbers {
    /// The number of a series; the next one if it has none yet.
    pub fn of(&mut self, labels: &Labels) -> SeriesId {
        let found = self.names.iter().position(|known| known == labels);
        SeriesId(found.unwrap_or_else(|| {
            self.names.push(labels.clone());
            self.names.len() - 1
        }) as u32)
    }

    /// All series, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Labels> {
        self.names.iter()
    }

    /// The labels of a number that was given.
    pub fn labels(&self, id: SeriesId) -> &Labels {
        &self.names[id.0 as usize]
    }
}
