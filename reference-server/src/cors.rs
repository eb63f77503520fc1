//! The headers that let pages of accepted origins read the answers (Fetch standard, CORS protocol).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use crate::config::CorsPolicy;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, accept, authorization, last-event-id, mcp-protocol-version, mcp-session-id, \
     mcp-method, mcp-name, mcp-param-place, mcp-param-floor, mcp-param-open, mcp-param-row",
);
const RESPONSE_HEADERS: HeaderValue =
    HeaderValue::from_static("mcp-session-id, mcp-protocol-version, www-authenticate");

/// What `Access-Control-Allow-Origin` says to an accepted origin, if anything.
///
/// Hybrid serves browser pages, so that loopback pages may read its answers even when nothing else is open.
pub(crate) fn allowed(
    origin: &HeaderValue,
    policy: &CorsPolicy,
    is_hybrid: bool,
) -> Option<HeaderValue> {
    match policy {
        CorsPolicy::Any => Some(HeaderValue::from_static("*")),
        CorsPolicy::Closed if !is_hybrid => None,
        CorsPolicy::Closed | CorsPolicy::Origins(_) => Some(origin.clone()),
    }
}

/// Whether a browser asks for permission before the request proper.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight, still without the origin.
pub(crate) fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    response
}

/// The defect that allows every origin and lets browsers send credentials.
pub(crate) fn allow_everything(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
}

/// Adds the headers to any answer, errors included.
pub(crate) fn allow(response: &mut Response, allowed: HeaderValue) {
    const VARY: HeaderName = header::VARY;
    let headers = response.headers_mut();
    if allowed != "*" {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
}
