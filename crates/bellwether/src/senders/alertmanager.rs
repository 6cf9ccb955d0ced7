//! Alerts to the members of an Alertmanager cluster: one request, and what became of it. Whether and when to try
//! again is the core's business.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bellwether_alerts::{Post, Posted};

use super::authenticate::authenticate;
use super::redact::{Hidden, describe};
use super::{Unsendable, client};
use crate::config::alertmanagers::AlertmanagerMember;

/// How much of an answer is read.
const ANSWER_CHARS_MAX: usize = 200;

/// The members and their connections.
#[derive(Debug, Default)]
pub struct Cluster {
    members: Mutex<BTreeMap<String, Reached>>,
}

#[derive(Clone, Debug)]
struct Reached {
    member: AlertmanagerMember,
    client: Option<reqwest::Client>,
}

impl Cluster {
    /// These members from now on; requests under way end as they are.
    pub fn set_members(&self, members: &[AlertmanagerMember]) {
        let mut known = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *known);
        *known = members
            .iter()
            .map(|member| {
                let old = before.get(&member.url).filter(|old| old.member == *member);
                let client = old.and_then(|old| old.client.clone());
                (member.url.clone(), Reached { member: member.clone(), client })
            })
            .collect();
    }

    /// Makes one request. Always answers: within the member's timeout, and whatever goes wrong.
    pub async fn post(&self, post: &Post) -> Posted {
        match self.request(post).await {
            Ok(request) => exchange(request, &post.member).await,
            // A secret's file that is not there yet may be there at the next try.
            Err(Unsendable(why)) => Posted::Unreachable { why },
        }
    }

    async fn request(&self, post: &Post) -> Result<reqwest::RequestBuilder, Unsendable> {
        let Reached { member, client } = {
            let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
            let reached = members.get(&post.member).cloned();
            reached.ok_or_else(|| Unsendable(format!("{} is not configured any more", post.member)))?
        };
        let client = match client {
            Some(client) => client,
            None => {
                let client = client::build(&member.http).await?;
                let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(reached) = members.get_mut(&post.member) {
                    reached.client = Some(client.clone());
                }
                client
            }
        };
        let mut request = client
            .post(format!("{}/api/v2/alerts", member.url))
            .timeout(member.timeout.to_std())
            .header("content-type", "application/json")
            .body(post.body());
        for (name, values) in &member.http.headers {
            for value in values {
                request = request.header(name, value.expose());
            }
        }
        authenticate(request, &member.http).await
    }
}

async fn exchange(request: reqwest::RequestBuilder, url: &str) -> Posted {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Posted::Unreachable { why: describe(error, &Hidden::new(url)) },
    };
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        return Posted::Taken;
    }
    let body = response.text().await.unwrap_or_default();
    let body: String = body.chars().filter(|c| !c.is_control()).take(ANSWER_CHARS_MAX).collect();
    let why = format!("it answers {status}: {body}");
    // These are about the alerts themselves; all else may be another at the next try.
    match status {
        400 | 413 | 422 => Posted::Refused { why },
        _ => Posted::Unreachable { why },
    }
}
