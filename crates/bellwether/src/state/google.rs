//! Services and objectives that were made through the interface of Google Cloud Monitoring.

use bellwether_model::Timestamp;

use super::key::key;
use super::table::{GOOGLE_RESOURCES, GOOGLE_RESOURCES_GONE, Rows, Write};
use super::{StateDb, StateError};

impl StateDb {
    /// All of them: the name of each, and its body in JSON, in the order of names.
    pub async fn google_resources(&self) -> Result<Vec<(String, String)>, StateError> {
        let all = "SELECT name, body FROM google_resources";
        let mut all: Vec<(String, String)> =
            self.db.fetch("read the objectives made through the interface", all, Vec::new()).await?;
        // A server sorts by the habits of its country.
        all.sort_unstable();
        Ok(all)
    }

    /// Keeps one in place of what was kept under its name. When this returns it is on disk.
    pub async fn put_google_resource(
        &self,
        name: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let mut rows = Rows::new(&GOOGLE_RESOURCES);
        rows.push([key(name).into(), self.epoch.into(), now.0.into(), body.to_owned().into()]);
        self.db.commit("keep an objective", self.epoch, vec![Write::Put(rows)]).await
    }

    /// Forgets some, all or none of them.
    pub async fn delete_google_resources(&self, names: &[String]) -> Result<(), StateError> {
        let mut rows = Rows::new(&GOOGLE_RESOURCES_GONE);
        names.iter().for_each(|name| rows.push([key(name).into()]));
        let writes = vec![Write::Delete(rows)];
        self.db.commit("forget objectives made through the interface", self.epoch, writes).await
    }
}
