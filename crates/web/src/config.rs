//! The configuration in force, and what the linter says of its files: what will not work is better read here than found
//! out at night.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use crate::Shared;
use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{ConfigFileView, ConfigView, FindingSeverity, FindingView};

pub(crate) async fn config(State(app): State<Shared>) -> Response {
    let config = app.config();
    let now = app.now();
    let main = html! {
        h1 { (heading(&config)) }
        p.dim {
            (parts::plural(config.files.len(), "file")) " of " code { (config.name) } ", read "
            (parts::relative(config.loaded_at, now)) ". "
            (parts::command("bellwether lint --explain ID")) " says what an id means and how it is switched off."
        }
        @if !config.is_current {
            p.note.bad { "The files have changed since, and what they say now was refused; this is what runs." }
        }
        @for file in config.files.iter().filter(|file| !file.findings.is_empty()) { (findings(file)) }
        @if config.files.iter().any(|file| file.findings.is_empty()) { (clean(&config)) }
        @if !config.yaml.is_empty() {
            details { summary { "The configuration as it runs, without secrets" } pre.mono { (config.yaml) } }
        }
    };
    page::respond(app.as_ref(), Nav::Config, "Configuration", &main)
}

fn heading(config: &ConfigView) -> String {
    let all = || config.files.iter().flat_map(|file| &file.findings);
    let of = |severity| all().filter(|finding| finding.severity == severity).count();
    let counts = [
        (of(FindingSeverity::Error), "error"),
        (of(FindingSeverity::Warning), "warning"),
        (of(FindingSeverity::Note), "note"),
    ];
    let said: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| parts::plural(*n, name)).collect();
    match said.is_empty() {
        true => "Nothing is wrong with the configuration".to_owned(),
        false => format!("{} in the configuration", said.join(", ")),
    }
}

fn findings(file: &ConfigFileView) -> Markup {
    html! {
        section {
            h2 { code { (file.name) } }
            div.scroll { table.stack {
                thead { tr { th scope="col" { "Line" } th scope="col" { "Finding" } th scope="col" { "Id" } } }
                tbody { @for finding in &file.findings { (row(finding)) } }
            } }
        }
    }
}

fn row(finding: &FindingView) -> Markup {
    let (tone, word) = match finding.severity {
        FindingSeverity::Error => (Tone::Bad, "error"),
        FindingSeverity::Warning => (Tone::Warn, "warning"),
        FindingSeverity::Note => (Tone::Quiet, "note"),
    };
    html! {
        tr {
            td.t data-k="Line" { span.mono { (finding.line) ":" (finding.column) } }
            th.w scope="row" {
                (finding.message)
                @if let Some(help) = &finding.help { div.dim.small { (help) } }
            }
            td data-k="Id" { (parts::tag(tone, word)) " " code { (finding.id) } }
        }
    }
}

fn clean(config: &ConfigView) -> Markup {
    let clean = config.files.iter().filter(|file| file.findings.is_empty());
    html! {
        section {
            h2 { "Nothing to say of" }
            ul { @for file in clean { li { code { (file.name) } } } }
        }
    }
}
