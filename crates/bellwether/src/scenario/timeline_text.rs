//! A timeline for people at a terminal, 80 columns wide.

use bellwether_diag::Style;

use super::model::Scenario;
use super::player::Played;
use super::timeline::{Kind, entries};
use crate::output::wrapped;

/// Columns of a moment and of the word behind it.
const HEAD: usize = 22;

/// All runs of a scenario: each with its timeline, then what was as expected.
pub fn text(scenario: &Scenario, all: &[Played], style: Style) -> String {
    let mut page = Page { style, text: String::new() };
    page.lines(&format!("{}: ", scenario.name), &scenario.about, None);
    page.line("");
    for played in all {
        page.run(played);
    }
    let good = all.iter().filter(|played| played.is_good()).count();
    let colour = if good == all.len() { GREEN } else { RED };
    page.lines("", &format!("{good} of {} runs as expected", all.len()), Some(colour));
    page.text
}

const GREEN: &str = "32";
const RED: &str = "1;31";
const YELLOW: &str = "33";
const BLUE: &str = "36";

const fn colour_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Fault | Kind::Firing => Some(YELLOW),
        Kind::Repair | Kind::Resolved => Some(GREEN),
        Kind::Told | Kind::ToldResolved => Some(BLUE),
        Kind::Refused | Kind::Unmet => Some(RED),
        Kind::Deed | Kind::Pending => None,
    }
}

struct Page {
    style: Style,
    text: String,
}

impl Page {
    fn run(&mut self, played: &Played) {
        let met = played.verdicts.iter().filter(|verdict| verdict.holds).count();
        let (sign, colour) = if played.is_good() { ("✓", GREEN) } else { ("✗", RED) };
        let facts =
            format!("{}: {met} of {} as expected in {}", played.name, played.verdicts.len(), played.length);
        self.lines(&format!("{sign} "), &facts, Some(colour));
        self.lines("  ", &played.about, None);
        let problems = played.problems.lines().filter(|line| played.is_left_out && !line.trim().is_empty());
        for problem in problems {
            self.line(&format!("  {problem}"));
        }
        for entry in entries(played) {
            let head = format!("  {:>9}  {:<9}", entry.at.to_string(), entry.kind.as_str());
            self.lines(&format!("{head:<HEAD$}"), &entry.text, colour_of(entry.kind));
        }
        for verdict in played.verdicts.iter().filter(|verdict| verdict.holds) {
            let got = if verdict.got.is_empty() { String::new() } else { format!(" ({})", verdict.got) };
            self.lines("  ✓ ", &format!("{}{got}", verdict.expected), Some(GREEN));
        }
        self.line("");
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A text behind its head, broken at 80 columns; nothing where there is no text.
    fn lines(&mut self, head: &str, text: &str, colour: Option<&str>) {
        if text.is_empty() {
            return;
        }
        for line in wrapped(head, text, head.chars().count()) {
            match colour.filter(|_| self.style.color) {
                Some(colour) => self.line(&format!("\x1b[{colour}m{}\x1b[0m", line.trim_end())),
                None => self.line(&line),
            }
        }
    }
}
