//! Where a request may come from: known hosts, and for changes the very same origin.
//!
//! Cookies know no ports: a page on the boot listener is same-site with the dashboard. So a
//! request that changes something must carry an `Origin` whose scheme, host and port are those
//! that the request itself was sent to (DESIGN.md §6). A `Host` that nobody named is refused, so
//! that a foreign name pointed at this address (DNS rebinding) gets nothing. A WebSocket is opened
//! by a GET with cookies that no CORS guards, so it must come from the same origin as a change does.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use crate::refusal;

/// The hosts by which the dashboard is known and the proxies that are believed.
#[derive(Debug, Clone)]
pub struct Origins(Arc<Known>);

#[derive(Debug)]
struct Known {
    names: BTreeSet<String>,
    proxies: Vec<IpAddr>,
}

/// How the browser reached us, as far as we believe what the request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Whether the browser speaks TLS, to us or to a trusted proxy.
    pub tls: bool,
    /// Host and port as the browser wrote them.
    pub authority: String,
    /// Where the request came from.
    pub address: Option<IpAddr>,
}

impl Origins {
    /// `names` are the host names of the configuration; localhost and this host's own name are
    /// known besides.
    #[must_use]
    pub fn new(names: &[String], proxies: &[IpAddr]) -> Self {
        let own = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        let names = names
            .iter()
            .cloned()
            .chain(own)
            .chain(["localhost".to_owned()])
            .map(|name| name.to_ascii_lowercase())
            .collect();
        Self(Arc::new(Known { names, proxies: proxies.to_vec() }))
    }

    /// Whether the dashboard answers to `host` (without a port).
    fn knows(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if self.0.names.contains(&host) {
            return true;
        }
        let Ok(address) = host.parse::<IpAddr>() else {
            return false;
        };
        // Asked each time: addresses come and go while the server runs.
        address.is_loopback()
            || if_addrs::get_if_addrs()
                .is_ok_and(|interfaces| interfaces.iter().any(|own| own.ip() == address))
    }

    /// What to believe about how a request came here; `None` where it names no host that the
    /// dashboard answers to.
    #[must_use]
    pub fn reached_by(&self, request: &Request) -> Option<Reached> {
        let peer = request
            .extensions()
            .get::<ConnectInfo<std::net::SocketAddr>>()
            .map(|ConnectInfo(peer)| peer.ip());
        self.reached(peer, request.headers()).filter(|reached| {
            reached.authority.parse::<Authority>().is_ok_and(|authority| {
                !reached.authority.contains('@') && self.knows(authority.host())
            })
        })
    }

    /// What to believe about how a request came here; `None` where it names no usable host.
    fn reached(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<Reached> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let proxied = peer.is_some_and(|peer| self.0.proxies.contains(&peer));
        let last = |name: &str| {
            text(name)
                .filter(|_| proxied)
                .and_then(|value| value.rsplit(',').next())
                .map(|value| value.trim().to_owned())
        };
        let authority = last("x-forwarded-host").or_else(|| text("host").map(str::to_owned))?;
        Some(Reached {
            tls: last("x-forwarded-proto")
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
            address: last("x-forwarded-for").and_then(|address| address.parse().ok()).or(peer),
            authority,
        })
    }
}

impl Reached {
    /// The origin that the browser is at.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority.to_ascii_lowercase())
    }
}

/// Refuses requests for unknown hosts and changes that another origin asks for; tells the rest of
/// the program how the browser reached us.
pub async fn guard(State(origins): State<Origins>, mut request: Request, next: Next) -> Response {
    let Some(reached) = origins.reached_by(&request) else {
        return refusal::page(
            StatusCode::MISDIRECTED_REQUEST,
            "This server does not answer to that host name. Open it by one of its own names or \
             addresses, or add the name with --host.",
        );
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if opens_socket(request.headers()) && !names_origin(&reached, request.headers()) {
        return refusal::page(
            StatusCode::FORBIDDEN,
            "This socket was asked for by a page of another origin, so it was not opened. Open the \
             page on this server.",
        );
    }
    if changes && !same_origin(&reached, request.headers()) {
        return refusal::page(
            StatusCode::FORBIDDEN,
            "This change was asked for by a page of another origin, so it was not made. Open the \
             page on this server and send the form from there.",
        );
    }
    request.extensions_mut().insert(reached);
    next.run(request).await
}

fn opens_socket(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE) || headers.contains_key(header::SEC_WEBSOCKET_KEY)
}

/// Whether the very origin is named. Every browser does so where it opens a socket (RFC 6455 §4.1).
fn names_origin(reached: &Reached, headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) && same_origin(reached, headers)
}

fn same_origin(reached: &Reached, headers: &HeaderMap) -> bool {
    let own = reached.origin();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::ORIGIN) {
        Some(origin) => origin.eq_ignore_ascii_case(&own),
        // Old browsers leave `Origin` out of same-origin forms, but not the referrer.
        None => text(header::REFERER).is_some_and(|referrer| {
            let path = referrer.get(own.len()..).unwrap_or_default();
            referrer.to_ascii_lowercase().starts_with(&own) && path.starts_with('/')
        }),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn allowed(pairs: &[(&'static str, &str)]) -> bool {
        let origins = Origins::new(&[], &[]);
        let headers = headers(pairs);
        same_origin(&origins.reached(None, &headers).unwrap(), &headers)
    }

    #[test]
    fn only_the_very_same_origin_may_change_things() {
        assert!(allowed(&[("host", "a:3000"), ("origin", "http://a:3000")]));
        assert!(allowed(&[("host", "a:3000"), ("referer", "http://a:3000/recipes?x")]));
        for origin in ["http://a:8000", "http://a", "https://a:3000", "http://b:3000", "null", ""] {
            assert!(!allowed(&[("host", "a:3000"), ("origin", origin)]), "{origin}");
        }
        assert!(!allowed(&[("host", "a:3000"), ("referer", "http://a:30001/")]));
        assert!(!allowed(&[("host", "a:3000")]));
    }

    #[test]
    fn forwarded_headers_are_believed_from_a_named_proxy_only() {
        let proxy: IpAddr = "192.0.2.1".parse().unwrap();
        let origins = Origins::new(&[], &[proxy]);
        let forwarded = headers(&[
            ("host", "inner:3000"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "boot.example"),
            ("x-forwarded-for", "198.51.100.7, 192.0.2.9"),
        ]);
        let believed = origins.reached(Some(proxy), &forwarded).unwrap();
        assert_eq!((believed.tls, believed.origin().as_str()), (true, "https://boot.example"));
        assert_eq!(believed.address, Some("192.0.2.9".parse().unwrap()));
        let stranger = Some("192.0.2.2".parse().unwrap());
        let doubted = origins.reached(stranger, &forwarded).unwrap();
        assert_eq!((doubted.tls, doubted.authority.as_str()), (false, "inner:3000"));
        assert_eq!(doubted.address, stranger);
    }

    #[test]
    fn unknown_hosts_are_not_known() {
        let origins = Origins::new(&["boot.example".to_owned()], &[]);
        for host in ["localhost", "127.0.0.1", "[::1]", "Boot.Example"] {
            assert!(origins.knows(host), "{host}");
        }
        for host in ["evil.example", "198.51.100.77", ""] {
            assert!(!origins.knows(host), "{host}");
        }
    }
}
