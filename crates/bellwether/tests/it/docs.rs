//! What the documents say is tried: every YAML example is read by `bellwether check`, every command and flag of the
//! program stands in `docs/cli.md`, and every link leads somewhere.
//!
//! A document is read by the person who has never seen the program; an example that is refused costs them the evening.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bellwether_testkit::cases::ran;

use crate::process::{Folder, run, text};

/// What a `bellwether.yml` may hold; a block of these is a whole configuration, other keys are fields of an objective.
const SECTIONS: [&str; 13] = [
    "prometheus",
    "source",
    "probes",
    "slos",
    "rules",
    "alertmanager",
    "alertmanagers",
    "delivery",
    "ack_deadline",
    "storage",
    "receive",
    "external_url",
    "dashboards",
];

/// What examples that are a part of an objective refer to.
const COMPANIONS: &str = "
  - {name: login, service: shop, goal: 99.9%, window: 30d, indicator: {ratio: {bad: login_bad, total: login_all}}}
  - {name: search, service: shop, goal: 99%, window: 30d, indicator: {ratio: {bad: search_bad, total: search_all}}}
  - {name: pay, service: shop, goal: 99%, window: 30d, indicator: {ratio: {bad: pay_bad, total: pay_all}}}
probes:
  - {name: frontend, interval: 15s, timeout: 5s, http: {url: https://shop.example.org/}}
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All pages for people, by their path below the project.
fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    for folder in [".", "docs", "docs/design", "docs/how-to", "docs/runbooks", "docs/workshop", "scenarios"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                let path = format!("{folder}/{name}").replace("./", "");
                let page = std::fs::read_to_string(root().join(&path)).unwrap();
                pages.insert(path, page);
            }
        }
    }
    pages
}

/// A fenced block of a page.
struct Block {
    line: usize,
    language: String,
    /// The file the page says it is: `` `NAME`: `` in the paragraph before it, or a comment in its first line.
    file: Option<String>,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut before) = (false, "");
    for (index, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(language) if !open => {
                let named = before.strip_prefix('`').filter(|_| before.ends_with(':'));
                let file = named.and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
                let file =
                    file.filter(|name| name.contains('.') && !name.starts_with('/')).map(str::to_owned);
                blocks.push(Block { line: index + 1, language: language.into(), file, text: String::new() });
                (open, before) = (true, "");
            }
            Some(_) => open = false,
            None if open => writeln!(blocks.last_mut().unwrap().text, "{line}").unwrap(),
            None if !line.is_empty() => before = line,
            None => {}
        }
    }
    for block in &mut blocks {
        let comment = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
        let comment = comment.filter(|name| name.ends_with(".yml")).map(str::to_owned);
        block.file = block.file.take().or(comment);
    }
    blocks
}

/// The fields of a block with their lines, in order; a list is one field without a name.
fn fields(block: &str) -> Vec<(String, String)> {
    let margin =
        block.lines().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len());
    let margin = margin.min().unwrap_or(0);
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in block.lines().map(|line| line.get(margin..).unwrap_or("")) {
        if !line.starts_with([' ', '#', '-']) && line.contains(':') {
            fields.push((line.split(':').next().unwrap().to_owned(), String::new()));
        } else if fields.is_empty() {
            fields.push((String::new(), String::new()));
        }
        writeln!(fields.last_mut().unwrap().1, "{line}").unwrap();
    }
    fields
}

/// The whole configurations that an example stands for. One that is a part of an objective is put into one; where it
/// names a field several times it shows several ways of writing it.
fn configurations(block: &Block) -> Vec<String> {
    let fields = fields(&block.text);
    if block.file.is_some() || fields.iter().all(|(name, _)| SECTIONS.contains(&name.as_str())) {
        return vec![block.text.clone()];
    }
    if fields[0].0.is_empty() {
        return vec![format!("probes:\n{}", fields[0].1)];
    }
    let names: BTreeSet<&String> = fields.iter().map(|(name, _)| name).collect();
    let ways = if names.len() == fields.len() {
        vec![fields]
    } else {
        fields.into_iter().map(|field| vec![field]).collect()
    };
    ways.iter().map(|fields| objective(fields)).collect()
}

/// An objective with these fields; what they leave open is filled in.
fn objective(fields: &[(String, String)]) -> String {
    let mut objective = String::from("slos:\n  - name: example\n");
    let usual =
        [("goal", "99.9%"), ("window", "30d"), ("indicator", "{ratio: {bad: bad_total, total: all_total}}")];
    for (name, value) in usual {
        if fields.iter().all(|(field, _)| field != name) {
            writeln!(objective, "    {name}: {value}").unwrap();
        }
    }
    for line in fields.iter().flat_map(|(_, lines)| lines.lines()) {
        writeln!(objective, "    {line}").unwrap();
    }
    objective + COMPANIONS
}

#[test]
fn every_example_in_the_documents_is_accepted() {
    let (mut wrong, mut number) = (Vec::new(), 0);
    for (path, page) in pages() {
        let folder = Folder::new(&format!("docs-{}", path.replace('/', "-")));
        let blocks = blocks(&page);
        for (name, text) in blocks.iter().filter_map(|block| Some((block.file.as_ref()?, &block.text))) {
            std::fs::create_dir_all(folder.path(name).parent().unwrap()).unwrap();
            folder.write(name, text);
        }
        for block in blocks.iter().filter(|block| block.language == "yaml") {
            for (index, configuration) in configurations(block).iter().enumerate() {
                let name = block.file.clone().unwrap_or_else(|| format!("line-{}-{index}.yml", block.line));
                let ended = run(&["check", text(&folder.write(&name, configuration))]);
                number += 1;
                if ended.code != Some(0) {
                    wrong.push(format!("{path}:{}: {}{}", block.line, ended.stdout, ended.stderr));
                }
            }
        }
    }
    ran("docs/examples", number);
    assert!(number > 30, "only {number} examples were found");
    assert!(wrong.is_empty(), "{} of {number} examples are refused:\n{}", wrong.len(), wrong.join("\n"));
}

/// The commands of the program with the flags of each, as `--help` prints them.
fn commands(path: &[&str], found: &mut Vec<(String, Vec<String>)>) {
    let arguments: Vec<_> = path.iter().copied().chain(["--help"]).collect();
    let help = run(&arguments).stdout;
    let (mut in_commands, mut flags, mut below) = (false, Vec::new(), Vec::new());
    for line in help.lines() {
        if !line.starts_with(' ') && !line.is_empty() {
            in_commands = line.starts_with("Commands:");
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let indent = line.len() - line.trim_start().len();
        if in_commands && indent == 2 && words[0] != "help" {
            below.push(words[0].to_owned());
        }
        let flag = words.iter().take(2).find(|word| word.starts_with("--"));
        if let Some(flag) = flag.filter(|_| (2..10).contains(&indent)) {
            flags.push(flag.trim_end_matches("...").trim_end_matches(',').to_owned());
        }
    }
    if below.is_empty() {
        found.push((path.join(" "), flags));
    }
    for name in below {
        let path: Vec<_> = path.iter().copied().chain([name.as_str()]).collect();
        commands(&path, found);
    }
}

#[test]
fn every_command_and_flag_is_documented() {
    let page = &pages()["docs/cli.md"];
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 25, "{found:?}");
    let mut missing = Vec::new();
    for (command, flags) in &found {
        // Its own heading, or that of the family it belongs to.
        let words: Vec<_> = command.split(' ').collect();
        let sections = || page.split("\n## ").skip(1);
        let exact = sections().find(|section| section.lines().next() == Some(command.as_str()));
        let section = exact.or_else(|| {
            sections().find(|section| {
                let heading = section.lines().next().unwrap();
                let named: BTreeSet<_> = heading.split([' ', ',']).collect();
                words.iter().all(|word| named.contains(word)) || heading == words[..words.len() - 1].join(" ")
            })
        });
        let Some(section) = section else {
            missing.push(format!("{command}: no section"));
            continue;
        };
        let family = words.last().unwrap();
        if !section.contains(family) {
            missing.push(format!("{command}: not in its section"));
        }
        let everywhere = ["--help", "--version", "--server", "--format"];
        let flags = flags.iter().filter(|flag| !everywhere.contains(&flag.as_str()));
        missing.extend(
            flags.filter(|flag| !section.contains(flag.as_str())).map(|flag| format!("{command} {flag}")),
        );
    }
    assert!(missing.is_empty(), "not in docs/cli.md:\n{}", missing.join("\n"));
}

/// The anchors of a page as GitHub makes them of its headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let headings = page.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced && line.starts_with('#')
    });
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    let anchor = |line: &str| {
        line.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>()
    };
    headings.map(|line| anchor(line).replace(' ', "-")).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut broken = Vec::new();
    for (path, page) in &pages {
        for link in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") || link.contains(' ') {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                root().join(path)
            } else {
                root().join(path).parent().unwrap().join(file)
            };
            let Ok(target) = target.canonicalize() else {
                broken.push(format!("{path}: {link}: no such file"));
                continue;
            };
            if !anchor.is_empty() && !anchors(&std::fs::read_to_string(&target).unwrap()).contains(anchor) {
                broken.push(format!("{path}: {link}: no such heading"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_that_a_page_names_is_there() {
    let mut gone = Vec::new();
    for (path, page) in pages() {
        for name in page.split('`').filter(|text| !text.contains(char::is_whitespace)) {
            let is_path =
                ["crates/", "xtask/", "bellwether/src/", "slo/src/"].iter().any(|p| name.starts_with(p));
            if !is_path || name.contains(['*', '{', '…']) {
                continue;
            }
            let is_there = [root(), root().join("crates")].iter().any(|folder| folder.join(name).exists());
            if !is_there {
                gone.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(gone.is_empty(), "{}", gone.join("\n"));
}

#[test]
fn every_page_is_in_the_list_and_designs_have_numbers_without_gaps() {
    let pages = pages();
    let list = &pages["docs/README.md"];
    let mut number = 0;
    // Runbooks and the workshop have lists of their own.
    let listed = |path: &&str| {
        path.ends_with("/README.md") || !["runbooks/", "workshop/"].iter().any(|own| path.starts_with(own))
    };
    let below = pages.keys().filter_map(|path| path.strip_prefix("docs/")).filter(listed);
    for path in below.filter(|path| *path != "README.md") {
        assert!(list.contains(&format!("]({path})")), "docs/README.md does not list {path}");
        if let Some(name) = path.strip_prefix("design/") {
            number += 1;
            assert!(name.starts_with(&format!("{number:03}-")), "{name} should be number {number}");
        }
    }
    assert!(number > 0);
}
