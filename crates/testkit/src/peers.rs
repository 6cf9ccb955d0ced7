//! The real programs that some tests stand beside. `cargo xtask peers` unpacks them; without them a test says so and ends.

use std::path::{Path, PathBuf};

/// A program of the peers; `None`, and a line that says so, when it is not there. `BELLWETHER_PEERS` names the folder
/// when it is not the usual one.
pub fn program(name: &str) -> Option<PathBuf> {
    let home = std::env::var_os("BELLWETHER_PEERS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers"), PathBuf::from);
    let path = home.join("root/usr/bin").join(name);
    if !path.is_file() {
        eprintln!("skipped: there is no {}; `cargo xtask peers` unpacks what Debian has", path.display());
        return None;
    }
    Some(path)
}
