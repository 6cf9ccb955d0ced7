//! Who hears what, when, and why: route, group, silence, deduplicate.
