//! The style sheet and the script, inside the binary: nothing is fetched from anywhere else, ever.

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;

use crate::Shared;

const CSS: &str = include_str!("../assets/app.css");
const JS: &str = include_str!("../assets/app.js");

/// Addresses carry a hash of the content, so that a browser may keep them forever and never shows an old one.
pub(crate) fn css_href() -> String {
    format!("/assets/app.css?v={:x}", hash(CSS))
}

pub(crate) fn js_href() -> String {
    format!("/assets/app.js?v={:x}", hash(JS))
}

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/assets/app.css", get(|| async { (forever("text/css; charset=utf-8"), CSS) }))
        .route("/assets/app.js", get(|| async { (forever("text/javascript; charset=utf-8"), JS) }))
}

fn forever(content_type: &'static str) -> [(HeaderName, &'static str); 2] {
    [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")]
}

/// FNV-1a, 64 bits: enough to tell two versions apart.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
