//! Escaping depends on the place in the page.

use bellwether_template::{ClockOnly, Escape, TemplateSet, Value, alertmanager_functions};

fn render(text: &str) -> Result<String, String> {
    let set = TemplateSet::new(alertmanager_functions());
    let data = Value::map([
        ("v", "<a b=\"c\">&'".into()),
        ("js", "javascript:x()".into()),
        ("u", "https://x/?a=1&b".into()),
    ]);
    set.render_text(Escape::Html, text, &data, &ClockOnly::default()).map_err(|error| error.message)
}

#[test]
fn a_value_is_escaped_for_where_it_stands() {
    for (text, expected) in [
        ("<p>{{ .v }}</p>", "<p>&lt;a b=&#34;c&#34;&gt;&amp;&#39;</p>"),
        ("<p title=\"{{ .v }}\">", "<p title=\"&lt;a b=&#34;c&#34;&gt;&amp;&#39;\">"),
        ("<a href=\"{{ .js }}\">", "<a href=\"#unsafe-link\">"),
        ("<a href='{{ .u }}'>", "<a href='https://x/?a=1&amp;b'>"),
        ("<a href=\"/x?{{ .js }}\">", "<a href=\"/x?javascript:x()\">"),
        ("<a href=\"{{ safeUrl .js }}\">", "<a href=\"javascript:x()\">"),
        ("<p class={{ .v }}>", "<p class=&lt;a&#32;b&#61;&#34;c&#34;&gt;&amp;&#39;>"),
        ("{{ safeHtml \"<b>x</b>\" }}{{ .v | len }}", "<b>x</b>11"),
        ("<p onclick=\"{{ .js }}\">", "<p onclick=\"\">"),
        ("<!-- {{ .v }} -->{{ .js }}", "<!--  -->javascript:x()"),
        ("<style>a{}</style>{{ .js }}", "<style>a{}</style>javascript:x()"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_value_is_refused_where_no_escaping_is_safe() {
    for text in ["<script>{{ .v }}</script>", "<{{ .v }}>", "<p {{ .v }}>", "<style>{{ .v }}</style>"] {
        assert!(render(text).is_err(), "{text}");
    }
}
