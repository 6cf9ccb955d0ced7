//! Amazon's notification service: a form, signed. Keys that are not written come from the environment.

use bellwether_alerts::{Part, Sigv4, SnsConfig, SnsTarget};

use super::answer::Reply;
use super::line::Line;
use super::request::Request;
use super::sigv4::{Keys, sign};
use crate::clock;
use crate::http::Unsendable;
use crate::http::authenticate::secret;

pub(super) async fn send(config: &SnsConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let region = region(config)?;
    let address = match part.call.trim() {
        "" => format!("https://sns.{region}.amazonaws.com/"),
        written => written.to_owned(),
    };
    let url = reqwest::Url::parse(&address);
    let url = url.map_err(|_| Unsendable("api_url is not an address".to_owned()))?;
    let mut request = Request::post(url.as_str()).content(&part.content)?;
    let keys = keys(&config.keys).await?;
    for (name, value) in sign(&keys, &region, "sns", &url, &request.body, clock::now()) {
        request = request.header(&name, &value);
    }
    let request =
        [Some(&keys.secret), keys.token.as_ref()].into_iter().flatten().fold(request, Request::hide);
    let answer = line.ask(&config.http, None, request).await?;
    // https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html: too often is a 400 here.
    match answer.body.contains("<Code>Throttl") {
        true => Ok(answer.refused_as(429, &answer.body, None)),
        false => Ok(answer.by_status()),
    }
}

/// That of the settings, of the topic's name, of the environment.
fn region(config: &SnsConfig) -> Result<String, Unsendable> {
    let written = Some(config.keys.region.clone()).filter(|region| !region.is_empty());
    let of_target = match &config.target {
        SnsTarget::Topic(arn) | SnsTarget::Device(arn) => arn.split(':').nth(3).map(str::to_owned),
        SnsTarget::Phone(_) => None,
    };
    let of_target = of_target.filter(|region| !region.is_empty() && !region.contains("{{"));
    let environment = || variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let region = written.or(of_target).or_else(environment);
    region.ok_or_else(|| Unsendable("no region: write sigv4: {region: ...}, or set AWS_REGION".to_owned()))
}

async fn keys(written: &Sigv4) -> Result<Keys, Unsendable> {
    if let Some(source) = &written.secret_key {
        return Ok(Keys { access: written.access_key.clone(), secret: secret(source).await?, token: None });
    }
    match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(access), Some(secret)) => Ok(Keys { access, secret, token: variable("AWS_SESSION_TOKEN") }),
        _ => {
            let why = "no keys: write access_key and secret_key under sigv4, or set AWS_ACCESS_KEY_ID and \
                       AWS_SECRET_ACCESS_KEY";
            Err(Unsendable(why.to_owned()))
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
