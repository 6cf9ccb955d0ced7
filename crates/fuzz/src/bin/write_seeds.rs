//! Writes the seeds of every target as files, one folder each, as cargo-fuzz wants them: `write_seeds fuzz/corpus`.

use std::path::PathBuf;
use std::{env, fs, io};

use bellwether_fuzz::TARGETS;

fn main() -> io::Result<()> {
    let base = PathBuf::from(env::args().nth(1).unwrap_or_else(|| "fuzz/corpus".to_owned()));
    for target in TARGETS {
        let folder = base.join(target.name);
        fs::create_dir_all(&folder)?;
        for (index, seed) in target.seeds().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{index}")), seed)?;
        }
    }
    Ok(())
}
