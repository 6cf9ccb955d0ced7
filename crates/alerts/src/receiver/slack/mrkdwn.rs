//! What Slack takes for more than text, and how that is kept from what comes with alerts: `<!channel>` calls everybody,
//! `<@U1>` somebody, `<https://x|y>` is a link whatever it says. People may write all of it in templates; a label, which
//! may come from anywhere, is only ever text. Annotations are written by people too, and keep their links.

/// Stands between an `@` and a name, so that `link_names` finds none. It has no width.
const NOT_A_NAME: char = '\u{2060}';

/// Text and nothing else.
pub(super) fn label(text: &str, link_names: bool) -> String {
    if !is_special(text, link_names) {
        return text.to_owned();
    }
    unnamed(&text.replace('<', "&lt;").replace('>', "&gt;"), link_names)
}

/// Text with links.
pub(super) fn annotation(text: &str, link_names: bool) -> String {
    if !is_special(text, link_names) {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        out += &label(&rest[..start], link_names);
        match link_len(&rest[start..]) {
            Some(len) => {
                out += &rest[start..start + len];
                rest = &rest[start + len..];
            }
            None => {
                out += "&lt;";
                rest = &rest[start + 1..];
            }
        }
    }
    out + &label(rest, link_names)
}

fn is_special(text: &str, link_names: bool) -> bool {
    text.contains(['<', '>']) || (link_names && text.contains('@'))
}

/// The length of a link at the beginning of a text: to a page or a mailbox, and with no other beginning inside.
fn link_len(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let inner = &inner[..inner.find('>')?];
    let is_link = ["https://", "http://", "mailto:"].iter().any(|scheme| inner.starts_with(scheme));
    (is_link && !inner.contains(['<', '\n'])).then_some(inner.len() + 2)
}

/// `@name` at the beginning of a word is a name for `link_names`; an address of mail is none.
fn unnamed(text: &str, link_names: bool) -> String {
    if !link_names {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        out.push(c);
        if c == '@' && !before.is_alphanumeric() {
            out.push(NOT_A_NAME);
        }
        before = c;
    }
    out
}

/// Cuts by characters, but not inside a link or an escape: half of one shows as garbage.
pub(super) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => format!("{}…", beginning(text, max.saturating_sub(1))),
    }
}

/// The same, with a link to all of it.
pub(super) fn cut_with_link(text: &str, max: usize, url: &str) -> String {
    if text.char_indices().nth(max).is_none() {
        return text.to_owned();
    }
    let tail = format!("…\n<{url}|all of it>");
    match max.checked_sub(tail.chars().count()) {
        Some(room) => beginning(text, room).to_owned() + &tail,
        None => cut(text, max),
    }
}

/// At most so many characters.
fn beginning(text: &str, chars: usize) -> &str {
    let end = text.char_indices().nth(chars).map_or(text.len(), |(index, _)| index);
    let text = &text[..end];
    let open_link = text.rfind('<').filter(|start| !text[*start..].contains('>'));
    let open_escape = text.rfind('&').filter(|start| text.len() - start < 5 && !text[*start..].contains(';'));
    match [open_link, open_escape].into_iter().flatten().min() {
        Some(start) => &text[..start],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_text_and_annotations_keep_their_links() {
        let check = |text: &str, as_label: &str, as_annotation: &str| {
            assert_eq!(label(text, false), as_label, "{text}");
            assert_eq!(annotation(text, false), as_annotation, "{text}");
        };
        check("plain & simple", "plain & simple", "plain & simple");
        check("<!channel>", "&lt;!channel&gt;", "&lt;!channel&gt;");
        check("a <@U1> b", "a &lt;@U1&gt; b", "a &lt;@U1&gt; b");
        check("<https://x|y>", "&lt;https://x|y&gt;", "<https://x|y>");
        check("<https://x|<!here>>", "&lt;https://x|&lt;!here&gt;&gt;", "&lt;https://x|&lt;!here&gt;&gt;");
        check("<b>1 > 0</b>", "&lt;b&gt;1 &gt; 0&lt;/b&gt;", "&lt;b&gt;1 &gt; 0&lt;/b&gt;");
        check("<mailto:a@b>, <", "&lt;mailto:a@b&gt;, &lt;", "<mailto:a@b>, &lt;");
        check("ü<!x>ü", "ü&lt;!x&gt;ü", "ü&lt;!x&gt;ü");
    }

    #[test]
    fn with_link_names_a_name_is_none() {
        assert_eq!(label("@here a@b.c (@all)", true), "@\u{2060}here a@b.c (@\u{2060}all)");
        assert_eq!(annotation("@here <https://x|y>", true), "@\u{2060}here <https://x|y>");
        assert_eq!(label("@here", false), "@here");
    }

    #[test]
    fn a_cut_leaves_no_half_of_anything() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("ab<https://x|y>", 8), "ab…");
        assert_eq!(cut("abcd&lt;efgh", 7), "abcd…");
        assert_eq!(cut("ab<x>cdefgh", 8), "ab<x>cd…");
        let long = "ü".repeat(100);
        let cut = cut_with_link(&long, 50, "http://b");
        assert!(cut.ends_with("ü…\n<http://b|all of it>") && cut.chars().count() == 50, "{cut}");
    }
}
