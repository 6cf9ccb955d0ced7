//! Matchers as people type them: one a line or comma apart, with or without quotes and braces:
//! `alertname="DiskFull", team=~"a|b"`.

use bellwether_model::{MatchOp, Matcher};

/// A text longer than this is no selector that anybody typed.
const BYTES_MAX: usize = 16 << 10;

/// Reads matchers; the error says which one is wrong and how it should look.
pub(crate) fn read(text: &str) -> Result<Vec<Matcher>, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("matchers are longer than {BYTES_MAX} bytes"));
    }
    let inner = text.trim();
    let inner = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inner);
    let pieces: Vec<String> = split(inner)?;
    let matchers = pieces.iter().map(|piece| read_one(piece)).collect::<Result<Vec<_>, _>>()?;
    if matchers.is_empty() {
        return Err("at least one matcher is needed, such as alertname=\"DiskFull\"".to_owned());
    }
    Ok(matchers)
}

/// As a silence for exactly this label would be written.
pub(crate) fn write_equal(name: &str, value: &str) -> String {
    Matcher::equal(name, value).to_string()
}

/// Cuts at commas and line ends outside of quotes.
fn split(text: &str) -> Result<Vec<String>, String> {
    let (mut pieces, mut piece, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            ',' | '\n' if !quoted => pieces.push(std::mem::take(&mut piece)),
            _ => {
                quoted ^= c == '"' && !escaped;
                piece.push(c);
            }
        }
        escaped = c == '\\' && !escaped;
    }
    if quoted {
        return Err(format!("a quote is opened and not closed in {:?}", piece.trim()));
    }
    pieces.push(piece);
    Ok(pieces.into_iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect())
}

fn read_one(piece: &str) -> Result<Matcher, String> {
    let name_end = match piece.strip_prefix('"') {
        Some(rest) => rest.find('"').map_or(piece.len(), |end| end + 2),
        None => piece.find(['=', '!', '~']).unwrap_or(piece.len()),
    };
    let (name, rest) = piece.split_at(name_end);
    let (name, rest) = (name.trim().trim_matches('"'), rest.trim_start());
    let operators =
        [("=~", MatchOp::Regex), ("!~", MatchOp::NotRegex), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)];
    let found = operators.into_iter().find_map(|(text, op)| Some((op, rest.strip_prefix(text)?)));
    let (op, value) = found.filter(|_| !name.is_empty()).ok_or_else(|| {
        format!("{piece:?} is not a matcher; write a label, one of = != =~ !~, and a value, such as team=\"checkout\"")
    })?;
    let value =
        unquote(value.trim()).ok_or_else(|| format!("the value in {piece:?} is not closed by a quote"))?;
    Matcher::new(op, name, value).map_err(|error| error.to_string())
}

/// The value without its quotes; a bare value is taken as it stands.
fn unquote(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let inner = inner.strip_suffix('"')?;
    let (mut out, mut escaped) = (String::new(), false);
    for c in inner.chars() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (true, 'n') => (escaped, _) = (false, out.push('\n')),
            (true, 't') => (escaped, _) = (false, out.push('\t')),
            (true, '"' | '\\') => (escaped, _) = (false, out.push(c)),
            // A regular expression's own escapes, such as `\.`, keep their backslash.
            (true, _) => {
                out.push('\\');
                out.push(c);
                escaped = false;
            }
            (false, _) => out.push(c),
        }
    }
    (!escaped).then_some(out)
}
