//! Which requests go through which proxy. Exceptions are those of `no_proxy` and `NO_PROXY` as Go programs read them.

use std::net::IpAddr;

use bellwether_alerts::{ProxyChoice, ProxyConfig};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Proxy, Url};

use super::Unsendable;

/// Proxies as the client takes them: one for plain requests, one for tunnels. Headers for the proxy itself go with
/// tunnels only; with a plain request they would reach whoever it is for.
pub(crate) fn proxies(config: &ProxyConfig) -> Result<Vec<Proxy>, Unsendable> {
    let unusable = || Unsendable("proxy_connect_header cannot be sent as it is configured".to_owned());
    let mut headers = HeaderMap::new();
    for (name, values) in &config.connect_headers {
        let name = HeaderName::try_from(name).map_err(|_| unusable())?;
        for value in values {
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| unusable())?;
            value.set_sensitive(true);
            headers.append(&name, value);
        }
    }
    let (plain, tunnels) = match &config.choice {
        ProxyChoice::Direct => return Ok(Vec::new()),
        ProxyChoice::Url { url, except } => {
            let url = Url::parse(url.expose());
            let url = url.map_err(|_| Unsendable("proxy_url is not an address".to_owned()))?;
            let rule = Rule { url, except: (!except.is_empty()).then(|| Exceptions::read(except)) };
            (Some(rule.clone()), Some(rule))
        }
        ProxyChoice::Environment => (named("http_proxy"), named("https_proxy")),
    };
    let of = |scheme: &'static str, rule: Option<Rule>| {
        rule.map(|rule| {
            Proxy::custom(move |url| {
                (url.scheme() == scheme && rule.applies_to(url)).then(|| rule.url.clone())
            })
        })
    };
    let tunnels = of("https", tunnels).map(|proxy| proxy.headers(headers));
    Ok([of("http", plain), tunnels].into_iter().flatten().collect())
}

/// A proxy that the environment names, in small or in capital letters.
fn named(variable: &str) -> Option<Rule> {
    let read = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let either = |name: &str| read(&name.to_uppercase()).or_else(|| read(name));
    let address = either(variable)?;
    let url = Url::parse(&address).ok().filter(|url| url.has_host());
    let url = url.or_else(|| Url::parse(&format!("http://{address}")).ok())?;
    Some(Rule { url, except: Some(Exceptions::read(&either("no_proxy").unwrap_or_default())) })
}

#[derive(Clone, Debug)]
struct Rule {
    url: Url,
    /// Without any, everything goes through the proxy, this machine included.
    except: Option<Exceptions>,
}

impl Rule {
    fn applies_to(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or_default();
        self.except.as_ref().is_none_or(|except| !except.hold(host, port))
    }
}

/// What is reached without the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exceptions(Vec<Exception>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    Network {
        address: IpAddr,
        bits: u8,
    },
    Address {
        address: IpAddr,
        port: Option<u16>,
    },
    /// A domain; with a leading dot only what is below it.
    Domain {
        suffix: String,
        itself: bool,
        port: Option<u16>,
    },
}

impl Exceptions {
    fn read(text: &str) -> Self {
        Self(text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(Exception::read).collect())
    }

    /// This machine is never reached through a proxy that has exceptions.
    fn hold(&self, host: &str, port: u16) -> bool {
        let host = host.to_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        host == "localhost"
            || address.is_some_and(|address| address.is_loopback())
            || self.0.iter().any(|exception| exception.holds(&host, address, port))
    }
}

impl Exception {
    fn read(entry: &str) -> Self {
        let entry = entry.to_lowercase();
        if entry == "*" {
            return Self::Everything;
        }
        if let Some((address, bits)) = entry.split_once('/')
            && let (Ok(address), Ok(bits)) = (address.parse(), bits.parse())
        {
            return Self::Network { address, bits };
        }
        let bare = entry.trim_matches(['[', ']']);
        if let Ok(address) = bare.parse() {
            return Self::Address { address, port: None };
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host.to_owned(), port.parse().ok()),
            None => (entry, None),
        };
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Self::Address { address, port };
        }
        let suffix = host.strip_prefix('*').unwrap_or(&host);
        let itself = !suffix.starts_with('.');
        Self::Domain { suffix: suffix.trim_start_matches('.').to_owned(), itself, port }
    }

    fn holds(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let is_port = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::Everything => true,
            Self::Network { address: network, bits } => {
                address.is_some_and(|address| in_network(address, *network, *bits))
            }
            Self::Address { address: wanted, port } => address == Some(*wanted) && is_port(port),
            Self::Domain { suffix, itself, port } => {
                let below = host.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.ends_with('.'));
                is_port(port) && (below || (*itself && host == suffix))
            }
        }
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32u8),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let ((address, length), (network, other)) = (number(address), number(network));
    let shift = u32::from(length.saturating_sub(bits));
    length == other && address.checked_shr(shift).unwrap_or(0) == network.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Exceptions;

    #[test]
    fn exceptions_are_read_as_go_programs_read_them() {
        let check = |list: &str, host: &str, port: u16, want: bool| {
            assert_eq!(Exceptions::read(list).hold(host, port), want, "{host}:{port} with {list:?}");
        };
        check("", "example.org", 443, false);
        check("", "localhost", 80, true);
        check("", "127.0.0.1", 80, true);
        check("", "::1", 80, true);
        check("*", "example.org", 443, true);
        check("example.org", "example.org", 443, true);
        check("example.org", "hooks.example.org", 443, true);
        check("example.org", "notexample.org", 443, false);
        check(".example.org", "example.org", 443, false);
        check(".example.org", "hooks.example.org", 443, true);
        check("*.example.org", "hooks.Example.org", 443, true);
        check("a.org, example.org:8443", "example.org", 8443, true);
        check("example.org:8443", "example.org", 443, false);
        check("10.0.0.0/8", "10.1.2.3", 80, true);
        check("10.0.0.0/8", "11.1.2.3", 80, false);
        check("10.0.0.0/0", "11.1.2.3", 80, true);
        check("fd00::/8", "fd12::1", 80, true);
        check("192.0.2.7", "192.0.2.7", 80, true);
        check("192.0.2.7:81", "192.0.2.7", 80, false);
        check("[2001:db8::1]:81", "2001:db8::1", 81, true);
    }
}
