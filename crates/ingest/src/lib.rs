//! Bytes to samples: exposition text and relabelling.
