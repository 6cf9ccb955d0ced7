//! Commands of an outage that mislead: the oldest events for the latest, a probe that never ends, a change in another
//! namespace, a program of one system only.

use std::collections::BTreeMap;

use bellwether_diag::Severity;

use crate::setup::shell::{Command, Script, Word};
use crate::{Report, Setup};

pub(super) fn look(setup: &Setup, script: &Script, report: &mut Report) {
    for (index, command) in script.commands.iter().enumerate() {
        let Some(name) = command.name() else { continue };
        let span = script.span(name.place.clone());
        match name.text.as_str() {
            "open"
                if is_first_open(setup, script, command)
                    && command.arguments().any(|word| word.text.contains("://")) =>
            {
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
                other_namespace(setup, script, command, report);
            }
            _ => {}
        }
    }
}

/// Whether no command of the document before this one opens something: once is enough.
fn is_first_open(setup: &Setup, script: &Script, command: &Command) -> bool {
    let document = script.section.map(|section| section.document);
    let same = setup.scripts.iter().filter(|other| match document {
        Some(_) => other.section.map(|section| section.document) == document,
        None => other.file == script.file,
    });
    let first = same.flat_map(|other| &other.commands).find(|other| other.is("open"));
    first.is_some_and(|first| std::ptr::eq(first, command))
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
fn other_namespace(setup: &Setup, script: &Script, command: &Command, report: &mut Report) {
    let Some((name, None)) = object(command) else { return };
    if command.has(&["-A", "--all-namespaces"]) || command.is("config") {
        return;
    }
    let document = script.section.map(|section| section.document);
    let same = setup.scripts.iter().filter(|other| other.section.map(|section| section.document) == document);
    let mut namespaces: BTreeMap<String, usize> = BTreeMap::new();
    for other in same.flat_map(|other| &other.commands).filter(|other| other.is("kubectl")) {
        if let Some((other, Some(namespace))) = object(other)
            && other == name
        {
            *namespaces.entry(namespace).or_default() += 1;
        }
    }
    let Some((namespace, count)) = namespaces.iter().next().filter(|_| namespaces.len() == 1) else { return };
    let Some(word) = command.name() else { return };
    report
        .find(
            script.span(word.place.clone()),
            format!("{name} is in the namespace {namespace} in {count} other commands, and in the default one here"),
        )
        .help(format!("add -n {namespace}"));
}
