//! Services and objectives that were made through the interface of Google Cloud Monitoring.

use bellwether_model::Timestamp;

use super::{StateDb, StateError};

impl StateDb {
    /// All of them: the name of each, and its body in JSON, in the order of names.
    pub async fn google_resources(&self) -> Result<Vec<(String, String)>, StateError> {
        sqlx::query_as("SELECT name, body FROM google_resources ORDER BY name")
            .fetch_all(&self.pool)
            .await
            .map_err(StateError::statement("read the objectives made through the interface"))
    }

    /// Keeps one in place of what was kept under its name. When this returns it is on disk.
    pub async fn put_google_resource(
        &self,
        name: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let put = "INSERT INTO google_resources (name, epoch, changed_at, body) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, changed_at = excluded.changed_at, \
                   body = excluded.body";
        let put = sqlx::query(put).bind(name).bind(self.epoch).bind(now.0).bind(body);
        put.execute(&self.pool).await.map_err(StateError::statement("keep an objective"))?;
        Ok(())
    }

    /// Forgets some, all or none of them.
    pub async fn delete_google_resources(&self, names: &[String]) -> Result<(), StateError> {
        let failed = StateError::statement("forget objectives made through the interface");
        let mut tx = self.pool.begin().await.map_err(&failed)?;
        for name in names {
            let delete = sqlx::query("DELETE FROM google_resources WHERE name = $1").bind(name);
            delete.execute(&mut *tx).await.map_err(&failed)?;
        }
        tx.commit().await.map_err(failed)
    }
}
