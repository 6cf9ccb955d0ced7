//! The way to a mail server: connection, encryption, and who we are.
//!
//! PLAIN (with an identity), LOGIN and CRAM-MD5 are spoken, in the order in which the server lists them. XOAUTH2,
//! SCRAM, NTLM and GSSAPI are not. A password goes over an unencrypted connection only by LOGIN and only where the
//! configuration has given up encryption, as in Alertmanager; PLAIN not even then, except to this machine.

use std::time::Duration;

use bellwether_alerts::{EmailConfig, MailAuth, SecretSource};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, Identity, TlsParameters, TlsParametersBuilder,
    TlsVersion,
};
use lettre::transport::smtp::extension::ClientId;
use md5::{Digest, Md5};

use super::mail_error::{Broken, code};
use crate::base64;
use crate::http::Unsendable;
use crate::http::authenticate::secret;
use crate::http::redact::Hidden;
use crate::http::tls::Pem;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection over which the message can be handed over.
pub(super) async fn open(config: &EmailConfig, hidden: &mut Hidden) -> Result<AsyncSmtpConnection, Broken> {
    let hello = ClientId::Domain(config.hello.clone());
    let server = (config.smarthost.host.as_str(), config.smarthost.port);
    let tls = match config.implicit_tls {
        true => Some(tls_parameters(config).await?),
        false => None,
    };
    let connect = AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT_TIMEOUT), &hello, tls, None);
    let mut connection = connect.await?;
    if config.require_tls && !config.implicit_tls {
        if !connection.can_starttls() {
            let _ = connection.quit().await;
            let (host, port) = server;
            return Err(Unsendable(format!(
                "{host}:{port} offers no STARTTLS, and require_tls is true (the default): nothing was sent; \
                 use a port with encryption (587 or 465), or write require_tls: false to send in the clear"
            ))
            .into());
        }
        connection.starttls(tls_parameters(config).await?, &hello).await?;
    }
    if let Some(auth) = &config.auth {
        say_who(&mut connection, config, auth, hidden).await?;
    }
    Ok(connection)
}

async fn tls_parameters(config: &EmailConfig) -> Result<TlsParameters, Broken> {
    let pem = Pem::read(&config.tls).await?;
    let name = config.tls.server_name.as_ref().unwrap_or(&config.smarthost.host);
    let mut builder = TlsParametersBuilder::new(name.clone());
    if let Some(ca) = &pem.ca {
        let certificate = Certificate::from_pem(ca);
        let certificate =
            certificate.map_err(|_| Unsendable("tls_config: ca holds no certificate".to_owned()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    if let Some((cert, key)) = &pem.own {
        let identity = Identity::from_pem(cert, key);
        let unusable =
            |_| Unsendable("tls_config: cert and key are not a certificate and its key".to_owned());
        builder = builder.identify_with(identity.map_err(unusable)?);
    }
    if config.tls.min_version == Some(bellwether_alerts::TlsVersion::Tls13) {
        builder = builder.set_min_tls_version(TlsVersion::Tlsv13);
    }
    if config.tls.insecure_skip_verify {
        builder = builder.dangerous_accept_invalid_certs(true).dangerous_accept_invalid_hostnames(true);
    }
    Ok(builder.build()?)
}

/// A server that offers no authentication is not asked for it; if it wants to know who we are, it will say so.
async fn say_who(
    connection: &mut AsyncSmtpConnection,
    config: &EmailConfig,
    auth: &MailAuth,
    hidden: &mut Hidden,
) -> Result<(), Broken> {
    let offered = mechanisms(connection, &config.hello).await?;
    if offered.is_empty() {
        return Ok(());
    }
    let mut why_not = Vec::new();
    for mechanism in &offered {
        let way = match mechanism.as_str() {
            "CRAM-MD5" if auth.secret.is_none() => Err("CRAM-MD5 needs auth_secret".to_owned()),
            "CRAM-MD5" => Ok(Way::CramMd5),
            "PLAIN" | "LOGIN" if auth.password.is_none() => Err(format!("{mechanism} needs auth_password")),
            "PLAIN" if !connection.is_encrypted() && !is_here(&config.smarthost.host) => {
                Err("PLAIN would show the password to everyone on the way".to_owned())
            }
            "PLAIN" => Ok(Way::Plain),
            "LOGIN" => Ok(Way::Login),
            other => Err(format!("{other} is not spoken here")),
        };
        match way {
            Ok(way) => return way.go(connection, auth, hidden).await,
            Err(why) => why_not.push(why),
        }
    }
    Err(Unsendable(format!("no way to say who we are: {}", why_not.join(", "))).into())
}

/// What the server offers, in its order.
async fn mechanisms(connection: &mut AsyncSmtpConnection, hello: &str) -> Result<Vec<String>, Broken> {
    let response = connection.command(format!("EHLO {hello}\r\n")).await?;
    // Some write "AUTH=", from before the standard.
    let offer = response.message().find_map(|line| {
        let line = line.to_ascii_uppercase();
        line.strip_prefix("AUTH ").or_else(|| line.strip_prefix("AUTH=")).map(str::to_owned)
    });
    Ok(offer.map(|offer| offer.split_whitespace().map(str::to_owned).collect()).unwrap_or_default())
}

fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

#[derive(Clone, Copy)]
enum Way {
    CramMd5,
    Plain,
    Login,
}

impl Way {
    async fn go(
        self,
        connection: &mut AsyncSmtpConnection,
        auth: &MailAuth,
        hidden: &mut Hidden,
    ) -> Result<(), Broken> {
        let source = match self {
            Self::CramMd5 => &auth.secret,
            Self::Plain | Self::Login => &auth.password,
        };
        let secret = read(source, hidden).await?;
        let done = match self {
            Self::CramMd5 => cram_md5(connection, &auth.username, &secret).await,
            Self::Plain => {
                let words =
                    base64::encode(format!("{}\0{}\0{secret}", auth.identity, auth.username).as_bytes());
                hidden.add(&words);
                connection.command(format!("AUTH PLAIN {words}\r\n")).await.map(|_| ())
            }
            Self::Login => {
                let (user, password) =
                    (base64::encode(auth.username.as_bytes()), base64::encode(secret.as_bytes()));
                hidden.add(&password);
                login(connection, &user, &password).await
            }
        };
        done.map_err(|error| match code(&error) {
            // Not the message is at fault but who we say we are, which can be mended: it is tried again.
            Some(500..=599) => {
                let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                let code = code(&error).unwrap_or_default();
                Unsendable(hidden.line(&format!("the mail server refuses who we are ({code}): {said}")))
                    .into()
            }
            _ => error.into(),
        })
    }
}

async fn read(source: &Option<SecretSource>, hidden: &mut Hidden) -> Result<String, Unsendable> {
    let text = match source {
        Some(source) => secret(source).await?,
        None => String::new(),
    };
    hidden.add(&text);
    Ok(text)
}

async fn login(
    connection: &mut AsyncSmtpConnection,
    user: &str,
    password: &str,
) -> Result<(), lettre::transport::smtp::Error> {
    connection.command("AUTH LOGIN\r\n").await?;
    connection.command(format!("{user}\r\n")).await?;
    connection.command(format!("{password}\r\n")).await.map(|_| ())
}

/// RFC 2195: proof that we know the secret, without showing it.
async fn cram_md5(
    connection: &mut AsyncSmtpConnection,
    user: &str,
    secret: &str,
) -> Result<(), lettre::transport::smtp::Error> {
    let response = connection.command("AUTH CRAM-MD5\r\n").await?;
    let challenge = response.first_line().and_then(base64::decode).unwrap_or_default();
    let proof = hmac_md5(secret.as_bytes(), &challenge);
    let words = base64::encode(format!("{user} {proof}").as_bytes());
    connection.command(format!("{words}\r\n")).await.map(|_| ())
}

/// RFC 2104, in hexadecimal digits.
fn hmac_md5(key: &[u8], text: &[u8]) -> String {
    const BLOCK_BYTES: usize = 64;
    let mut block = [0u8; BLOCK_BYTES];
    let short = match key.len() > BLOCK_BYTES {
        true => Md5::digest(key).to_vec(),
        false => key.to_vec(),
    };
    block[..short.len()].copy_from_slice(&short);
    let hash = |pad: u8, text: &[u8]| {
        let mut md5 = Md5::new();
        md5.update(block.map(|byte| byte ^ pad));
        md5.update(text);
        md5.finalize().to_vec()
    };
    hash(0x5c, &hash(0x36, text)).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2195, section 2, and RFC 2202, test case 6.
    #[test]
    fn the_proof_is_that_of_the_standard() {
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        assert_eq!(hmac_md5(b"tanstaaftanstaaf", challenge), "b913a602c7eda7a495b4e6e7334d3890");
        let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(hmac_md5(&[0xaa; 80], text), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }
}
