//! Source files, spans, diagnostics, and a YAML reader that keeps positions and collects every problem.
