//! The style sheets and the scripts, inside the binary: nothing is fetched from anywhere else, ever.

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;

use crate::Shared;

pub(crate) const CSS: &str = include_str!("../assets/app.css");
const JS: &str = include_str!("../assets/app.js");
const KEYS_JS: &str = include_str!("../assets/keys.js");
const EXPLORE_CSS: &str = include_str!("../assets/explore.css");
const EXPLORE_JS: &str = include_str!("../assets/explore.js");

/// Addresses carry a hash of the content, so that a browser may keep them forever and never shows an old one.
pub(crate) fn css_href() -> String {
    format!("/assets/app.css?v={:x}", hash(CSS))
}

pub(crate) fn js_href() -> String {
    format!("/assets/app.js?v={:x}", hash(JS))
}

pub(crate) fn keys_js_href() -> String {
    format!("/assets/keys.js?v={:x}", hash(KEYS_JS))
}

pub(crate) fn explore_css_href() -> String {
    format!("/assets/explore.css?v={:x}", hash(EXPLORE_CSS))
}

pub(crate) fn explore_js_href() -> String {
    format!("/assets/explore.js?v={:x}", hash(EXPLORE_JS))
}

pub(crate) fn routes() -> Router<Shared> {
    let css = |text: &'static str| get(move || async move { (forever("text/css; charset=utf-8"), text) });
    let js =
        |text: &'static str| get(move || async move { (forever("text/javascript; charset=utf-8"), text) });
    Router::new()
        .route("/assets/app.css", css(CSS))
        .route("/assets/app.js", js(JS))
        .route("/assets/keys.js", js(KEYS_JS))
        .route("/assets/explore.css", css(EXPLORE_CSS))
        .route("/assets/explore.js", js(EXPLORE_JS))
}

fn forever(content_type: &'static str) -> [(HeaderName, &'static str); 2] {
    [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")]
}

/// FNV-1a, 64 bits: enough to tell two versions apart.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
