//! What an import says at its end: sentences with numbers.

use bellwether_model::{TimeDelta, TimeRange, Timestamp};
use bellwether_tsdb::ImportReport;

use crate::cli::import::Destination;
use crate::output::{say, say_wrapped};

/// Facts that only the source knows, gathered on the way.
#[derive(Debug)]
pub(super) struct Summary {
    kept_from: Timestamp,
    retention: TimeDelta,
    /// Parts that an earlier import had done, as a word for what they are.
    pub(super) done_before: Option<(u64, &'static str)>,
    /// What is there and cannot be taken over, and how much of it.
    pub(super) left_out: Vec<String>,
    /// What is damaged.
    pub(super) damaged: u64,
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 sample`, `2 samples`.
pub(super) fn counted(number: u64, word: &str) -> String {
    let plural = match (number, word) {
        (1, _) => word.to_owned(),
        (_, "series") => word.to_owned(),
        _ => format!("{word}s"),
    };
    format!("{} {plural}", grouped(number))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn span(range: TimeRange) -> String {
    let text = |at: Timestamp| at.to_string().replace(".000Z", "Z");
    format!("from {} to {}", text(range.start), text(range.end))
}

impl Summary {
    pub(super) const fn new(kept_from: Timestamp, retention: TimeDelta) -> Self {
        Self { kept_from, retention, done_before: None, left_out: Vec::new(), damaged: 0 }
    }

    pub(super) fn print(&self, flags: &Destination, report: &ImportReport, series: usize, seconds: f64) {
        for sentence in self.sentences(flags, report, series as u64, seconds) {
            say_wrapped("", &sentence);
        }
        if report.samples > 0 && !flags.dry_run {
            say("");
            let text = if flags.server.is_some() {
                "Objectives that are counted already do not change. Those that are new from now on are counted from these \
                 samples too; to have all counted anew, stop the server and import once more with --data and --recount."
            } else if flags.recount {
                "The next start counts all budgets anew, from the samples that are there then."
            } else {
                "Objectives that are counted already do not change. Those that are new at the next start are \
                 counted from these samples too; to have all counted anew, import once more with --recount."
            };
            say_wrapped("", text);
        }
    }

    fn sentences(
        &self,
        flags: &Destination,
        report: &ImportReport,
        series: u64,
        seconds: f64,
    ) -> Vec<String> {
        let mut sentences = Vec::new();
        let (samples, series) = (counted(report.samples, "sample"), counted(series, "series"));
        sentences.push(match report.range {
            Some(range) if flags.dry_run => {
                format!("{samples} of {series} would be imported, {}.", span(range))
            }
            Some(range) => {
                let rate = grouped((report.seen() as f64 / seconds.max(0.001)) as u64);
                let (size, segments) = (size(report.bytes), counted(report.segments, "segment"));
                format!(
                    "Imported {samples} of {series}, {}: {segments} with {size} in {seconds:.1}s, {rate} samples a \
                     second.",
                    span(range)
                )
            }
            None => "There was nothing new to import.".to_owned(),
        });
        if let Some((count, word)) = self.done_before {
            sentences.push(format!("An earlier import had done {} already.", counted(count, word)));
        }
        let told = [
            (report.known, "there already and not doubled".to_owned()),
            (report.conflicting, "of moments for which another value is there, which stays".to_owned()),
            (
                report.too_old,
                format!(
                    "too old: samples are kept for {}, which is since {}",
                    self.retention,
                    self.kept_from.to_string().replace(".000Z", "Z")
                ),
            ),
            (report.too_new, "later than now, and left out".to_owned()),
            (report.malformed, "histograms with buckets that cannot be, and left out".to_owned()),
        ];
        for (count, text) in told.into_iter().filter(|(count, _)| *count > 0) {
            let are = if count == 1 { "is" } else { "are" };
            let were = if flags.dry_run {
                are
            } else if count == 1 {
                "was"
            } else {
                "were"
            };
            sentences.push(format!("{} {were} {text}.", counted(count, "sample")));
        }
        sentences.extend(self.left_out.iter().cloned());
        if self.damaged > 0 {
            sentences.push(format!(
                "{} could not be read and did not come along.",
                counted(self.damaged, "damaged part")
            ));
        }
        sentences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        let check = |number, text: &str| assert_eq!(grouped(number), text);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(1_234_567, "1,234,567");
    }
}
