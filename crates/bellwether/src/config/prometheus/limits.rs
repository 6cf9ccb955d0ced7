//! What is refused for being too much. A limit of zero is none, and a job without one of its own has the global one.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, scalar};

/// Largest body unless something else is said; a metrics page of this size is a mistake.
const BODY_BYTES_MAX: u64 = 128 << 20;

/// What is refused for being too much. Zero is no limit, but for the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeLimits {
    /// Bytes of a body, once it is no longer compressed.
    pub body_bytes: u64,
    /// Samples of a scrape after relabelling.
    pub samples: u64,
    /// Targets of a job after relabelling.
    pub targets: u64,
    /// Labels of a series after relabelling.
    pub labels: u64,
    /// Bytes of a label's name.
    pub label_name_bytes: u64,
    /// Bytes of a label's value.
    pub label_value_bytes: u64,
    /// Dropped targets of a job that are remembered.
    pub dropped_targets: u64,
}

impl Default for ScrapeLimits {
    fn default() -> Self {
        Self {
            body_bytes: BODY_BYTES_MAX,
            samples: 0,
            targets: 0,
            labels: 0,
            label_name_bytes: 0,
            label_value_bytes: 0,
            dropped_targets: 0,
        }
    }
}

/// Limits as they are written; zero says nothing.
pub(super) struct LimitsWritten(ScrapeLimits);

impl LimitsWritten {
    pub(super) fn decode(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Self {
        let body = map.node("body_size_limit").filter(|node| !node.is_null());
        let mut number = |name, cx: &mut Cx<'_>| map.optional(name, cx).unwrap_or(0);
        Self(ScrapeLimits {
            body_bytes: body.and_then(|node| byte_size(node, cx)).unwrap_or(0),
            samples: number("sample_limit", cx),
            targets: number("target_limit", cx),
            labels: number("label_limit", cx),
            label_name_bytes: number("label_name_length_limit", cx),
            label_value_bytes: number("label_value_length_limit", cx),
            dropped_targets: number("keep_dropped_targets", cx),
        })
    }

    /// With what holds where nothing is written.
    pub(super) fn settle(self, otherwise: &ScrapeLimits) -> ScrapeLimits {
        let either = |own, otherwise| if own == 0 { otherwise } else { own };
        ScrapeLimits {
            body_bytes: either(self.0.body_bytes, otherwise.body_bytes),
            samples: either(self.0.samples, otherwise.samples),
            targets: either(self.0.targets, otherwise.targets),
            labels: either(self.0.labels, otherwise.labels),
            label_name_bytes: either(self.0.label_name_bytes, otherwise.label_name_bytes),
            label_value_bytes: either(self.0.label_value_bytes, otherwise.label_value_bytes),
            dropped_targets: either(self.0.dropped_targets, otherwise.dropped_targets),
        }
    }
}

/// Prometheus' byte sizes: `10MB`, `1.5GiB`, `0`. Both families of units count in powers of 1024.
pub(in crate::config) fn byte_size(node: &Node, cx: &mut Cx<'_>) -> Option<u64> {
    let text = &scalar(node, "a size such as 10MB", cx)?.text;
    let bytes = read_size(text);
    if bytes.is_none() {
        cx.error_help(node.span, format!("{text:?} is not a size"), "write it with a unit, like 10MB");
    }
    bytes
}

fn read_size(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B'))?;
    let power = ["", "K", "M", "G", "T", "P", "E"].iter().position(|known| *known == unit)?;
    let scale = 1u64 << (10 * power);
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(scale),
        Err(_) => {
            let bytes = number.parse::<f64>().ok()? * scale as f64;
            (bytes < 2f64.powi(63)).then_some(bytes as u64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_size;

    #[test]
    fn sizes_have_a_unit() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("0B", Some(0)),
            ("512B", Some(512)),
            ("10KB", Some(10 << 10)),
            ("10KiB", Some(10 << 10)),
            ("1.5MB", Some(3 << 19)),
            ("2GB", Some(2 << 30)),
            ("1EiB", Some(1 << 60)),
            ("100", None),
            ("100M", None),
            ("MB", None),
            ("1.2.3MB", None),
            ("-1MB", None),
            ("99999999EB", None),
            ("", None),
        ] {
            assert_eq!(read_size(text), bytes, "{text:?}");
        }
    }
}
