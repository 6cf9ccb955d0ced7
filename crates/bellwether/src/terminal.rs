//! What depends on whether a person looks: colours and progress. In a pipe or a log there is neither.

use std::io::IsTerminal;

use bellwether_diag::Style;
use indicatif::{ProgressBar, ProgressStyle};

/// How problems are rendered on this stream. `NO_COLOR` is honoured: see <https://no-color.org>.
pub fn style(stream: &impl IsTerminal) -> Style {
    Style { color: stream.is_terminal() && std::env::var_os("NO_COLOR").is_none() }
}

/// A spinner on a terminal, nothing elsewhere.
pub fn spinner(template: &str) -> ProgressBar {
    progress(ProgressBar::new_spinner, template)
}

/// A bar on a terminal, nothing elsewhere; whoever moves it sets its length.
pub fn bar(template: &str) -> ProgressBar {
    progress(|| ProgressBar::new(0), template)
}

fn progress(make: impl FnOnce() -> ProgressBar, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (progress, style) = (make(), ProgressStyle::with_template(template));
    progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    progress
}
