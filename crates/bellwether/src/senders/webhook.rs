//! A generic webhook: any 2xx means that it was taken. With a signing secret the receiver can tell that a message comes
//! from here and was not changed on its way: `X-Bellwether-Signature` is `v1=` and the hexadecimal HMAC-SHA256 of the
//! moment in `X-Bellwether-Timestamp`, a point, and the body. The moment is signed too, so that an old message that is
//! sent again by somebody else can be told from a new one.

use bellwether_alerts::{Part, WebhookConfig};
use ring::hmac;

use super::answer::Reply;
use super::line::Line;
use super::request::Request;
use crate::clock;

pub(super) async fn send(config: &WebhookConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let mut request = Request::post(line.address(&config.address).await?).content(&part.content)?;
    if let Some(secret) = &config.signing_secret {
        let secret = line.secret("signing_secret", secret).await?;
        let seconds = clock::now().as_millis().div_euclid(1000).to_string();
        let signature = signature(&secret, &seconds, &request.body);
        request = request
            .hide(secret)
            .header("x-bellwether-timestamp", &seconds)
            .header("x-bellwether-signature", &signature);
    }
    Ok(line.ask(&config.http, config.timeout, request).await?.by_status())
}

fn signature(secret: &str, seconds: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
    context.update(seconds.as_bytes());
    context.update(b".");
    context.update(body);
    let tag = context.sign();
    format!("v1={}", tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
