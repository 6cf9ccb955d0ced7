//! Where a message goes. A file with an address is read at every delivery, so that a rotated secret needs no restart.

use bellwether_alerts::Address;

use super::Unsendable;

pub(super) async fn resolve(address: &Address) -> Result<String, Unsendable> {
    let (url, origin) = match address {
        Address::Url(url) => (url.expose().to_owned(), "the configured address".to_owned()),
        Address::File(path) => (read_secret_file(path).await?, format!("the text in {path}")),
    };
    match url.starts_with("http://") || url.starts_with("https://") {
        true => Ok(url),
        false => {
            Err(Unsendable(format!("{origin} is not a web address; it must begin with https:// or http://")))
        }
    }
}

pub(super) async fn read_secret_file(path: &str) -> Result<String, Unsendable> {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(Unsendable(format!("{path} cannot be read: {error}"))),
    }
}
