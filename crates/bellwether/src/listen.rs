//! Taking a port, and saying which flag to change when it is taken.

use tokio::net::TcpListener;

use crate::failure::Failure;

/// Listens on an address such as `127.0.0.1:9999`; `flag` is what set it.
pub async fn listen(address: &str, flag: &str) -> Result<TcpListener, Failure> {
    if !address.contains(':') {
        return Err(Failure::wrong(format!(
            "{flag} {address:?} has no port; write it like 127.0.0.1:{address}"
        )));
    }
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Failure::failed(format!(
            "{address} is taken by another program; stop it, or choose another address with {flag}"
        )),
        std::io::ErrorKind::PermissionDenied => Failure::failed(format!(
            "no permission to listen on {address}; choose a port above 1023 with {flag}"
        )),
        _ => Failure::failed(format!(
            "cannot listen on {address}: {error}; choose another address with {flag}"
        )),
    })
}
