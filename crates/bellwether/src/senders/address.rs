//! Where a message goes. A file with an address is read at every delivery, so that a rotated secret needs no restart.

use bellwether_alerts::Address;

use crate::http::{Unsendable, read_secret_file};

/// An address as it is written, and where.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) origin: String,
}

pub(super) async fn text(address: &Address) -> Result<Text, Unsendable> {
    Ok(match address {
        Address::Url(url) => {
            Text { text: url.expose().to_owned(), origin: "the configured address".to_owned() }
        }
        Address::File(path) => {
            Text { text: read_secret_file(path).await?, origin: format!("the text in {path}") }
        }
    })
}

/// The address, if it is one.
pub(super) fn checked(Text { text, origin }: Text) -> Result<String, Unsendable> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => Ok(text),
        false => {
            Err(Unsendable(format!("{origin} is not a web address; it must begin with https:// or http://")))
        }
    }
}

pub(super) async fn resolve(address: &Address) -> Result<String, Unsendable> {
    checked(text(address).await?)
}
