//! What documents tell people to do. What these checks have in common: the requests that commands make.

use crate::Setup;
use crate::setup::shell::{Command, Script, Word};

pub(crate) mod api_removed;
pub(crate) mod api_shape;
pub(crate) mod broken_fence;
pub(crate) mod broken_link;
pub(crate) mod json;
pub(crate) mod list_count;
pub(crate) mod mojibake;
pub(crate) mod not_in_alertmanager;
pub(crate) mod one_line_rule;
pub(crate) mod share_sum;
pub(crate) mod shell;
pub(crate) mod unknown_channel;

/// A request that a command makes.
struct Request<'a> {
    script: &'a Script,
    command: &'a Command,
    url: &'a Word,
    /// The filter of `jq` that reads the answer.
    filter: Option<&'a Word>,
}

/// Options of curl for a body.
const DATA: [&str; 6] = ["-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"];

impl<'a> Request<'a> {
    /// What is asked for, without the host: `/api/v1/alerts`.
    fn path(&self) -> &'a str {
        let after_scheme = self.url.text.split_once("://").map_or(self.url.text.as_str(), |(_, rest)| rest);
        let path = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
        path.split(['?', '#']).next().unwrap_or_default()
    }

    fn bodies(&self) -> Vec<&'a Word> {
        self.command.values(&DATA)
    }

    fn posts(&self) -> bool {
        let method = self.command.values(&["-X", "--request"]);
        method.iter().any(|word| word.text.ends_with("POST"))
            || (method.is_empty() && !self.bodies().is_empty())
    }

    fn is_to_alertmanager(&self) -> bool {
        is_alertmanager(&self.url.text)
    }

    fn is_to_prometheus(&self) -> bool {
        let host = host(&self.url.text);
        host.ends_with(":9090") || host.contains("prometheus")
    }
}

fn host(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.split(['/', '?']).next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether an address is that of an Alertmanager, by its port or its name.
fn is_alertmanager(url: &str) -> bool {
    let host = host(url);
    host.ends_with(":9093") || host.contains("alertmanager") || host.contains("alert_manager")
}

/// All bodies that commands send, also where the address is not written in the command.
fn bodies(setup: &Setup) -> impl Iterator<Item = (&Script, &Word)> {
    setup.scripts.iter().flat_map(|script| {
        let requests = script.commands.iter().filter(|command| command.is("curl"));
        requests.flat_map(|command| command.values(&DATA)).map(move |word| (script, word))
    })
}

/// All requests of all commands.
fn requests(setup: &Setup) -> Vec<Request<'_>> {
    let mut found = Vec::new();
    for script in &setup.scripts {
        for (index, command) in script.commands.iter().enumerate() {
            if !command.is("curl") && !command.is("wget") {
                continue;
            }
            let next = script.commands.get(index + 1).filter(|next| next.reads_pipe && next.is("jq"));
            let filter = next.and_then(|jq| jq.arguments().find(|word| !word.text.starts_with('-')));
            let is_url = |word: &&Word| {
                word.text.contains("://")
                    || word.text.starts_with("localhost")
                    || (word.text.starts_with('$') && word.text.contains('/'))
            };
            let values = command.values(&["-H", "--header", "-o", "-X", "-u", "-A", "-e", "-x"]);
            let is_value =
                |word: &&Word| values.iter().chain(&command.values(&DATA)).any(|it| it.place == word.place);
            if let Some(url) = command.arguments().find(|word| is_url(word) && !is_value(word)) {
                found.push(Request { script, command, url, filter });
            }
        }
    }
    found
}
