//! One connection: find the address, open it, agree on encryption, each phase timed. The certificates a server shows
//! are noted before they are judged, so that an expired one tells its date.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bellwether_model::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::attempt::{Broken, Ended, Phase, Reason, Trace};
use super::certificate;
use super::definition::{Family, Tls, Wire};

/// A connection, encrypted or not.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Where to, and how.
#[derive(Clone, Copy, Debug)]
pub struct Dial<'a> {
    /// Name or address, without brackets.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Which addresses, and who is trusted.
    pub wire: &'a Wire,
    /// Whether the connection is encrypted, and for which protocol.
    pub tls: Option<&'static [u8]>,
    /// How long the whole attempt may take: one dead address of several must not use all of it.
    pub timeout: Duration,
}

/// Opens a connection.
pub async fn dial(dial: Dial<'_>, trace: &mut Trace) -> Result<Box<dyn Connection>, Ended> {
    // What our own settings lack must not look like the target's fault, so it is found first.
    let encryption = match dial.tls {
        Some(protocol) => Some(Encryption::new(&dial.wire.tls, dial.host, protocol).await?),
        None => None,
    };
    trace.enter(Phase::Resolve);
    let addresses = resolve(&dial).await?;
    trace.enter(Phase::Connect);
    let stream = connect(&addresses, dial.timeout, trace).await?;
    let Some(encryption) = encryption else {
        trace.leave();
        return Ok(Box::new(stream));
    };
    trace.enter(Phase::Tls);
    let connected = encryption.connector.connect(encryption.name, stream).await;
    trace.leave();
    let ends = *encryption.seen.earliest_end.lock().unwrap_or_else(PoisonError::into_inner);
    trace.facts.certificate_ends = ends.or(trace.facts.certificate_ends);
    match connected {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(Broken::new(Reason::Tls, format!("no encryption: {}", innermost(&error))).into()),
    }
}

/// Finds the addresses that are wanted; at least one.
pub async fn resolve(dial: &Dial<'_>) -> Result<Vec<SocketAddr>, Broken> {
    let host = dial.host;
    let found = tokio::net::lookup_host((host, dial.port)).await;
    let found =
        found.map_err(|error| Broken::new(Reason::Resolve, format!("{host} has no address: {error}")))?;
    let wanted: Vec<SocketAddr> = found
        .filter(|address| match dial.wire.family {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        })
        .collect();
    let kind = match dial.wire.family {
        Family::Any => "address",
        Family::V4 => "IPv4 address",
        Family::V6 => "IPv6 address",
    };
    if wanted.is_empty() {
        return Err(Broken::new(Reason::Resolve, format!("{host} has no {kind}")));
    }
    Ok(wanted)
}

/// Opens a connection to the first address that takes one.
pub async fn connect(
    addresses: &[SocketAddr],
    timeout: Duration,
    trace: &mut Trace,
) -> Result<TcpStream, Broken> {
    let patience = timeout / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut reasons = Vec::new();
    for address in addresses {
        trace.facts.address = Some(*address);
        match tokio::time::timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => reasons.push(format!("cannot connect to {address}: {error}")),
            Err(_) => reasons.push(format!("cannot connect to {address}: it does not answer")),
        }
    }
    Err(Broken::new(Reason::Connect, reasons.join("; ")))
}

/// The innermost reason, which is what a person can act on.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

struct Encryption {
    connector: TlsConnector,
    name: ServerName<'static>,
    seen: Arc<Watching>,
}

impl Encryption {
    async fn new(tls: &Tls, host: &str, protocol: &'static [u8]) -> Result<Self, Ended> {
        let name = tls.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Ended::NotTried(format!("{name:?} cannot be the name of a server")))?;
        let provider = Arc::new(ring::default_provider());
        let judge = match (tls.insecure, &tls.ca_file) {
            (true, _) => None,
            (false, Some(path)) => Some(judge_of_file(path, &provider).await?),
            (false, None) => Some(judge_of_system(&provider)?),
        };
        let seen = Arc::new(Watching { judge, provider: provider.clone(), earliest_end: Mutex::default() });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Ended::NotTried(error.to_string()))?;
        let mut config =
            config.dangerous().with_custom_certificate_verifier(seen.clone()).with_no_client_auth();
        if !protocol.is_empty() {
            config.alpn_protocols = vec![protocol.to_vec()];
        }
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name, seen })
    }
}

type Judge = Arc<WebPkiServerVerifier>;

async fn judge_of_file(path: &str, provider: &Arc<CryptoProvider>) -> Result<Judge, Ended> {
    let not_tried = |why: String| Ended::NotTried(format!("ca_file {path} {why}"));
    let text = tokio::fs::read(path).await.map_err(|error| not_tried(format!("cannot be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let added = certificate.ok().and_then(|certificate| roots.add(certificate).ok());
        added.ok_or_else(|| not_tried("holds something that is not a certificate".to_owned()))?;
    }
    if roots.is_empty() {
        return Err(not_tried("holds no certificate".to_owned()));
    }
    judge(roots, provider)
}

/// Whom the system trusts, read once.
fn judge_of_system(provider: &Arc<CryptoProvider>) -> Result<Judge, Ended> {
    static JUDGE: OnceLock<Result<Judge, Ended>> = OnceLock::new();
    let make = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            let why =
                "this system trusts nobody: install its CA certificates, or name them with tls: {ca_file: …}";
            return Err(Ended::NotTried(why.to_owned()));
        }
        judge(roots, provider)
    };
    JUDGE.get_or_init(make).clone()
}

fn judge(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Judge, Ended> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| Ended::NotTried(error.to_string()))
}

/// Notes when the certificates end, then asks the one who judges them; `None` trusts everybody.
#[derive(Debug)]
struct Watching {
    judge: Option<Judge>,
    provider: Arc<CryptoProvider>,
    earliest_end: Mutex<Option<Timestamp>>,
}

impl ServerCertVerifier for Watching {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        let earliest = chain.filter_map(|certificate| certificate::ends_at(certificate)).min();
        *self.earliest_end.lock().unwrap_or_else(PoisonError::into_inner) = earliest;
        match &self.judge {
            Some(judge) => {
                judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
