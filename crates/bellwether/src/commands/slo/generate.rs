//! `bellwether slo generate FILE…`: objectives as rules for Prometheus. Nothing is written when anything is wrong, since
//! a rule that is missing is an alert that never fires.

use std::path::{Path, PathBuf};

use bellwether_diag::{Diagnostics, FileId, Sources};
use bellwether_slo::generate::{GenerateOptions, RuleDocument, Shape, generate, to_yaml};
use bellwether_slo::{Documents, Strictness};

use crate::cli::slo::{Generate, RuleDialect};
use crate::failure::Failure;
use crate::output::say;
use crate::terminal;

/// Writes the rules.
pub(super) fn run(arguments: &Generate) -> Result<(), Failure> {
    let (mut sources, mut problems) = (Sources::new(), Diagnostics::new());
    let mut documents = Documents::default();
    let mut files = Vec::new();
    for path in &arguments.files {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::wrong(format!("cannot read {}: {error}", path.display())))?;
        let file = sources.add(path.display().to_string(), text);
        documents.add_file(&sources, file, &mut problems);
        files.push((path, file));
    }
    let options = GenerateOptions {
        shape: match arguments.dialect {
            RuleDialect::Bellwether => Shape::Exact,
            RuleDialect::Sloth => Shape::Sloth,
        },
        strictness: if arguments.lenient { Strictness::Lenient } else { Strictness::Strict },
        extra_labels: arguments.extra_labels.iter().cloned().collect(),
        sloth_period: arguments.sloth_period,
    };
    let made = generate(&documents, &sources, &options, &mut problems);
    let text = problems.render(&sources, terminal::style(&std::io::stderr()));
    if !text.is_empty() {
        eprint!("{text}");
    }
    if problems.has_errors() {
        return Err(Failure::Reported);
    }
    match &arguments.output {
        None => say(to_yaml(&made, NOTE).trim_end()),
        Some(path) if is_folder(path) => {
            let texts = by_file(&made, &files);
            if let Some((name, _)) = texts
                .iter()
                .enumerate()
                .find_map(|(i, one)| texts[..i].iter().any(|(name, _)| *name == one.0).then_some(one))
            {
                let sentence =
                    format!("two files are called {}; write their rules one by one", name.display());
                return Err(Failure::wrong(sentence));
            }
            for (name, text) in texts {
                write(&path.join(name), &text)?;
            }
        }
        Some(path) => write(path, &to_yaml(&made, NOTE))?,
    }
    Ok(())
}

/// What stands at the top of every file.
const NOTE: &str = "made by bellwether slo generate; change the objectives instead";

/// A path that is a folder, or is said to be one by its end.
fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with(['/', '\\'])
}

/// The rules of each file of objectives, under its own name.
fn by_file(made: &[RuleDocument], files: &[(&PathBuf, FileId)]) -> Vec<(PathBuf, String)> {
    let of = |file: FileId| made.iter().filter(|rules| rules.file == Some(file)).cloned().collect::<Vec<_>>();
    let with_rules =
        files.iter().map(|(path, file)| (path, of(*file))).filter(|(_, rules)| !rules.is_empty());
    with_rules
        .filter_map(|(path, rules)| Some((PathBuf::from(path.file_name()?), to_yaml(&rules, NOTE))))
        .collect()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("cannot write {}: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
