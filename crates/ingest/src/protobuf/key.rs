//! Writes the series of a protobuf body as text would, so that one cache and one decoder serve all formats, and a target
//! that changes its format keeps its series.

use bellwether_model::is_valid_legacy_name;

use crate::bound_label::spelled_number;

/// The series of one metric after the other. All text is kept for its space.
#[derive(Debug, Default)]
pub(crate) struct SeriesKey {
    family: String,
    /// Whether the family's name must stand quoted in the braces.
    is_quoted: bool,
    labels: String,
    key: String,
    /// Bounds that were written, by their place in the metric: those of the next are mostly the same.
    bounds: Vec<(u64, String)>,
}

impl SeriesKey {
    /// Series of another family follow.
    pub(crate) fn family(&mut self, name: &str) {
        self.is_quoted = !is_valid_legacy_name(name, true);
        self.family.clear();
        if self.is_quoted {
            push_escaped(&mut self.family, name);
        } else {
            self.family.push_str(name);
        }
    }

    /// Another metric follows.
    pub(crate) fn metric(&mut self) {
        self.labels.clear();
    }

    /// A label of the metric.
    pub(crate) fn label(&mut self, name: &str, value: &str) {
        let out = &mut self.labels;
        if !out.is_empty() {
            out.push(',');
        }
        if is_valid_legacy_name(name, false) {
            out.push_str(name);
        } else {
            out.push('"');
            push_escaped(out, name);
            out.push('"');
        }
        out.push_str("=\"");
        push_escaped(out, value);
        out.push('"');
    }

    /// The series of a suffix, such as `_sum`, or of none.
    pub(crate) fn series(&mut self, suffix: &str) -> &str {
        self.write(suffix, None);
        &self.key
    }

    /// The series of a suffix and a bound, which is that of a certain place in the metric.
    pub(crate) fn bounded(&mut self, suffix: &str, label: &str, bound: f64, place: usize) -> &str {
        let known = self.bounds.get(place).is_some_and(|(bits, _)| *bits == bound.to_bits());
        if !known {
            let spelled = (bound.to_bits(), spelled_number(bound));
            match self.bounds.get_mut(place) {
                Some(other) => *other = spelled,
                None => self.bounds.push(spelled),
            }
        }
        let place = place.min(self.bounds.len() - 1);
        self.write(suffix, Some((label, place)));
        &self.key
    }

    fn write(&mut self, suffix: &str, bound: Option<(&str, usize)>) {
        let Self { family, is_quoted, labels, key, bounds } = self;
        key.clear();
        if *is_quoted {
            for part in ["{\"", family, suffix, "\""] {
                key.push_str(part);
            }
        } else {
            key.push_str(family);
            key.push_str(suffix);
        }
        let mut has_brace = *is_quoted;
        let mut separate = |key: &mut String| {
            key.push(if has_brace { ',' } else { '{' });
            has_brace = true;
        };
        if !labels.is_empty() {
            separate(key);
            key.push_str(labels);
        }
        if let Some((label, place)) = bound {
            separate(key);
            for part in [label, "=\"", &bounds[place].1, "\""] {
                key.push_str(part);
            }
        }
        if has_brace {
            key.push('}');
        }
    }
}

/// A series as text writes it.
pub fn series_text<'a>(name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut key = SeriesKey::default();
    key.family(name);
    for (label, value) in labels {
        key.label(label, value);
    }
    key.series("").to_owned()
}

fn push_escaped(out: &mut String, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | b'\n')) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '"' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
}
