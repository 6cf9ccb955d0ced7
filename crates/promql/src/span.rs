//! A place in a query.

use std::ops::Range;

/// Byte offsets into the query's text.
pub type Span = Range<usize>;
