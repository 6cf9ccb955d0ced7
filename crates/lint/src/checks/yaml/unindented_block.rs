//! A block of code in a list item whose lines stand left of the item.

use bellwether_diag::{Severity, Span};

use crate::{Area, Block, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "unindented-block",
    area: Area::Yaml,
    severity: Severity::Warning,
    title: "code of a list item that is not indented as the item is",
    why: "A line left of a list item's text ends the item, and with it the block of code that began there: the code is \
          shown as a paragraph with its indentation lost, and the closing fence opens a block that swallows the rest of \
          the page. Indent all lines of the block as far as its fence.",
    wrong: &[("setup.md", "1. Add this:\n   ```yaml\nrule_files:\n  - rules.yml\n```\n2. Reload.\n")],
    right: &[(
        "setup.md",
        "1. Add this:\n   ```yaml\n   rule_files:\n     - rules.yml\n   ```\n2. Reload.\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for document in &setup.documents {
        for block in &document.blocks {
            if let Some(span) = escaping_line(setup, block) {
                report
                    .find(span, "this line stands left of the list item its block belongs to, and ends both")
                    .help(
                        "indent every line of the block, and the closing fence, as far as the opening fence",
                    );
            }
        }
    }
}

/// The first line of a block that stands left of the text of the list item the block is in.
fn escaping_line(setup: &Setup, block: &Block) -> Option<Span> {
    let text = setup.sources.text(block.span.file);
    let before = text.get(..block.span.start as usize)?.strip_suffix('\n')?;
    let fence = before.rsplit('\n').next()?;
    let indent = indentation(fence);
    let content = item_above(before.get(..before.len() - fence.len())?, indent)?;
    let mut at = block.span.start as usize;
    for line in text.get(block.span.range())?.split_inclusive('\n') {
        if !line.trim().is_empty() && indentation(line) < content {
            let start = at + indentation(line);
            return Some(Span::new(block.span.file, start..at + line.trim_end().len()));
        }
        at += line.len();
    }
    None
}

/// Where the text of the list item begins that a line of an indentation belongs to.
fn item_above(text: &str, indent: usize) -> Option<usize> {
    for line in text.lines().rev().filter(|line| !line.trim().is_empty()) {
        let own = indentation(line);
        if own >= indent {
            continue;
        }
        let content = own + mark_length(line.trim_start())?;
        return (content <= indent).then_some(content);
    }
    None
}

/// How long the mark of a list item is, with the blanks behind it.
fn mark_length(line: &str) -> Option<usize> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let mark = match digits {
        0 if line.starts_with(['-', '*', '+']) => 1,
        1..=9 if line[digits..].starts_with(['.', ')']) => digits + 1,
        _ => return None,
    };
    let blanks = line[mark..].bytes().take_while(|byte| *byte == b' ').count();
    (blanks > 0).then_some(mark + blanks.min(4))
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
