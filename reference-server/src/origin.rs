//! Which requests are refused for where they come from: DNS rebinding makes a browser call loopback
//! servers for foreign pages (2025-11-25 basic/transports#security-warning).

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, Uri, header};

use crate::config::CorsPolicy;

/// Whether a request with this `Origin` may be served.
pub(crate) fn is_accepted(origin: &str, policy: &CorsPolicy) -> bool {
    match policy {
        CorsPolicy::Any => true,
        CorsPolicy::Closed => is_loopback(origin),
        CorsPolicy::Origins(listed) => {
            is_loopback(origin)
                || listed
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(origin))
        }
    }
}

/// Whether the request names this machine as its host. A request without a host is not a browser's.
pub(crate) fn names_loopback_host(headers: &HeaderMap, uri: &Uri) -> bool {
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => match uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => return true,
        },
    };
    host.is_some_and(is_loopback_authority)
}

fn is_loopback(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(scheme, authority)| {
        matches!(scheme, "http" | "https") && is_loopback_authority(authority)
    })
}

/// `host` or `host:port` with a host that can only be this machine.
fn is_loopback_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => match port.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None => return false,
            },
            None => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return false;
    }
    if authority.starts_with('[') {
        return host.parse::<Ipv6Addr>() == Ok(Ipv6Addr::LOCALHOST);
    }
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_origins_are_told_from_look_alikes() {
        for (origin, loopback) in [
            ("http://localhost", true),
            ("http://LOCALHOST:3000", true),
            ("https://127.0.0.1:8443", true),
            ("http://127.8.9.1", true),
            ("http://[::1]:80", true),
            ("http://[::1]", true),
            ("null", false),
            ("", false),
            ("http://localhost.evil.example", false),
            ("http://127.0.0.1.evil.example", false),
            ("http://evil.example", false),
            ("http://localhost@evil.example", false),
            ("http://localhost:80@evil.example", false),
            ("http://localhost/evil", false),
            ("file://localhost", false),
            ("http://[::1", false),
            ("http://[::1]x", false),
            ("http://0.0.0.0", false),
            ("localhost", false),
        ] {
            assert_eq!(
                is_accepted(origin, &CorsPolicy::Closed),
                loopback,
                "{origin}"
            );
        }
    }

    #[test]
    fn listed_origins_are_accepted_beside_loopback() {
        let policy = CorsPolicy::Origins(vec!["https://app.example".to_owned()]);
        assert!(is_accepted("https://app.example", &policy));
        assert!(is_accepted("http://localhost:1", &policy));
        assert!(!is_accepted("https://app.example:444", &policy));
        assert!(is_accepted("null", &CorsPolicy::Any));
    }
}
