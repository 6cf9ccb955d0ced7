//! Pushover: a form, with who speaks and who hears as two more fields.

use bellwether_alerts::{Content, Part, PushoverConfig};

use super::answer::Reply;
use super::line::Line;
use super::request::Request;
use crate::http::Unsendable;

pub(super) async fn send(config: &PushoverConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let Content::Form(fields) = &part.content else {
        return Err(Unsendable("the recorded message is no form".to_owned()).into());
    };
    let (token, user) =
        (line.secret("token", &config.token).await?, line.secret("user_key", &config.user_key).await?);
    let keys = [("token", token.as_str()), ("user", user.as_str())];
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = Request::post(&config.api_url).form(keys.into_iter().chain(fields));
    let request = request.hide(&token).hide(&user);
    Ok(line.ask(&config.http, None, request).await?.by_status())
}
