//! Source files, spans, diagnostics, and a YAML reader that keeps positions and collects every problem.
//!
//! Everything people write (rule files, SLOs, routes, templates, queries) goes through here on its way to types, so
//! that every problem is reported with file, line, column and remedy. Nothing here opens files: text is handed in.
//!
//! ```
//! use bellwether_diag::{Cx, Decode, Diagnostics, MapReader, Sources, Style, yaml::Node};
//!
//! struct Retry { times: u32 }
//! impl Decode for Retry {
//!     fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
//!         let mut map = MapReader::open(node, cx)?;
//!         let times = map.required("times", cx);
//!         map.finish(cx);
//!         Some(Self { times: times? })
//!     }
//! }
//!
//! let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
//! let file = sources.add("retry.yaml", "time: 3\n");
//! assert!(bellwether_diag::decode_file::<Retry>(&sources, file, &mut out).is_none());
//! let text = out.render(&sources, Style { color: false });
//! assert!(text.contains(r#"retry.yaml:1:1: error: unknown field "time"; did you mean times?"#));
//! ```

mod decode;
mod diagnostic;
mod map_reader;
mod render;
mod source;
mod suggest;
pub mod yaml;
mod yaml_node;
mod yaml_reader;
mod yaml_syntax;

pub use decode::{Cx, Decode, Spanned, decode_file, entries, scalar};
pub use diagnostic::{Diagnostic, Diagnostics, RENDERED_MAX, Related, Severity};
pub use map_reader::MapReader;
pub use render::Style;
pub use source::{FileId, Position, Sources, Span};
pub use suggest::suggest;
