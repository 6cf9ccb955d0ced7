//! A series as OpenMetrics writes it: the grammar of the text format without its blanks. Whatever is read here reads the
//! same there, so that one decoder serves both.

use crate::Problem;
use crate::scan_error::Fault;
use crate::series::{Part, Text, bare_metric_name_end, read_label_name, read_quoted};

/// Takes in a part of a series.
type Tell<'t, 'a> = &'t mut dyn FnMut(usize, Part<'a>) -> Result<(), Fault>;

/// Reads the series that a line begins with; tells its parts and gives the byte after it.
#[inline]
pub(crate) fn read_strict_series<'a>(
    line: &'a str,
    tell: &mut impl FnMut(usize, Part<'a>) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    let bytes = line.as_bytes();
    let name_end = bare_metric_name_end(bytes, 0);
    let mut has_name = name_end > 0;
    if has_name {
        tell(0, Part::Name(Text { raw: &line[..name_end], has_escapes: false }))?;
    }
    if bytes.get(name_end) != Some(&b'{') {
        return if has_name {
            Ok(name_end)
        } else {
            Err(Fault::expected(line, 0, "a metric name, an opening brace, or `# ` and a comment's word"))
        };
    }
    let end = read_labels(line, name_end, Names::Series(&mut has_name), tell)?;
    if !has_name {
        return Err(Fault::new(name_end, Problem::NameMissing));
    }
    Ok(end)
}

/// Reads the labels of an exemplar, whose brace opens at `open`; gives the byte after the closing one.
pub(crate) fn read_exemplar_labels(line: &str, open: usize) -> Result<usize, Fault> {
    read_labels(line, open, Names::Exemplar, &mut |_, _| Ok(()))
}

/// Whether a metric's name may stand among the labels.
enum Names<'n> {
    /// Once, unless it stood before the brace.
    Series(&'n mut bool),
    /// Never.
    Exemplar,
}

fn read_labels<'a>(
    line: &'a str,
    open: usize,
    mut names: Names<'_>,
    tell: Tell<'_, 'a>,
) -> Result<usize, Fault> {
    let bytes = line.as_bytes();
    let mut at = open + 1;
    while bytes.get(at) != Some(&b'}') {
        let start = at;
        let is_quoted = bytes.get(start) == Some(&b'"');
        let (name, name_end) = read_label_name(line, start)?;
        at = match (&mut names, bytes.get(name_end)) {
            (Names::Series(has_name), Some(b',' | b'}')) if is_quoted => {
                if **has_name {
                    return Err(Fault::new(start, Problem::NameTwice(name.decoded().into_owned())));
                }
                **has_name = true;
                tell(start, Part::Name(name))?;
                name_end
            }
            (_, Some(b'=')) => {
                if bytes.get(name_end + 1) != Some(&b'"') {
                    return Err(Fault::expected(line, name_end + 1, "a value in double quotes"));
                }
                let (value, value_end) = read_quoted(line, name_end + 1)?;
                tell(start, Part::Label { name, value })?;
                value_end
            }
            _ => return Err(Fault::expected(line, name_end, "= after the label name")),
        };
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b'}') => {}
            _ => return Err(Fault::expected(line, at, "a comma or a closing brace")),
        }
    }
    Ok(at + 1)
}
