//! PromQL: parse with spans, check types, format, evaluate over a series source.
