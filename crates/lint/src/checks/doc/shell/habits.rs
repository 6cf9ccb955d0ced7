//! Commands of an outage that mislead: the oldest events for the latest, a probe that never ends, a change in another
//! namespace, a program of one system only.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{FileId, Severity};

use crate::setup::shell::{Command, Script, Word};
use crate::{Report, Setup};

/// A document, or a script by itself.
type Whole = (Option<usize>, Option<FileId>);

/// What is known of all commands of a document.
pub(super) struct Known {
    /// In which namespaces an object is looked for, and how often.
    namespaces: BTreeMap<(Whole, String), BTreeMap<String, usize>>,
    /// Where `open` has been spoken of: once is enough.
    opened: BTreeSet<Whole>,
}

impl Known {
    pub(super) fn of(setup: &Setup) -> Self {
        let mut namespaces: BTreeMap<_, BTreeMap<String, usize>> = BTreeMap::new();
        for script in &setup.scripts {
            for command in script.commands.iter().filter(|command| command.is("kubectl")) {
                if let Some((name, Some(namespace))) = object(command) {
                    *namespaces.entry((whole(script), name)).or_default().entry(namespace).or_default() += 1;
                }
            }
        }
        Self { namespaces, opened: BTreeSet::new() }
    }
}

fn whole(script: &Script) -> Whole {
    match script.section {
        Some(section) => (Some(section.document), None),
        None => (None, Some(script.file)),
    }
}

pub(super) fn look(script: &Script, known: &mut Known, report: &mut Report) {
    for (index, command) in script.commands.iter().enumerate() {
        let Some(name) = command.name() else { continue };
        let span = script.span(name.place.clone());
        match name.text.as_str() {
            "open" if opens_address(command) && known.opened.insert(whole(script)) => {
                report
                    .find(span, "open is a command of macOS only")
                    .help("give the address, or write xdg-open for Linux as well")
                    .severity(Severity::Note);
            }
            "ping" if !counts(command) && script.commands.get(index + 1).is_some() => {
                report
                    .find(span, "ping does not end by itself, so what follows is never run")
                    .help("write ping -c 3")
                    .severity(Severity::Note);
            }
            "kubectl" => {
                oldest_first(script, index, report);
                other_namespace(script, command, known, report);
            }
            _ => {}
        }
    }
}

fn opens_address(command: &Command) -> bool {
    command.arguments().any(|word| word.text.contains("://"))
}

/// Whether a ping stops after some packets or seconds.
fn counts(command: &Command) -> bool {
    command.arguments().any(|word| ["-c", "-w", "-n"].iter().any(|option| word.text.starts_with(option)))
}

/// Sorting by time puts the oldest first, and `head` keeps them.
fn oldest_first(script: &Script, index: usize, report: &mut Report) {
    let command = &script.commands[index];
    let is_by_time = |word: &&Word| {
        let lower = word.text.to_ascii_lowercase();
        lower.starts_with("--sort-by") && lower.contains("timestamp")
    };
    let Some(sort) = command.arguments().find(is_by_time) else { return };
    let piped = script.commands[index + 1..].iter().take_while(|next| next.reads_pipe);
    let kept = piped.take_while(|next| !next.is("tac") && !next.is("sort")).find(|next| next.is("head"));
    let Some(head) = kept.and_then(Command::name) else { return };
    report
        .find(
            script.span(sort.place.start..head.place.end),
            "sorted by time the oldest come first, and head keeps those",
        )
        .help("write tail instead of head");
}

/// The object a command is about and its namespace: `deployment/api`, or `service api`.
fn object(command: &Command) -> Option<(String, Option<String>)> {
    let namespace = command
        .values(&["-n", "--namespace"])
        .first()
        .map(|word| word.text.split_once('=').map_or(word.text.clone(), |(_, name)| name.to_owned()));
    let words: Vec<&Word> = command.arguments().filter(|word| !word.text.starts_with('-')).collect();
    let slashed = words.iter().find_map(|word| {
        let (kind, name) = word.text.split_once('/')?;
        let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
        (is_kind && !name.contains('/')).then(|| name.to_owned())
    });
    let kinds = ["service", "svc", "deployment", "deploy", "pod", "statefulset", "configmap", "ingress"];
    let named = || {
        let at = words.iter().position(|word| kinds.contains(&word.text.as_str()))?;
        words.get(at + 1).map(|word| word.text.clone())
    };
    Some((slashed.or_else(named)?, namespace))
}

/// An object that all other commands of the document look for in one namespace, and this one in the default.
fn other_namespace(script: &Script, command: &Command, known: &Known, report: &mut Report) {
    let Some((name, None)) = object(command) else { return };
    if command.has(&["-A", "--all-namespaces"]) {
        return;
    }
    let namespaces = known.namespaces.get(&(whole(script), name.clone()));
    let Some(namespaces) = namespaces.filter(|namespaces| namespaces.len() == 1) else { return };
    let (Some((namespace, count)), Some(word)) = (namespaces.iter().next(), command.name()) else { return };
    report
        .find(
            script.span(word.place.clone()),
            format!("{name} is in the namespace {namespace} in {count} other commands, and in the default one here"),
        )
        .help(format!("add -n {namespace}"));
}
