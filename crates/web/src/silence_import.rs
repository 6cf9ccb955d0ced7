//! Many silences at once, in the JSON that `amtool silence query -o json` and our export write: one reader for the page
//! and the API. What is over is left out, and one that is wrong keeps none of the others back.

use serde_json::value::RawValue;

use crate::Shared;
use crate::alertmanager::PostedSilence;

/// What whoever imports decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes<'a> {
    /// Silences whose identity is one of these are changed, every other one is made anew.
    pub(crate) known: &'a [String],
    /// Who makes those that name nobody.
    pub(crate) by: &'a str,
}

/// What an import came to.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    /// Identities of what was made or changed, in the order of the list.
    pub(crate) ids: Vec<String>,
    /// How many were over.
    pub(crate) over: usize,
    /// Those that are wrong, by their place in the list, and why.
    pub(crate) refused: Vec<(usize, String)>,
}

/// The silences of a list, not yet read.
pub(crate) fn list(json: &[u8]) -> Result<Vec<&RawValue>, serde_json::Error> {
    serde_json::from_slice(json)
}

/// Makes them one after the other.
pub(crate) async fn import(app: &Shared, list: &[&RawValue], wishes: Wishes<'_>) -> Imported {
    let mut done = Imported::default();
    for (index, raw) in list.iter().enumerate() {
        match import_one(app, raw, wishes).await {
            Ok(Some(id)) => done.ids.push(id),
            Ok(None) => done.over += 1,
            Err(why) => done.refused.push((index, why)),
        }
    }
    done
}

/// `None` for one that is over.
async fn import_one(app: &Shared, raw: &RawValue, wishes: Wishes<'_>) -> Result<Option<String>, String> {
    let posted: PostedSilence = serde_json::from_str(raw.get()).map_err(|why| why.to_string())?;
    let now = app.now();
    if posted.is_over(now) {
        return Ok(None);
    }
    let mut silence = posted.into_new(now).map_err(|refusal| refusal.message().to_owned())?;
    silence.id = silence.id.filter(|id| wishes.known.contains(id));
    if silence.created_by.trim().is_empty() {
        wishes.by.clone_into(&mut silence.created_by);
    }
    app.add_silence(silence).await.map(Some).map_err(|refused| refused.message().to_owned())
}
