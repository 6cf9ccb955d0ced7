//! Certificates made for a test: self-signed, for one name, valid until whenever the test wants. RFC 5280, section 4.1.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate with its key.
pub(crate) struct Forged {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// ecdsa-with-SHA256: 1.2.840.10045.4.3.2
const SIGNED_WITH: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// id-ecPublicKey: 1.2.840.10045.2.1
const EC_KEY: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// prime256v1: 1.2.840.10045.3.1.7
const P256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// id-at-commonName: 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 4, 3];
/// id-ce-subjectAltName: 2.5.29.17
const ALSO_NAMED: [u8; 3] = [0x55, 0x1d, 17];

fn value(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let contents = parts.concat();
    let mut bytes = vec![tag];
    match contents.len() {
        short @ 0..=0x7f => bytes.push(short as u8),
        middle @ 0x80..=0xff => bytes.extend([0x81, middle as u8]),
        long => bytes.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    bytes.extend(contents);
    bytes
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(0x30, parts)
}

fn identifier(bytes: &[u8]) -> Vec<u8> {
    value(6, &[bytes.to_vec()])
}

/// For the address 127.0.0.1, valid from 2020 until `end`, which is written like `20300101000000Z`.
pub(crate) fn certificate_until(end: &str) -> Forged {
    forge(end, value(0x87, &[vec![127, 0, 0, 1]]))
}

/// For a name.
pub(crate) fn certificate_for(name: &str) -> Forged {
    forge("20400101000000Z", value(0x82, &[name.as_bytes().to_vec()]))
}

fn forge(end: &str, subject: Vec<u8>) -> Forged {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let bits = |bytes: &[u8]| value(3, &[vec![0], bytes.to_vec()]);
    let name = sequence(&[value(
        0x31,
        &[sequence(&[identifier(&COMMON_NAME), value(0x0c, &[b"bellwether test".to_vec()])])],
    )]);
    let moment = |text: &str| value(0x18, &[text.as_bytes().to_vec()]);
    let key =
        sequence(&[sequence(&[identifier(&EC_KEY), identifier(&P256)]), bits(pair.public_key().as_ref())]);
    let names = sequence(&[subject]);
    let extension = sequence(&[identifier(&ALSO_NAMED), value(4, &[names])]);
    let signature = sequence(&[identifier(&SIGNED_WITH)]);
    let signed = sequence(&[
        value(0xa0, &[value(2, &[vec![2]])]),
        value(2, &[vec![7]]),
        signature.clone(),
        name.clone(),
        sequence(&[moment("20200101000000Z"), moment(end)]),
        name,
        key,
        value(0xa3, &[sequence(&[extension])]),
    ]);
    let proof = pair.sign(&random, &signed).unwrap();
    let whole = sequence(&[signed, signature, bits(proof.as_ref())]);
    Forged {
        certificate: CertificateDer::from(whole),
        key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.as_ref().to_vec())),
    }
}

impl Forged {
    /// As a file of certificates holds it.
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// As a file of keys holds it.
    pub(crate) fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.key.secret_der())
    }

    /// A server's side of the encryption.
    pub(crate) fn acceptor(&self, protocol: &[u8]) -> tokio_rustls::TlsAcceptor {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .unwrap();
        if !protocol.is_empty() {
            config.alpn_protocols = vec![protocol.to_vec()];
        }
        tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config))
    }
}

fn pem(what: &str, bytes: &[u8]) -> String {
    use std::fmt::Write;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let at = |index: usize| group.get(index).copied().map_or(0, u32::from);
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= group.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    let mut pem = format!("-----BEGIN {what}-----\n");
    for line in text.as_bytes().chunks(64) {
        writeln!(pem, "{}", String::from_utf8_lossy(line)).unwrap();
    }
    pem + &format!("-----END {what}-----\n")
}
