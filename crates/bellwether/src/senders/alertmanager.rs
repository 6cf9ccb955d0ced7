//! Alerts to the members of an Alertmanager cluster: one request, and what became of it. Whether and when to try
//! again is the core's business.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_alerts::{Post, Posted};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use crate::config::alertmanagers::AlertmanagerMember;
use crate::http::Unsendable;
use crate::http::client::{Client, NoAnswer};
use crate::http::redact::{Hidden, describe};

/// The members and their connections.
#[derive(Debug, Default)]
pub struct Cluster {
    members: Mutex<BTreeMap<String, Reached>>,
}

#[derive(Clone, Debug)]
struct Reached {
    member: AlertmanagerMember,
    client: Arc<Client>,
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
                let client = old.map(|old| Arc::clone(&old.client));
                let client = client.unwrap_or_else(|| Arc::new(Client::new(member.http.clone())));
                (member.url.clone(), Reached { member: member.clone(), client })
            })
            .collect();
    }

    /// Makes one request. Always answers: within the member's timeout, and whatever goes wrong.
    pub async fn post(&self, post: &Post) -> Posted {
        let reached = {
            let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
            members.get(&post.member).cloned()
        };
        match reached {
            Some(reached) => reached.post(post).await,
            None => Posted::Unreachable { why: format!("{} is not configured any more", post.member) },
        }
    }
}

impl Reached {
    async fn post(&self, post: &Post) -> Posted {
        let mut hidden = Hidden::new(&self.member.url);
        let address = format!("{}/api/v2/alerts", self.member.url);
        let Ok(url) = address.parse() else {
            return Posted::Unreachable { why: "its address is none".to_owned() };
        };
        let mut request = reqwest::Request::new(Method::POST, url);
        *request.timeout_mut() = Some(self.member.timeout.to_std());
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        *request.body_mut() = Some(post.body().into());
        match self.client.send(request, &mut hidden).await {
            Ok(response) => outcome(response, &hidden).await,
            // A secret's file that is not there yet may be there at the next try.
            Err(NoAnswer::Unsendable(Unsendable(why))) => Posted::Unreachable { why },
            Err(NoAnswer::Broken(error)) => Posted::Unreachable { why: describe(error, &hidden) },
        }
    }
}

async fn outcome(response: reqwest::Response, hidden: &Hidden) -> Posted {
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        return Posted::Taken;
    }
    let body = response.text().await.unwrap_or_default();
    let why = hidden.line(&format!("it answers {status}: {body}"));
    // These are about the alerts themselves; all else may be another at the next try.
    match status {
        400 | 413 | 422 => Posted::Refused { why },
        _ => Posted::Unreachable { why },
    }
}
