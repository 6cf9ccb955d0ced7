//! `meta.json` of a block: which time it covers and how much it holds.

use bellwether_model::Timestamp;
use serde_json::Value;

/// What a block says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockMeta {
    /// Its name.
    pub ulid: String,
    /// The first moment it covers.
    pub from: Timestamp,
    /// The moment after the last it covers.
    pub until: Timestamp,
    /// Series in it.
    pub series: u64,
    /// Samples in it, tombstones not taken off.
    pub samples: u64,
    /// Names of blocks that this one was made of: where both are there, the others count no more.
    pub parents: Vec<String>,
}

/// Reads it, or says what is wrong with it.
pub fn read_meta(text: &[u8]) -> Result<BlockMeta, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    match value["version"].as_u64() {
        Some(1) => {}
        Some(version) => return Err(format!("a block of version {version}; 1 can be read")),
        None => return Err("`version` is missing".to_owned()),
    }
    let moment = |name: &str| value[name].as_i64().map(Timestamp).ok_or(format!("`{name}` is missing"));
    let count = |name: &str| value["stats"][name].as_u64().unwrap_or_default();
    let parents = value["compaction"]["parents"].as_array().cloned().unwrap_or_default();
    let name = |parent: &Value| parent["ulid"].as_str().map(str::to_owned);
    Ok(BlockMeta {
        ulid: value["ulid"].as_str().ok_or("`ulid` is missing")?.to_owned(),
        from: moment("minTime")?,
        until: moment("maxTime")?,
        series: count("numSeries"),
        samples: count("numSamples"),
        parents: parents.iter().filter_map(name).collect(),
    })
}
