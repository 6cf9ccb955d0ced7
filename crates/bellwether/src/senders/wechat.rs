//! WeChat Work: first a token for the application's secret, then the message with it. A token is good for two hours,
//! and asking for one too often is refused, so it is kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bellwether_alerts::{IntegrationId, Part, WechatConfig};
use bellwether_model::{TimeDelta, Timestamp};
use reqwest::Method;
use serde_json::Value;

use super::answer::{Answer, Reply};
use super::line::Line;
use super::request::Request;
use crate::clock;

/// A little less than WeChat keeps it.
const KEPT: TimeDelta = TimeDelta(110 * TimeDelta::MINUTE.0);
/// Codes that speak of the token, not of the message. https://developer.work.weixin.qq.com/document/path/90313
const TOKEN_CODES: [i64; 3] = [40001, 40014, 42001];
/// Codes that pass: busy, and three kinds of too often.
const PASSING_CODES: [i64; 4] = [-1, 45009, 45033, 45035];

/// The tokens at hand, and until when they are used.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<BTreeMap<IntegrationId, (String, Timestamp)>>);

pub(super) async fn send(config: &WechatConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let id = &line.delivery.integration;
    let tokens = &line.current.wechat_tokens;
    let kept = tokens.get(id);
    let was_kept = kept.is_some();
    let token = match kept {
        Some(token) => token,
        None => fetch(config, line).await?,
    };
    let answer = post(config, part, &token, line).await?;
    let is_about_token = TOKEN_CODES.contains(&code(&answer.json()));
    if !is_about_token {
        return Ok(judge(&answer));
    }
    tokens.forget(id);
    if !was_kept {
        return Ok(judge(&answer));
    }
    // One that was kept may have been replaced by another program that uses the same application.
    let token = fetch(config, line).await?;
    Ok(judge(&post(config, part, &token, line).await?))
}

async fn fetch(config: &WechatConfig, line: &Line<'_>) -> Result<String, Reply> {
    let secret = line.secret("api_secret", &config.secret).await?;
    let address = with_query(
        &format!("{}gettoken", config.api_url),
        &[("corpid", &config.corp_id), ("corpsecret", &secret)],
    );
    let request = Request::new(Method::GET, address).hide(secret);
    let answer = line.ask(&config.http, None, request).await?.whole()?;
    let json = answer.json();
    match json["access_token"].as_str().filter(|token| answer.is_success() && !token.is_empty()) {
        Some(token) => {
            line.current.wechat_tokens.keep(&line.delivery.integration, token);
            Ok(token.to_owned())
        }
        None if answer.is_success() && code(&json) == 0 => {
            Err(answer.refused_as(503, "the answer holds no access_token", None))
        }
        None => Err(judge(&answer)),
    }
}

async fn post(config: &WechatConfig, part: &Part, token: &str, line: &Line<'_>) -> Result<Answer, Reply> {
    let address = with_query(&format!("{}{}", config.api_url, part.call), &[("access_token", token)]);
    let request = Request::post(address).content(&part.content)?.hide(token);
    line.ask(&config.http, None, request).await?.whole()
}

fn with_query(address: &str, pairs: &[(&str, &str)]) -> String {
    match reqwest::Url::parse_with_params(address, pairs) {
        Ok(url) => url.to_string(),
        // What is no address is refused by whoever asks for it.
        Err(_) => address.to_owned(),
    }
}

fn code(json: &Value) -> i64 {
    json["errcode"].as_i64().unwrap_or(i64::MIN)
}

fn judge(answer: &Answer) -> Reply {
    let json = answer.json();
    let why = json["errmsg"].as_str().unwrap_or(&answer.body);
    match code(&json) {
        _ if !answer.is_success() => answer.refused_with(why, None),
        0 => answer.accepted(),
        known if PASSING_CODES.contains(&known) => answer.refused_as(429, why, None),
        // Another token may do, and a page of some proxy may be gone next time.
        known if TOKEN_CODES.contains(&known) || known == i64::MIN => answer.refused_as(503, why, None),
        _ => answer.refused_as(400, why, None),
    }
}

impl Tokens {
    fn get(&self, id: &IntegrationId) -> Option<String> {
        let now = clock::now();
        self.with(|all| all.get(id).filter(|(_, until)| *until > now).map(|(token, _)| token.clone()))
    }

    fn keep(&self, id: &IntegrationId, token: &str) {
        self.with(|all| all.insert(id.clone(), (token.to_owned(), clock::now() + KEPT)));
    }

    fn forget(&self, id: &IntegrationId) {
        self.with(|all| all.remove(id));
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<IntegrationId, (String, Timestamp)>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
