//! What the interface of Google Cloud Monitoring changes: first it is on disk, then it is in force, then it is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_slo::Slo;
use bellwether_web::view::Refused;
use bellwether_web::{BoxFuture, GoogleResources};
use serde_json::Value;

use crate::clock;
use crate::google_objectives::{GoogleObjectives, is_made, objective, parts};
use crate::reload::Reloader;
use crate::state::{StateDb, StateError};

/// The interface of a running server.
pub struct GoogleInterface {
    /// What is kept.
    pub kept: Arc<GoogleObjectives>,
    /// Where it is kept.
    pub state: Arc<StateDb>,
    /// Puts it into force.
    pub reloader: Arc<Reloader>,
    /// One change at a time.
    pub one_change: tokio::sync::Mutex<()>,
}

impl GoogleInterface {
    async fn put(&self, name: String, body: String) -> Result<(), Refused> {
        let put = self.state.put_google_resource(&name, &body, clock::now()).await;
        put.map_err(|error| unavailable(&error))?;
        self.kept.put(name, body);
        Ok(())
    }

    async fn put_into_force(&self) -> Result<(), Refused> {
        self.reloader.objectives_changed().await.map_err(Refused::Unavailable)
    }

    fn refuse_taken(&self, name: &str, slo: &Slo) -> Result<(), Refused> {
        let all = self.kept.all();
        let twin =
            all.keys().find(|other| *other != name && parts(other).is_some() && parts(other) == parts(name));
        if let Some(twin) = twin {
            return Err(Refused::Conflict(format!(
                "{twin} is called {:?}, too; choose another name",
                slo.id()
            )));
        }
        let configured = self.reloader.current().slos;
        match configured.iter().any(|known| known.id() == slo.id() && !is_made(known)) {
            true => Err(Refused::Conflict(format!("the configuration has an objective {:?}", slo.id()))),
            false => Ok(()),
        }
    }
}

fn unavailable(error: &StateError) -> Refused {
    Refused::Unavailable(format!("the server cannot record it now: {error}"))
}

impl GoogleResources for GoogleInterface {
    fn all(&self) -> BTreeMap<String, Value> {
        // Bodies are JSON: they were read as such before they were kept.
        let value = |body: String| serde_json::from_str(&body).unwrap_or_default();
        self.kept.all().into_iter().map(|(name, body)| (name, value(body))).collect()
    }

    fn put_objective(&self, name: String, body: String) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            let read = objective(&name, &body);
            let slo =
                read.ok_or_else(|| Refused::Invalid(format!("{name} is not the name of an objective")))?;
            let slo = slo.map_err(Refused::Invalid)?;
            self.refuse_taken(&name, &slo)?;
            self.put(name, body).await?;
            self.put_into_force().await
        })
    }

    fn put_service(&self, name: String, body: String) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(self.put(name, body))
    }

    fn delete(&self, names: Vec<String>) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            let deleted = self.state.delete_google_resources(&names).await;
            deleted.map_err(|error| unavailable(&error))?;
            self.kept.delete(&names);
            self.put_into_force().await
        })
    }

    fn one_change(&self) -> &tokio::sync::Mutex<()> {
        &self.one_change
    }
}
