//! The files that a configuration names. Whoever may read files resolves their names, since only they know in which
//! folder the configuration lies.

use super::{Address, Auth, Config, HttpConfig, SecretSource};

impl Config {
    /// Every file name that is read at delivery, for making them independent of the working directory.
    pub fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = Vec::new();
        files.extend(self.global.slack_address.as_mut().and_then(address_file));
        files.extend(http_files(&mut self.global.http));
        for receiver in self.receivers.values_mut() {
            for slack in &mut receiver.slack {
                files.extend(address_file(&mut slack.address));
                files.extend(http_files(&mut slack.http));
            }
            for webhook in &mut receiver.webhook {
                files.extend(address_file(&mut webhook.address));
                files.extend(http_files(&mut webhook.http));
            }
        }
        files
    }
}

impl HttpConfig {
    /// The same for one way of reaching somebody.
    pub fn secret_files_mut(&mut self) -> Vec<&mut String> {
        http_files(self)
    }
}

fn address_file(address: &mut Address) -> Option<&mut String> {
    match address {
        Address::Url(_) => None,
        Address::File(file) => Some(file),
    }
}

fn http_files(http: &mut HttpConfig) -> Vec<&mut String> {
    let secret = match &mut http.auth {
        Some(Auth::Basic { password: secret, .. } | Auth::Authorization { credentials: secret, .. }) => {
            secret.as_mut()
        }
        None => None,
    };
    let secret_file = secret.and_then(|secret| match secret {
        SecretSource::Inline(_) => None,
        SecretSource::File(file) => Some(file),
    });
    secret_file.into_iter().chain(http.tls.ca_file.as_mut()).collect()
}
