//! Microsoft Teams: a connector says 200 also when it could not pass the card on; what happened stands in the body.

use bellwether_alerts::{Address, HttpConfig, Part};

use super::address;
use super::answer::{Answer, Reply};
use super::line::Line;
use super::request::Request;

/// To a connector.
pub(super) async fn send(
    to: &Address,
    http: &HttpConfig,
    part: &Part,
    line: &Line<'_>,
) -> Result<Reply, Reply> {
    let request = Request::post(address::resolve(to).await?).content(&part.content)?;
    Ok(judge(line.ask(http, None, request).await?))
}

/// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using:
/// "Microsoft Teams endpoint returned HTTP error 429" in the body of a 200.
fn judge(answer: Answer) -> Reply {
    const MARK: &str = "returned HTTP error ";
    let inside = answer.body.split_once(MARK).map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit));
    let inside: Option<u16> = inside.and_then(|digits| digits.collect::<String>().parse().ok());
    match inside.filter(|_| answer.is_success()) {
        Some(status) => answer.refused_as(status, &answer.body, None),
        None => answer.by_status(),
    }
}
