//! The Bellwether program.

fn main() {}
