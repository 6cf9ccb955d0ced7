//! Go text/template: parse with spans, check, render.
