//! `/etc/resolv.conf`: which servers are asked, and under which names. Only what Prometheus takes from it is read.

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverConfig {
    /// Addresses of servers, with their port.
    pub servers: Vec<String>,
    /// Domains that are tried after a name that is not complete.
    pub search: Vec<String>,
    /// Dots that make a name complete enough to be tried first as it is.
    pub dots_min: usize,
}

const PORT: u16 = 53;

impl ResolverConfig {
    /// Reads the file's text.
    pub fn read(text: &str) -> Self {
        let mut config = Self { servers: Vec::new(), search: Vec::new(), dots_min: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse().ok());
                    let socket = address.map(|address| std::net::SocketAddr::new(address, PORT));
                    config.servers.extend(socket.map(|socket| socket.to_string()));
                }
                Some("domain") => config.search = words.take(1).map(str::to_owned).collect(),
                Some("search") => config.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let mut dots = words.filter_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    config.dots_min = dots.next_back().unwrap_or(config.dots_min).min(15);
                }
                Some(_) | None => {}
            }
        }
        config
    }

    /// The names that are asked for in place of one, in order.
    pub fn names(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let whole = format!("{name}.");
        let below = self.search.iter().map(|domain| format!("{name}.{}.", domain.trim_matches('.')));
        let is_first = name.matches('.').count() >= self.dots_min;
        let (first, last) = if is_first { (Some(whole), None) } else { (None, Some(whole)) };
        first.into_iter().chain(below).chain(last).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_whom_to_ask_for_what() {
        let text = "# a comment\nnameserver 10.0.0.2\nnameserver fd00::1\nnameserver nonsense\n\
                    search a.example b.example.\noptions timeout:1 ndots:2\n";
        let config = ResolverConfig::read(text);
        assert_eq!(config.servers, ["10.0.0.2:53", "[fd00::1]:53"]);
        let check = |name: &str, expected: &[&str]| assert_eq!(config.names(name), expected, "{name}");
        check("x.", &["x."]);
        check("x.y", &["x.y.a.example.", "x.y.b.example.", "x.y."]);
        check("x.y.z", &["x.y.z.", "x.y.z.a.example.", "x.y.z.b.example."]);
        assert_eq!(ResolverConfig::read("").names("x"), ["x."]);
        assert_eq!(ResolverConfig::read("domain d.example\n").names("x"), ["x.d.example.", "x."]);
    }
}
