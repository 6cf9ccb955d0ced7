//! What a message says above what its template says: that its receiver stands in for somebody. No template asks for
//! it, and whoever gets it must know why.

use super::Said;

impl Said<'_> {
    /// A text, below the notice where there is one.
    pub(super) fn noticed(&self, text: String) -> String {
        match self.notice() {
            None => text,
            Some(notice) => format!("({notice})\n{text}"),
        }
    }

    /// The same for HTML: at the beginning of the body, or of the text where there is none.
    pub(super) fn noticed_html(&self, page: String) -> String {
        let Some(notice) = self.notice() else { return page };
        let notice = notice.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = page.find("<body").and_then(|at| page[at..].find('>').map(|end| at + end + 1));
        match body {
            None => format!("({notice})\n{page}"),
            Some(at) => format!("{}<p>({notice})</p>{}", &page[..at], &page[at..]),
        }
    }
}
