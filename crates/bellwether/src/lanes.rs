//! How many messages are on their way to one integration at once. Ten thousand groups that are due in the same second
//! would otherwise be ten thousand connections, more than the process may open and more than a receiver bears.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_alerts::IntegrationId;
use tokio::sync::Semaphore;

/// Messages on their way to one integration; the others wait their turn, in order.
const TOGETHER: usize = 64;

/// A lane for each integration.
#[derive(Debug, Default)]
pub struct Lanes(BTreeMap<IntegrationId, Arc<Semaphore>>);

impl Lanes {
    /// Where a message to an integration waits its turn.
    pub fn of(&mut self, integration: &IntegrationId) -> Arc<Semaphore> {
        if let Some(lane) = self.0.get(integration) {
            return lane.clone();
        }
        let lane = Arc::new(Semaphore::new(TOGETHER));
        self.0.insert(integration.clone(), lane.clone());
        lane
    }
}
